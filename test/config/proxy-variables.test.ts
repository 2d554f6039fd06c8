import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type LoadResult } from '../../src/config/index.ts';
import { proxyVariable } from '../../src/config/proxy-variables.ts';

type Env = Readonly<Record<string, string>>;

function parse(destination: string, env: Env): LoadResult {
  return parseConfig({
    text: `upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]\npush: [{ name: a, ${destination} }]`,
    source: 'test.yaml',
    env: { ...env },
    readFile: () => assert.fail('no file is named'),
  });
}

function proxyOf(endpoint: string, env: Env): string | undefined {
  return proxyVariable(endpoint, env)?.url;
}

const BOTH = { http_proxy: 'http://plain:3128', https_proxy: 'http://safe:3128' };

test('the proxy of an endpoint is that of its scheme, in lower case or in upper case', () => {
  const cases: Record<string, { endpoint?: string; env: Env; proxy: string | undefined }> = {
    http: { endpoint: 'http://h', env: BOTH, proxy: 'http://plain:3128/' },
    https: { env: BOTH, proxy: 'http://safe:3128/' },
    'https, and only http is named': { env: { http_proxy: 'http://p' }, proxy: undefined },
    'http, and only https is named': { endpoint: 'http://h', env: { https_proxy: 'http://p' }, proxy: undefined },
    'upper case': { env: { HTTPS_PROXY: 'http://p:1' }, proxy: 'http://p:1/' },
    'lower case wins': { env: { HTTPS_PROXY: 'http://p:1', https_proxy: 'http://p:2' }, proxy: 'http://p:2/' },
    'a blank one is not set': { env: { https_proxy: ' ', HTTPS_PROXY: 'http://p:1' }, proxy: 'http://p:1/' },
    'without a scheme': { env: { https_proxy: 'p:3128' }, proxy: 'http://p:3128/' },
    'over TLS': { env: { https_proxy: 'https://p' }, proxy: 'https://p/' },
    'with credentials': { env: { https_proxy: ' http://u:p%40ss@p:1 ' }, proxy: 'http://u:p%40ss@p:1/' },
    none: { env: {}, proxy: undefined },
  };
  for (const [name, { endpoint = 'https://h', env, proxy }] of Object.entries(cases))
    assert.equal(proxyOf(endpoint, env), proxy, name);
});

test('an endpoint that no_proxy covers, or that is on this host, is reached without a proxy', () => {
  const hosts = ['h.example.com', 'example.com', 'notexample.com', '10.1.2.3', '[fd00::1]'];
  /** Those that go without. */
  const cases: Record<string, readonly string[]> = {
    '': [],
    '*': hosts,
    '*:443': hosts,
    '*:80': [],
    'example.com': ['h.example.com', 'example.com'],
    'EXAMPLE.com:443': ['h.example.com', 'example.com'],
    'example.com:8443': [],
    '.example.com': ['h.example.com'],
    '*.example.com': ['h.example.com'],
    'elsewhere.test, example.com': ['h.example.com', 'example.com'],
    com: ['h.example.com', 'example.com', 'notexample.com'],
    '10.1.2.3': ['10.1.2.3'],
    '10.1.2.3:443': ['10.1.2.3'],
    '10.1.2.3:80': [],
    '10.0.0.0/8': ['10.1.2.3'],
    '10.1.2.3/32,10.1.2.4/31': ['10.1.2.3'],
    '10.0.0.0/x,10.0.0.0/': [],
    '1.2.3,0.0.0.0': [],
    'fd00::1': ['[fd00::1]'],
    '[fd00::1]': ['[fd00::1]'],
    '[fd00::1]:443': ['[fd00::1]'],
    '[fd00::1]:80': [],
    'fd00::/8': ['[fd00::1]'],
    'f000::/4': ['[fd00::1]'],
    ', ,:,:443,/': [],
  };
  for (const [no_proxy, without] of Object.entries(cases)) {
    const found = hosts.filter((host) => proxyOf(`https://${host}`, { ...BOTH, no_proxy }) === undefined);
    assert.deepEqual(found, without, no_proxy);
  }
  for (const host of ['localhost', 'LOCALHOST', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]'])
    assert.equal(proxyOf(`https://${host}:4318`, BOTH), undefined, host);
  assert.equal(proxyOf('https://h:8443', { ...BOTH, NO_PROXY: 'h:8443' }), undefined);
});

test('a destination over HTTP has its proxy, and one over gRPC has none, of which it warns', () => {
  const found = ['http/protobuf', 'grpc'].map((protocol) => {
    const result = parse(`protocol: ${protocol}, endpoint: "https://h:1"`, BOTH);
    assert.ok(result.ok);
    return [result.config.push[0]?.proxy, result.warnings];
  });
  assert.deepEqual(found, [
    ['http://safe:3128/', []],
    [
      undefined,
      [
        'push[0].endpoint is reached past the proxy of https_proxy, since push[0].protocol is grpc: only http/protobuf heeds it',
      ],
    ],
  ]);
});

test('a proxy that cannot be read is a problem of what is reached through it, and is not shown', () => {
  const endpoint = 'endpoint: "https://h:4318/v1/metrics", protocol: http/protobuf';
  for (const https_proxy of ['socks5://u:secret@p', 'http://', 'http://u:%zz@secret', 'http://u:secret@p:99999']) {
    assert.deepEqual(parse(endpoint, { https_proxy }), {
      ok: false,
      problems: ['push[0].endpoint is reached through the proxy of https_proxy, which must be an http or https URL'],
    });
  }
  const https_proxy = 'socks5://p';
  assert.ok(parse(endpoint, { https_proxy, no_proxy: 'h' }).ok);
  assert.ok(parse('endpoint: "https://h:4317"', { https_proxy }).ok);
});

test('credentials for a proxy are not a header of a destination', () => {
  const destination = 'endpoint: "http://h:1", headers: { Proxy-Authorization: Basic x }';
  assert.deepEqual(parse(destination, {}), {
    ok: false,
    problems: ['push[0].headers.Proxy-Authorization must have another key: this header is about the connection'],
  });
});
