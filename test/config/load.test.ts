import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig, parseConfig, type Config } from '../../src/config/index.ts';
import { outside } from './outside.ts';

function parse(text: string): Config {
  const result = parseConfig({ text, source: 'test.yaml', ...outside() });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

const MINIMAL = 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]';

const FILESYSTEM_TYPES = [
  ...['apfs', 'bcachefs', 'btrfs', 'exfat', 'ext2', 'ext3', 'ext4', 'f2fs', 'hfs', 'jfs', 'ntfs', 'ntfs3', 'overlay'],
  ...['reiserfs', 'ufs', 'vfat', 'xfs', 'zfs'],
];
const EXCLUDED_MOUNTS = [
  ...['/dev/*', '/proc/*', '/sys/*', '/run/*'],
  ...['/var/lib/docker/*', '/var/lib/containers/*', '/var/lib/kubelet/*'],
];

test('defaults complete the least that a file can hold', () => {
  assert.deepEqual(parse(MINIMAL), {
    resource: { 'service.name': 'metergate' },
    listen: {
      inference: { host: '127.0.0.1', port: 9480 },
      management: { host: '127.0.0.1', port: 9481 },
      metrics: { host: '127.0.0.1', port: 9464 },
    },
    log: { level: 'info', format: 'json' },
    accessLog: { enabled: false, path: '-' },
    limits: {
      requestsInFlightMax: 1024,
      connectionsMax: 10000,
      headerBytesMax: 16384,
      requestBodyBytesMax: 1024 ** 3,
      knownModelsMax: 1000,
      requestHeaderTimeoutMs: 60000,
      scrapesInFlightMax: 100,
    },
    telemetry: {
      engine: 'native',
      cardinalityLimit: 2000,
      exemplarFilter: 'trace_based',
      instruments: {},
      attributesFromHeaders: [],
    },
    upstreams: [
      {
        name: 'iris',
        urls: [new URL('http://127.0.0.1:8080')],
        pathPrefix: '/',
        match: { hosts: [], models: [] },
        protocol: 'open-inference',
        routes: [],
        labels: {},
        bounds: {},
        models: [],
        timeouts: { connectMs: 5000, responseHeadersMs: 60000, idleMs: 60000 },
        queue: { sizeMax: 100, timeoutMs: 30000 },
        health: { intervalMs: 5000, timeoutMs: 1000, unhealthyAfter: 3, backoffMaxMs: 30000 },
      },
    ],
    pull: {
      enabled: true,
      path: '/metrics',
      strategy: 'underscore_escaping_with_suffixes',
      scopeInfo: true,
      targetInfo: true,
      created: false,
      otelJs: false,
    },
    push: [],
    observables: {
      inPod: false,
      host: {
        enabled: 'auto',
        backend: 'auto',
        root: '/',
        intervalMs: 5000,
        disks: { excluded: ['loop*', 'ram*', 'zram*', 'fd*', 'sr*'] },
        filesystems: { intervalMs: 30000, types: FILESYSTEM_TYPES, excluded: EXCLUDED_MOUNTS },
        networkInterfaces: { excluded: ['veth*', 'cali*', 'lxc*'] },
      },
      container: { enabled: true, intervalMs: 10000 },
      process: { enabled: true, intervalMs: 10000 },
      gpu: {
        enabled: 'auto',
        backend: 'auto',
        intervalMs: 1000,
        nvidiaSmi: { path: 'nvidia-smi' },
        simulated: { gpus: 2 },
      },
    },
    shutdown: { delayMs: 0, timeoutMs: 25000 },
  });
});

test('attributes of the resource keep their types, and service.name stays there', () => {
  assert.deepEqual(parse(`${MINIMAL}\nresource: { a: 1.5, b: false, c: "1" }`).resource, {
    'service.name': 'metergate',
    a: 1.5,
    b: false,
    c: '1',
  });
});

test('the name of the service is a string that says something', () => {
  for (const name of ['""', '" "', '12', 'true', '"${NONE:-}"']) {
    const text = `${MINIMAL}\nresource: { service.name: ${name} }`;
    const problem = /"resource\[\\"service.name\\"\] must be a string that is not empty \(got/;
    assert.match(JSON.stringify(parseConfig({ text, source: 'test.yaml', ...outside() })), problem, name);
  }
});

