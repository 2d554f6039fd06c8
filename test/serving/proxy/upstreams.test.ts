import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { createRoute, type Route } from '../../../src/serving/proxy/routing.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { openUpstream, type Upstream } from '../../../src/serving/proxy/upstreams.ts';
import { connectTo, send } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const prefixes = ['/', '/a', '/a/b', '/ab', '/c/'];
const at = (pathPrefix: string, url = 'http://127.0.0.1:1'): Promise<Upstream> =>
  openUpstream(upstreamAt(url, { name: pathPrefix, pathPrefix }), { headerBytesMax: 16_384, onHealthChange: () => {} });
const routeOf = async (...upstreams: Promise<Upstream>[]): Promise<Route> =>
  createRoute({ upstreams: await Promise.all(upstreams), recognise: () => undefined });
const pathOf = (upstream: Upstream, target: string): string => {
  const parsed = parseTarget(target);
  const [replica] = upstream.replicas.all;
  assert.ok(parsed && replica);
  return upstream.path(replica, parsed);
};

const matches: Record<string, { target: string; prefix: string; path: string }> = {
  'the root takes what nobody else does': { target: '/v2', prefix: '/', path: '/v2' },
  'a prefix is taken off': { target: '/a/v2', prefix: '/a', path: '/v2' },
  'the longest prefix wins': { target: '/a/b/v2', prefix: '/a/b', path: '/v2' },
  'a prefix ends at a slash': { target: '/abc/v2', prefix: '/', path: '/abc/v2' },
  'a prefix alone is the root behind it': { target: '/a', prefix: '/a', path: '/' },
  'also with a query': { target: '/a?q=/a', prefix: '/a', path: '/?q=/a' },
  'a slash behind the prefix stays': { target: '/a/', prefix: '/a', path: '/' },
  'a prefix may be written with a slash at its end': { target: '/c/v2', prefix: '/c/', path: '/v2' },
  'an encoded prefix is the same prefix': { target: '/%61/v2', prefix: '/a', path: '/v2' },
  'an encoded slash does not make a prefix': { target: '/a%2Fb/v2', prefix: '/', path: '/a%2Fb/v2' },
  'what is behind the prefix stays encoded': { target: '/a/x%2Fy%20z', prefix: '/a', path: '/x%2Fy%20z' },
  'empty segments stay': { target: '/a//v2', prefix: '/a', path: '//v2' },
  'letters in capitals are other letters': { target: '/A/v2', prefix: '/', path: '/A/v2' },
};
for (const [name, { target, prefix, path }] of Object.entries(matches)) {
  test(name, async () => {
    const parsed = parseTarget(target);
    assert.ok(parsed);
    const route = await routeOf(...prefixes.map((each) => at(each)));
    const routed = route({ method: 'GET', target: parsed, host: 'gateway' });
    assert.ok(typeof routed === 'object');
    assert.deepEqual([routed.upstream.options.pathPrefix, pathOf(routed.upstream, target)], [prefix, path]);
  });
}

const bases: Record<string, { url: string; target: string; path: string }> = {
  'the path of the url takes the place of the prefix': { url: 'http://h/base', target: '/a/v2', path: '/base/v2' },
  'a slash at its end is not doubled': { url: 'http://h/base/', target: '/a/v2?q', path: '/base/v2?q' },
  'it may have several segments': { url: 'http://h/x/y', target: '/a', path: '/x/y/' },
};
for (const [name, { url, target, path }] of Object.entries(bases)) {
  test(name, async () => {
    assert.equal(pathOf(await at('/a', url), target), path);
  });
}

test('without an upstream at the root, other paths have none', async () => {
  const route = await routeOf(at('/a'));
  assert.equal(
    route({ method: 'GET', target: { path: '/b', query: '', segments: ['b'] }, host: 'gateway' }),
    undefined,
  );
});

test('each upstream gets its own, and series of its own', async (t) => {
  const [blue, green] = [
    await startUpstream(t, (_request, response) => response.end('blue')),
    await startUpstream(t, (_request, response) => response.end('green')),
  ];
  const running = await startProxy(t, [
    upstreamAt(blue.url, { name: 'blue', pathPrefix: '/blue' }),
    upstreamAt(`${green.url}/base`, {
      name: 'green',
      pathPrefix: '/blue/green',
      labels: { 'inference.service.name': 'g' },
    }),
  ]);
  const post = async (path: string) => (await send(running.url, { method: 'POST', path, body: '{}' })).body.toString();
  assert.equal(await post(`/blue${INFER}?a=1`), 'blue');
  assert.equal(await post(`/blue/green${INFER}`), 'green');
  assert.equal(await post(`/blue/green${INFER}`), 'green');
  assert.deepEqual(blue.seen, [`POST ${INFER}?a=1`]);
  assert.deepEqual(green.seen, [`POST /base${INFER}`, `POST /base${INFER}`]);
  await assertCounts(running, { success: 3 });
  const success = { 'inference.outcome': 'success', 'inference.model.name': 'iris' };
  const { value } = running.telemetry;
  assert.equal(await value('inference.requests', { ...success, 'inference.upstream.name': 'blue' }), 1);
  assert.equal(await value('inference.requests', { ...success, 'inference.service.name': 'g' }), 2);
  const route = { 'http.route': '/v2/models/{model_name}/infer', 'http.response.status_code': 200 };
  assert.equal(await value('http.server.request.duration', { ...route, 'inference.upstream.name': 'green' }), 2);
});

test('connections are kept and used again on both sides', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits: { connectionsMax: 1 } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let n = 0; n < 20; n++) {
    assert.equal((await send(running.url, { method: 'POST', path: INFER, body: '{}', agent })).status, 200);
  }
  assert.equal(upstream.connections(), 1);
  await assertCounts(running, { success: 20 });
  assert.equal(await running.telemetry.value('metergate.connections.rejected'), 0);
});

test('a request in absolute form goes to the upstream in origin form', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write('GET http://example.org/v2/models/iris?a=1 HTTP/1.1\r\nhost: example.org\r\n\r\n');
  await downstream.see('ok');
  downstream.write('GET HTTP://example.org HTTP/1.0\r\n\r\n');
  await downstream.closed;
  assert.deepEqual(upstream.seen, ['GET /v2/models/iris?a=1', 'GET /']);
});

test('HTTP/1.0 is answered and closed, or kept when it asks for that', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-length': 2 }).end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  const request = `POST ${INFER} HTTP/1.0\r\ncontent-length: 2\r\n`;
  downstream.write(`${request}connection: keep-alive\r\n\r\n{}`);
  await downstream.see('\r\n\r\nok');
  downstream.write(`${request}\r\n{}`);
  assert.equal(await downstream.closed, 'end');
  assert.equal(downstream.received().match(/\r\n\r\nok/g)?.length, 2);
  await assertCounts(running, { success: 2 });
});
