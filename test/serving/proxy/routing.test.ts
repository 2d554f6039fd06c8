import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { createRoute, type Route, type RoutedRequest } from '../../../src/serving/proxy/routing.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { openUpstream } from '../../../src/serving/proxy/upstreams.ts';
import { until } from '../../support/until.ts';
import { INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { connectTo } from './downstream.ts';
import { startUpstream } from './upstream-servers.ts';

interface Spec {
  readonly prefix?: string;
  readonly hosts?: readonly string[];
  readonly models?: readonly string[];
  readonly protocol?: 'openai' | 'bentoml';
}

const openai = protocols.openai({ name: 'llm', models: [], routes: [] });
const bentoml = protocols.bentoml({ name: 'bento', models: [], routes: [{ path: '/classify', task: false }] });

/** Upstreams in an order in which the first that takes a request is hardly ever the right one. */
const specs: Record<string, Spec> = {
  default: {},
  prefixed: { prefix: '/a' },
  deeper: { prefix: '/a/b' },
  wine: { models: ['wine', 'a wine'] },
  prefixedWine: { prefix: '/a', models: ['wine'] },
  wild: { hosts: ['*.example.com'] },
  wilder: { hosts: ['*.b.example.com', '*.sub.example.com'] },
  exact: { hosts: ['x.example.com', '10.0.0.9'] },
  exactPrefixed: { hosts: ['x.example.com'], prefix: '/a' },
  exactWine: { hosts: ['x.example.com'], models: ['wine'] },
  llm: { prefix: '/llm', protocol: 'openai', models: ['gpt'] },
  llmDefault: { prefix: '/llm', protocol: 'openai' },
  bento: { prefix: '/bento', protocol: 'bentoml' },
};

async function routeTo(upstreams: Record<string, Spec>): Promise<Route> {
  const opened = Object.entries(upstreams).map(([name, { prefix = '/', hosts = [], models = [], protocol }]) =>
    openUpstream(
      upstreamAt('http://127.0.0.1:1', {
        ...(protocol && { protocol: { openai, bentoml }[protocol] }),
        ...{ name, pathPrefix: prefix, match: { hosts, models } },
      }),
      { headerBytesMax: 16_384, onHealthChange: () => {} },
    ),
  );
  return createRoute({
    upstreams: await Promise.all(opened),
    recognise: (upstream, { method, target }) =>
      upstream.options.protocol.recognise(method, upstream.segments(target), target.query),
  });
}

interface Case {
  readonly target?: string;
  readonly host?: string;
  readonly body?: RoutedRequest['body'];
  readonly goes: string | undefined;
}

function goesTo(route: Route, { target: text = '/', host = 'gateway', body }: Omit<Case, 'goes'>): string | undefined {
  const target = parseTarget(text);
  assert.ok(target);
  const routed = route({ method: 'POST', target, host: target.authority ?? host, ...(body && { body }) });
  return typeof routed === 'object' ? routed.upstream.options.name : routed;
}

const WINE = '/v2/models/wine/infer';
const CHAT = '/llm/v1/chat/completions';
const cases: Record<string, Case> = {
  'a host that nobody names, to who takes any': { host: 'other.org', goes: 'default' },
  'no host at all, to who takes any': { host: '', goes: 'default' },
  'an exact host': { host: 'x.example.com', goes: 'exact' },
  'a host in capitals': { host: 'X.Example.COM', goes: 'exact' },
  'a host with a port': { host: 'x.example.com:9480', goes: 'exact' },
  'a host with an empty port': { host: 'x.example.com:', goes: 'exact' },
  'a host with a dot at its end': { host: 'x.example.com.', goes: 'exact' },
  'a host with a dot and a port': { host: 'x.example.com.:80', goes: 'exact' },
  'an address': { host: '10.0.0.9:9480', goes: 'exact' },
  'an IPv6 address': { host: '[::1]:9480', goes: 'default' },
  'a URL with that host': { target: 'http://x.example.com:80/', host: 'other.org', goes: 'exact' },
  'a URL with another host': { target: 'http://other.org/', host: 'x.example.com', goes: 'default' },
  'a host below a wildcard': { host: 'y.example.com', goes: 'wild' },
  'a host far below a wildcard': { host: 'z.y.example.com', goes: 'wild' },
  'a host below two wildcards, to the longer one': { host: 'y.b.example.com', goes: 'wilder' },
  'the name of a wildcard is not below itself': { host: 'b.example.com', goes: 'wild' },
  'the name of the only wildcard is not below itself': { host: 'example.com', goes: 'default' },
  'an empty name is not below a wildcard': { host: '.example.com', goes: 'default' },
  'a name that only ends alike': { host: 'badexample.com', goes: 'default' },
  'a name that goes on': { host: 'x.example.com.evil.org', goes: 'default' },
  'the wildcard itself is a name like others': { host: '*.b.example.com', goes: 'wilder' },

  'a prefix': { target: '/a/v2', goes: 'prefixed' },
  'the deepest prefix': { target: '/a/b/v2', goes: 'deeper' },
  'the deepest prefix before the model': { target: `/a/b${WINE}`, goes: 'deeper' },
  'a host before a prefix': { target: '/a/b', host: 'y.example.com', goes: 'wild' },
  'a host and a prefix': { target: '/a/b', host: 'x.example.com', goes: 'exactPrefixed' },

  'a model of the path': { target: WINE, goes: 'wine' },
  'a version of it': { target: '/v2/models/wine/versions/2/infer', goes: 'wine' },
  'its metadata': { target: '/v2/models/wine', goes: 'wine' },
  'its encoded name': { target: '/v2/models/%77ine/infer', goes: 'wine' },
  'a name with a blank': { target: '/v2/models/a%20wine/infer', goes: 'wine' },
  'another model': { target: '/v2/models/iris/infer', goes: 'default' },
  'a model in capitals is another one': { target: '/v2/models/Wine/infer', goes: 'default' },
  'no model': { target: '/v2/health/ready', goes: 'default' },
  'a model below a prefix': { target: `/a${WINE}`, goes: 'prefixedWine' },
  'a model of a host': { target: WINE, host: 'x.example.com', goes: 'exactWine' },
  'a host before a model': { target: WINE, host: 'y.example.com', goes: 'wild' },
  'a host that wants another model, to the same host without one': { host: 'x.example.com', goes: 'exact' },

  'a model of the body is looked for': { target: CHAT, goes: 'body' },
  'a model that the body names': { target: CHAT, body: { model: 'gpt' }, goes: 'llm' },
  'another one that the body names': { target: CHAT, body: { model: 'gpt-2' }, goes: 'llmDefault' },
  'a body that names none': { target: CHAT, body: { model: undefined }, goes: 'llmDefault' },
  'what needs no look into the body': { target: '/llm/v1/models', goes: 'llmDefault' },
  'what has no model': { target: '/bento/classify', goes: 'bento' },
};
for (const [name, { goes, ...request }] of Object.entries(cases)) {
  test(`finds the way: ${name}`, async () => assert.equal(goesTo(await routeTo(specs), request), goes));
}

test('the order of the upstreams makes no difference', async () => {
  const backwards = await routeTo(Object.fromEntries(Object.entries(specs).reverse()));
  const forwards = await routeTo(specs);
  const host = fc.constantFrom('other.org', 'x.example.com', 'y.example.com', 'y.b.example.com', 'example.com:80');
  const target = fc
    .tuple(fc.constantFrom('', '/a', '/a/b', '/llm', '/bento', '/c'), fc.constantFrom('', '/', WINE, '/v2', CHAT))
    .map(([prefix, rest]) => `${prefix}${rest}` || '/');
  fc.assert(
    fc.property(fc.record({ host, target }), (request) =>
      assert.equal(goesTo(backwards, request), goesTo(forwards, request)),
    ),
  );
});

const nobody: Record<string, { specs: Record<string, Spec>; request: Omit<Case, 'goes'> }> = {
  'of another host': { specs: { a: { hosts: ['a.org'] } }, request: { host: 'b.org' } },
  'of another prefix': { specs: { a: { prefix: '/a' } }, request: { target: '/ab' } },
  'of another model': { specs: { a: { models: ['wine'] } }, request: { target: INFER } },
  'of no model': { specs: { a: { models: ['wine'] } }, request: { target: '/v2' } },
  'of a body that names none': {
    specs: { a: { protocol: 'openai', models: ['gpt'] } },
    request: { target: '/v1/completions', body: { model: undefined } },
  },
};
for (const [name, { specs: given, request }] of Object.entries(nobody)) {
  test(`finds no way for a request ${name}`, async () =>
    assert.equal(goesTo(await routeTo(given), request), undefined));
}

test('a request goes to the host of its target, and of its header where that names none', async (t) => {
  const [a, b] = [
    await startUpstream(t, (_request, response) => response.end('a')),
    await startUpstream(t, (_request, response) => response.end('b')),
  ];
  const running = await startProxy(t, [
    upstreamAt(a.url, { name: 'a', match: { hosts: ['*.a.org'], models: [] } }),
    upstreamAt(b.url, { name: 'b', match: { hosts: ['b.org'], models: [] } }),
  ]);
  const ask = async (target: string, host: string): Promise<string> => {
    const downstream = await connectTo(t, running.url);
    downstream.write(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    await downstream.closed;
    return downstream.received().replace(/^.*\r\n\r\n/s, '');
  };
  assert.equal(await ask('/v2', 'X.A.org:80'), 'a');
  assert.equal(await ask('/v2', 'b.org.'), 'b');
  assert.equal(await ask('http://b.org/v2', 'x.a.org'), 'b');
  assert.match(await ask('http://c.org/v2', 'x.a.org'), /"code":"no_route"/);
  assert.match(await ask('/v2', 'a.org'), /"code":"no_route"/);
});

test('the upstream is told the host that a request was routed by', async (t) => {
  const told: unknown[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    told.push(request.headers['x-forwarded-host']);
    response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { match: { hosts: ['b.org'], models: [] } })]);
  const downstream = await connectTo(t, running.url);
  downstream.write('GET /v2 HTTP/1.1\r\nhost: b.org:80\r\n\r\nGET http://b.org:81/v2 HTTP/1.1\r\nhost: a.org\r\n\r\n');
  await until('both have come', () => told.length === 2);
  assert.deepEqual(told, ['b.org:80', 'b.org:81']);
});