test('the path of the metrics has no dot segments and leaves the page below it its name', () => {
  const cases: Record<string, boolean> = {
    '/m': true,
    '/a/.b/c..': true,
    '/...': true,
    '/otel-js/metrics': true,
    '/not-otel-js': true,
    '/': false,
    '/.': false,
    '/..': false,
    '/./m': false,
    '/a/../m': false,
    '/a//m': false,
    '/otel-js': false,
    '/metrics/otel-js': false,
  };
  for (const [path, ok] of Object.entries(cases)) {
    const text = `${MINIMAL}\npull: { path: ${path} }`;
    assert.equal(parseConfig({ text, source: 'test.yaml', ...outside() }).ok, ok, path);
  }
});

test('every key of the scrapes arrives under its own name', () => {
  const { pull, limits } = parse(`${MINIMAL}
limits: { scrapes_in_flight: 7 }
pull:
  enabled: false
  path: /prometheus
  translation_strategy: no_utf8_escaping_with_suffixes
  scope_info_enabled: false
  target_info_enabled: false
  resource_constant_labels: { included: ["service.*"], excluded: [service.instance.id] }
  otel_js_enabled: true
  created_enabled: true`);
  assert.deepEqual(pull, {
    enabled: false,
    path: '/prometheus',
    strategy: 'no_utf8_escaping_with_suffixes',
    scopeInfo: false,
    targetInfo: false,
    constantLabels: { included: ['service.*'], excluded: ['service.instance.id'] },
    created: true,
    otelJs: true,
  });
  assert.equal(limits.scrapesInFlightMax, 7);
});

test('the page of the official exporter is asked for by true or false and nothing else', () => {
  for (const given of ['"true"', '1', 'yes', 'null', '[]']) {
    const text = `${MINIMAL}\npull: { otel_js_enabled: ${given} }`;
    const result = parseConfig({ text, source: 'test.yaml', ...outside() });
    assert.match(String(result.ok || result.problems), /^pull\.otel_js_enabled must be true or false \(got .+\)$/);
  }
});

test('constant labels are all that are not excluded where it is not said which, and there is no place for them where they are not asked for', () => {
  const cases: Record<string, unknown> = {
    'pull: {}': undefined,
    'pull: { resource_constant_labels: {} }': { excluded: [] },
    'pull: { resource_constant_labels: { excluded: [a] } }': { excluded: ['a'] },
    'pull: { resource_constant_labels: { included: [] } }': { included: [], excluded: [] },
  };
  for (const [text, constantLabels] of Object.entries(cases)) {
    assert.deepEqual(parse(`${MINIMAL}\n${text}`).pull.constantLabels, constantLabels, text);
  }
});

test('the four translation strategies are those of the declarative configuration', () => {
  for (const strategy of [
    'underscore_escaping_with_suffixes',
    'underscore_escaping_without_suffixes',
    'no_utf8_escaping_with_suffixes',
    'no_translation',
  ]) {
    assert.equal(parse(`${MINIMAL}\npull: { translation_strategy: ${strategy} }`).pull.strategy, strategy);
  }
});

test('settings of instruments arrive as bounds, milliseconds and limits, and what is not given is not there', () => {
  const { telemetry, upstreams } = parse(`
telemetry:
  engine: native
  cardinality_limit: 10
  exemplar_filter: always_on
  instruments:
    inference.request.duration: { buckets: [0.01, 0.1, 1, .inf], cardinality_limit: 5000, expire_after: 1h }
    http.server.request.duration: { min: 1, max: 100, factor: 2 }
    inference.requests: { expire_after: 1s }
    system.cpu.time: {}
upstreams:
  - name: iris
    url: http://127.0.0.1:8080
    instruments: { inference.request.duration: { buckets: [0.5, "\${LIMIT}"] } }
    models:
      - { name: iris, version: "1", instruments: { inference.request.duration: { min: 1, max: 3, factor: 2 } } }
      - { name: iris }`);
  assert.deepEqual(telemetry, {
    engine: 'native',
    cardinalityLimit: 10,
    exemplarFilter: 'always_on',
    instruments: {
      'inference.request.duration': { bounds: [0.01, 0.1, 1], cardinalityLimit: 5000, expireAfterMs: 3_600_000 },
      'http.server.request.duration': { bounds: [1, 2, 4, 8, 16, 32, 64, 100] },
      'inference.requests': { expireAfterMs: 1000 },
      'system.cpu.time': {},
    },
    attributesFromHeaders: [],
  });
  assert.deepEqual(upstreams[0]?.bounds, { 'inference.request.duration': [0.5, 77] });
  assert.deepEqual(upstreams[0].models, [
    { name: 'iris', version: '1', bounds: { 'inference.request.duration': [1, 2, 3] } },
    { name: 'iris' },
  ]);
});

test('a server of one model has one, called like its upstream unless it is configured', () => {
  const { upstreams } = parse(`
limits: { known_models: 2 }
upstreams:
  - { name: bento, url: "http://h", path_prefix: /a, protocol: bentoml, routes: [{ path: /classify }, { path: /train, task: true }] }
  - { name: flow, url: "http://h", path_prefix: /b, protocol: mlflow, models: [{ name: iris, version: "2" }] }
  - { name: tracking, url: "http://h", path_prefix: /c, protocol: mlflow-tracking }
  - { name: any, url: "http://h", path_prefix: /d, protocol: auto }`);
  assert.deepEqual(
    upstreams.map(({ protocol, routes, models }) => ({ protocol, routes, models })),
    [
      {
        protocol: 'bentoml',
        routes: [
          { path: '/classify', task: false },
          { path: '/train', task: true },
        ],
        models: [{ name: 'bento' }],
      },
      { protocol: 'mlflow', routes: [], models: [{ name: 'iris', version: '2' }] },
      { protocol: 'mlflow-tracking', routes: [], models: [] },
      { protocol: 'auto', routes: [], models: [] },
    ],
  );
});

test('with the SDK, what it can do may be configured', () => {
  const { telemetry } = parse(`${MINIMAL}
telemetry:
  engine: sdk
  cardinality_limit: 10
  exemplar_filter: trace_based
  instruments: { inference.request.duration: { buckets: [1] } }`);
  assert.deepEqual(telemetry, {
    engine: 'sdk',
    cardinalityLimit: 10,
    exemplarFilter: 'trace_based',
    instruments: { 'inference.request.duration': { bounds: [1] } },
    attributesFromHeaders: [],
  });
});

test('what is loaded is frozen at every depth', () => {
  const config = parse(`${MINIMAL}
telemetry: { instruments: { inference.request.duration: { buckets: [1, 2] } } }
push: [{ name: a, endpoint: "http://h:4317", headers: { a: b } }]`);
  const loose: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) loose.push(path);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(config, 'config');
  assert.deepEqual(loose, []);
});

test('an alias stands for what its anchor holds', () => {
  const { upstreams } = parse(`upstreams:
  - { name: a, url: "http://h", path_prefix: /a, labels: &labels { team: x } }
  - { name: b, url: "http://h", path_prefix: /b, labels: *labels }`);
  assert.deepEqual(upstreams[1]?.labels, { team: 'x' });
});

test('a bomb of aliases is refused', () => {
  const row = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(of).join(', ')}]`;
  const text = [row('a', '1'), row('b', '*a'), row('c', '*b'), row('d', '*c')].join('\n');
  const result = parseConfig({ text, source: 'bomb.yaml', ...outside() });
  assert.match(JSON.stringify(result), /bomb.yaml:1:1: Excessive alias count/);
});

test('clashes of listeners', async (t) => {
  const cases: Record<string, { listen: string; pull?: boolean; clash: boolean }> = {
    'one address twice': { listen: '{ inference: "h:1", management: "h:1" }', clash: true },
    'one port on two addresses': { listen: '{ inference: "127.0.0.1:1", management: "127.0.0.2:1" }', clash: false },
    'a name in another case': { listen: '{ inference: "Host:1", management: "hOST:1" }', clash: true },
    'localhost and the loopback address': {
      listen: '{ inference: "localhost:1", management: "[::1]:1" }',
      clash: true,
    },
    'all IPv4 and an IPv4 address': { listen: '{ inference: "0.0.0.0:1", management: "10.0.0.1:1" }', clash: true },
    'all IPv4 and an IPv6 address': { listen: '{ inference: "0.0.0.0:1", management: "[::1]:1" }', clash: false },
    'all IPv6 and an IPv4 address': { listen: '{ inference: "[::]:1", management: "127.0.0.1:1" }', clash: true },
    'two spellings of an IPv6 address': { listen: '{ inference: "[::1]:1", management: "[0:0::1]:1" }', clash: true },
    'free ports': { listen: '{ inference: "h:0", management: "h:0" }', clash: false },
    'the default of another listener': { listen: '{ inference: "127.0.0.1:9464" }', clash: true },
    'a metrics listener that is not opened': { listen: '{ inference: "127.0.0.1:9464" }', pull: false, clash: false },
  };
  for (const [name, { listen, pull = true, clash }] of Object.entries(cases)) {
    await t.test(name, () => {
      const text = `${MINIMAL}\nlisten: ${listen}\npull: { enabled: ${pull} }`;
      assert.equal(parseConfig({ text, source: 'test.yaml', ...outside() }).ok, !clash);
    });
  }
});

test('upstreams that lead back to the gateway', async (t) => {
  const cases: Record<string, { url: string; inference?: string; loop: boolean }> = {
    'a listener by its address': { url: 'http://127.0.0.1:9480', loop: true },
    'the management listener': { url: 'http://127.0.0.1:9481', loop: true },
    localhost: { url: 'http://localhost:9480/base', loop: true },
    'the wildcard address': { url: 'http://0.0.0.0:9480', loop: true },
    'another port': { url: 'http://127.0.0.1:8080', loop: false },
    'another host': { url: 'http://10.0.0.1:9480', loop: false },
    'another host, with a listener on all interfaces': {
      url: 'http://10.0.0.1:1',
      inference: '0.0.0.0:1',
      loop: false,
    },
    'this host, with a listener on all interfaces': { url: 'http://127.0.0.1:1', inference: '0.0.0.0:1', loop: true },
    'IPv6 of this host, with a listener on all interfaces': { url: 'http://[::1]:1', inference: '[::]:1', loop: true },
    'the default port of http': { url: 'http://localhost', inference: '127.0.0.1:80', loop: true },
    'the default port of https': { url: 'https://localhost', inference: '127.0.0.1:443', loop: true },
    'a free port': { url: 'http://localhost:9480', inference: '127.0.0.1:0', loop: false },
  };
  for (const [name, { url, inference = '127.0.0.1:9480', loop }] of Object.entries(cases)) {
    await t.test(name, () => {
      const text = `upstreams: [{ name: a, url: "${url}" }]\nlisten: { inference: "${inference}" }`;
      const result = parseConfig({ text, source: 'test.yaml', ...outside() });
      assert.equal(JSON.stringify(result).includes('upstreams[0].url must not lead back'), loop);
      assert.equal(result.ok, !loop);
    });
  }
});

test('a file is read from the disk, with the files that it names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-config-'));
  try {
    const file = join(folder, 'metergate.yaml');
    await writeFile(join(folder, 'name'), 'iris\n');
    await writeFile(file, `upstreams: [{ name: "\${file:${join(folder, 'name')}}", url: "http://127.0.0.1:8080" }]`);
    const result = await loadConfig({ file, env: {} });
    assert.equal(result.ok && result.config.upstreams[0]?.name, 'iris');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file that cannot be read is the only problem', async () => {
  const problems = (file: string) => loadConfig({ file, env: {} });
  assert.deepEqual(await problems('/nowhere.yaml'), {
    ok: false,
    problems: ['cannot read /nowhere.yaml: no such file or directory'],
  });
  assert.deepEqual(await problems('/'), { ok: false, problems: ['cannot read /: illegal operation on a directory'] });
});
