import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, takeOtelEnv, type Config, type LoadResult } from '../../src/config/index.ts';

const MINIMAL = 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]';

function parse(text: string, env: Record<string, string>): LoadResult {
  return parseConfig({
    text: `${MINIMAL}\n${text}`,
    source: 'test.yaml',
    env,
    readFile: () => assert.fail('no file is named'),
  });
}

function config(text: string, env: Record<string, string>): Config {
  const result = parse(text, env);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

test('variables of OTLP are taken out of the environment, blank ones are not set', () => {
  const env = {
    HOME: '/root',
    OTEL_SERVICE_NAME: ' iris ',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=b',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: '',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://h:1',
  };
  assert.deepEqual(takeOtelEnv(env), {
    OTEL_SERVICE_NAME: 'iris',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=b',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://h:1',
  });
  assert.deepEqual(env, { HOME: '/root', OTEL_SERVICE_NAME: ' iris ' });
});

test('parsing leaves no variable of OTLP for the exporter to find, and yet the file may use them', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:1' };
  const { push } = config('push: [{ name: a, endpoint: "${OTEL_EXPORTER_OTLP_ENDPOINT}" }]', env);
  assert.equal(push[0]?.endpoint, 'http://h:1');
  assert.deepEqual(env, {});
});

test('the resource is filled, the file wins, and then OTEL_SERVICE_NAME', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=x, a=%C3%A4%2C%3D , b=1=2,c=3,', OTEL_SERVICE_NAME: 'y' };
  assert.deepEqual(config('resource: { c: yaml }', env).resource, {
    'service.name': 'y',
    a: 'ä,=',
    b: '1=2',
    c: 'yaml',
  });
  assert.equal(config('resource: { service.name: z }', env).resource['service.name'], 'z');
});

test('an empty name of the service in OTEL_RESOURCE_ATTRIBUTES is a problem unless another one is given', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=%20' };
  assert.deepEqual(parse('', env), {
    ok: false,
    problems: ['OTEL_RESOURCE_ATTRIBUTES["service.name"] must be a string that is not empty (got " ")'],
  });
  assert.equal(config('', { ...env, OTEL_SERVICE_NAME: 'y' }).resource['service.name'], 'y');
  assert.equal(config('resource: { service.name: z }', env).resource['service.name'], 'z');
});

test('a blank OTEL_SERVICE_NAME is not set', () => {
  assert.equal(config('', { OTEL_SERVICE_NAME: ' ' }).resource['service.name'], 'metergate');
});

test('headers of the environment are refused like those of the file', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4317', OTEL_EXPORTER_OTLP_HEADERS: 'User-Agent=top-secret' };
  assert.deepEqual(parse('', env), {
    ok: false,
    problems: ['OTEL_EXPORTER_OTLP_HEADERS.user-agent must have another key: this header is for the protocol to set'],
  });
});

test('entries of OTEL_RESOURCE_ATTRIBUTES that are none are problems by their places', () => {
  const wanted = 'OTEL_RESOURCE_ATTRIBUTES must be KEY=VALUE,... with percent-encoded values';
  assert.deepEqual(parse('', { OTEL_RESOURCE_ATTRIBUTES: 'a=1,b,=c,d=%zz' }), {
    ok: false,
    problems: [`${wanted} (entry 2 is not)`, `${wanted} (entry 3 is not)`, `${wanted} (entry 4 is not)`],
  });
});

test('the listener for scrapes is filled as a whole', async (t) => {
  const cases: Record<string, { host?: string; port?: string; yaml?: string; out: Config['listen']['metrics'] }> = {
    'host only': { host: '0.0.0.0', out: { host: '0.0.0.0', port: 9464 } },
    'port only': { port: '9000', out: { host: '127.0.0.1', port: 9000 } },
    IPv6: { host: '::1', port: '9000', out: { host: '::1', port: 9000 } },
    'the file wins': { host: '::1', port: 'x', yaml: 'listen: { metrics: "h:1" }', out: { host: 'h', port: 1 } },
  };
  for (const [name, { host = '', port = '', yaml = '', out }] of Object.entries(cases)) {
    await t.test(name, () => {
      const env = { OTEL_EXPORTER_PROMETHEUS_HOST: host, OTEL_EXPORTER_PROMETHEUS_PORT: port };
      assert.deepEqual(config(yaml, env).listen.metrics, out);
    });
  }
  await t.test('a bad port', () => {
    const problem = 'OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT must be a host and a port';
    assert.deepEqual(parse('', { OTEL_EXPORTER_PROMETHEUS_PORT: 'x' }), {
      ok: false,
      problems: [`${problem} (got "127.0.0.1:x")`],
    });
  });
});

test('the filter of exemplars is filled in any case of letters, and the file wins', () => {
  const env = { OTEL_METRICS_EXEMPLAR_FILTER: 'Always_On' };
  assert.equal(config('', env).telemetry.exemplarFilter, 'always_on');
  assert.equal(config('telemetry: { cardinality_limit: 7 }', env).telemetry.cardinalityLimit, 7);
  assert.equal(config('telemetry: { exemplar_filter: always_off }', env).telemetry.exemplarFilter, 'always_off');
});

test('a filter of exemplars that there is not is a problem, unless nothing asks for it', () => {
  const env = { OTEL_METRICS_EXEMPLAR_FILTER: 'all' };
  assert.deepEqual(parse('', env), {
    ok: false,
    problems: ['OTEL_METRICS_EXEMPLAR_FILTER must be always_on, always_off or trace_based (got "all")'],
  });
  assert.equal(config('telemetry: { exemplar_filter: always_off }', env).telemetry.exemplarFilter, 'always_off');
});

test('a filter of exemplars in the environment does not disturb the SDK, which has none', () => {
  const env = { OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' };
  assert.equal(config('telemetry: { engine: sdk }', env).telemetry.exemplarFilter, 'trace_based');
});

/** What no variable says. */
const OTHERS = {
  metrics: { excluded: [] },
  batchBytesMax: 3 * 1024 ** 2,
  exportsMax: 1,
  queue: { bytesMax: 64 * 1024 ** 2, batchesMax: 100_000, order: 'oldest_first', fsync: 'every_batch' },
  retry: { initialIntervalMs: 1000, maxIntervalMs: 30_000 },
};

const OTLP = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://general:4317',
  OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20x,a=general',
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=metrics',
  OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
  OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '4000',
  OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'LowMemory',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  OTEL_METRIC_EXPORT_INTERVAL: '5000',
};

test('without push in the file the variables make one destination, those of metrics win', () => {
  assert.deepEqual(config('', { ...OTLP, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://metrics:4317' }).push, [
    {
      name: 'default',
      protocol: 'grpc',
      endpoint: 'https://metrics:4317',
      headers: { authorization: 'Bearer x', a: 'metrics' },
      compression: 'gzip',
      intervalMs: 5000,
      timeoutMs: 4000,
      temporality: 'low_memory',
      tls: { caFile: '/ca.pem', certFile: undefined, keyFile: undefined },
      ...OTHERS,
    },
  ]);
});

test('a destination with an endpoint of its own takes nothing but the interval', () => {
  const { push } = config('push: [{ name: a, endpoint: "https://own:4317" }]', { ...OTLP });
  assert.deepEqual(push, [
    {
      name: 'a',
      protocol: 'grpc',
      endpoint: 'https://own:4317',
      headers: {},
      compression: 'none',
      intervalMs: 5000,
      timeoutMs: 10_000,
      temporality: 'cumulative',
      ...OTHERS,
    },
  ]);
});

test('a destination without an endpoint takes what it leaves out, whole keys only', () => {
  const { push } = config('push: [{ name: a, headers: { b: c }, timeout: 1s, interval: 9s, compression: none }]', {
    ...OTLP,
  });
  const [destination] = push;
  assert.deepEqual(destination, {
    name: 'a',
    protocol: 'grpc',
    endpoint: 'https://general:4317',
    headers: { b: 'c' },
    compression: 'none',
    intervalMs: 9000,
    timeoutMs: 1000,
    temporality: 'low_memory',
    tls: { caFile: '/ca.pem', certFile: undefined, keyFile: undefined },
    ...OTHERS,
  });
});

test('an empty list in the file is no destination, whatever the environment says', () => {
  assert.deepEqual(config('push: []', { ...OTLP }).push, []);
});

test('an endpoint without a scheme is TLS unless it is said to be insecure; certificates do not disturb plain text', () => {
  const endpoint = (env: Record<string, string>) => config('', { ...OTLP, ...env }).push[0]?.endpoint;
  assert.equal(endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'h:4317' }), 'https://h:4317');
  assert.equal(
    endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'h:4317', OTEL_EXPORTER_OTLP_INSECURE: 'True' }),
    'http://h:4317',
  );
  assert.equal(
    endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://h:4317', OTEL_EXPORTER_OTLP_INSECURE: 'true' }),
    'https://h:4317',
  );
  assert.equal(endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4317' }), 'http://h:4317');
});

test('over HTTP the general endpoint is what v1/metrics is added to, and that of metrics is taken as it is', () => {
  const cases: Record<string, { env: Record<string, string>; wanted: string }> = {
    'a host and a port': { env: { ENDPOINT: 'http://h:4318' }, wanted: 'http://h:4318/v1/metrics' },
    'a slash': { env: { ENDPOINT: 'http://h:4318/' }, wanted: 'http://h:4318/v1/metrics' },
    'a path': { env: { ENDPOINT: 'https://h/otlp' }, wanted: 'https://h/otlp/v1/metrics' },
    'a path with a slash at its end': { env: { ENDPOINT: 'https://h/otlp/' }, wanted: 'https://h/otlp/v1/metrics' },
    'of metrics, a path': { env: { METRICS_ENDPOINT: 'https://h/m' }, wanted: 'https://h/m' },
    'of metrics, no path': { env: { METRICS_ENDPOINT: 'https://h:1' }, wanted: 'https://h:1/' },
    'of metrics, which wins': {
      env: { METRICS_ENDPOINT: 'https://h/m', ENDPOINT: 'https://x' },
      wanted: 'https://h/m',
    },
  };
  for (const [name, { env, wanted }] of Object.entries(cases)) {
    const given = Object.entries({ PROTOCOL: 'http/protobuf', ...env });
    const variables = Object.fromEntries(given.map(([key, value]) => [`OTEL_EXPORTER_OTLP_${key}`, value]));
    const [destination] = config('', variables).push;
    assert.deepEqual([destination?.protocol, destination?.endpoint], ['http/protobuf', wanted], name);
  }
});

test('the protocol of metrics wins over the general one, and that of the file over both', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:1',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
  };
  assert.equal(config('', { ...env }).push[0]?.endpoint, 'http://h:1/v1/metrics');
  assert.equal(config('push: [{ name: a, protocol: grpc }]', { ...env }).push[0]?.endpoint, 'http://h:1');
  const general = { ...env, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: '' };
  const [destination] = config('push: [{ name: a, protocol: http/protobuf }]', general).push;
  assert.deepEqual([destination?.protocol, destination?.endpoint], ['http/protobuf', 'http://h:1/v1/metrics']);
});

test('an endpoint over HTTP needs its scheme', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'h:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  const wanted = 'must be an http or https URL without user information, query or fragment';
  assert.deepEqual(parse('', env), {
    ok: false,
    problems: [`OTEL_EXPORTER_OTLP_ENDPOINT ${wanted} (got "h:4318")`],
  });
});

test('a protocol in the environment that the engine has not is a problem', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  assert.deepEqual(parse('telemetry: { engine: sdk }', env), {
    ok: false,
    problems: ['OTEL_EXPORTER_OTLP_PROTOCOL must be grpc, since telemetry.engine is sdk (got "http/protobuf")'],
  });
});

test('a problem of what came from a variable names the variable, not a key that the file does not have', async (t) => {
  const GENERAL = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://h:4317' };
  const cases: Record<string, { text?: string; env: Record<string, string>; problems: readonly string[] }> = {
    'names and values of headers': {
      env: { ...GENERAL, OTEL_EXPORTER_OTLP_HEADERS: 'api key=x,k=a%0Ab', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'TE=x' },
      problems: [
        'OTEL_EXPORTER_OTLP_HEADERS.k must be a string of printable ASCII characters (got a value that is not shown)',
        'OTEL_EXPORTER_OTLP_HEADERS["api key"] must have another key: it may have letters, digits, dots, dashes and underscores only',
        'OTEL_EXPORTER_OTLP_METRICS_HEADERS.te must have another key: this header is for the protocol to set',
      ],
    },
    'half of a pair of files': {
      env: { ...GENERAL, OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY: 'key.pem' },
      problems: [
        'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is missing: it must be given, since OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY is there',
      ],
    },
    'an endpoint and files of the file': {
      text: 'push: [{ name: a, tls: { ca_file: ca.pem } }]',
      env: { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://h:4317' },
      problems: ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT must be https, since there is push[0].tls (got "http://h:4317")'],
    },
    'what two variables say': {
      text: 'telemetry: { engine: sdk }',
      env: { ...GENERAL, OTEL_EXPORTER_OTLP_TIMEOUT: '3000', OTEL_METRIC_EXPORT_INTERVAL: '2000' },
      problems: ['OTEL_EXPORTER_OTLP_TIMEOUT must not exceed OTEL_METRIC_EXPORT_INTERVAL, "2000ms" (got "3000ms")'],
    },
    'a key of the file and a variable': {
      text: 'telemetry: { instruments: { inference.requests: { expire_after: 1s } } }',
      env: { ...GENERAL, OTEL_METRIC_EXPORT_INTERVAL: '2000' },
      problems: [
        'telemetry.instruments["inference.requests"].expire_after must be greater than OTEL_METRIC_EXPORT_INTERVAL, "2000ms" (got "1s")',
      ],
    },
    'listeners, after the problems of the file': {
      text: 'listen: { inference: "h:1", management: "127.0.0.1:9480" }\npush: [{ name: a, endpoint: "http://127.0.0.1:9480" }]',
      env: { OTEL_EXPORTER_PROMETHEUS_PORT: '9480' },
      problems: [
        'push[0].endpoint must not lead back to the gateway itself: that is listen.management (got "http://127.0.0.1:9480")',
        'OTEL_EXPORTER_PROMETHEUS_PORT must not overlap with listen.management, "127.0.0.1:9480" (got "127.0.0.1:9480")',
      ],
    },
    'an attribute of the resource': {
      env: { OTEL_RESOURCE_ATTRIBUTES: '__proto__=x' },
      problems: [
        'OTEL_RESOURCE_ATTRIBUTES.__proto__ must have another key: an object of JavaScript does not keep this one',
      ],
    },
  };
  for (const [name, { text = '', env, problems }] of Object.entries(cases)) {
    await t.test(name, () => assert.deepEqual(parse(text, env), { ok: false, problems }));
  }
});

test('a header of metrics wins over a general one in whatever case of letters', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4317',
    OTEL_EXPORTER_OTLP_HEADERS: 'X-Team=general',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x-team=metrics',
  };
  assert.deepEqual(config('', env).push[0]?.headers, { 'x-team': 'metrics' });
});

const BAD = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:p@h/v1/metrics',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_EXPORTER_OTLP_HEADERS: 'top-secret',
  OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '10s',
  OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd',
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'low_memory',
  OTEL_METRIC_EXPORT_INTERVAL: '0',
};

test('bad variables are problems by their names, once each', () => {
  assert.deepEqual(parse('push: [{ name: a }, { name: b }]', { ...BAD }), {
    ok: false,
    problems: [
      'OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf (got "http/json")',
      'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL without path, user information, query or fragment (got "http://…@h/v1/metrics")',
      'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT must be a whole number of milliseconds, from 1 to 86400000 (got "10s")',
      'OTEL_EXPORTER_OTLP_COMPRESSION must be none or gzip (got "zstd")',
      'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE must be cumulative, delta or lowmemory (got "low_memory")',
      'OTEL_EXPORTER_OTLP_HEADERS must be KEY=VALUE,... with percent-encoded values (entry 1 is not)',
      'OTEL_METRIC_EXPORT_INTERVAL must be a whole number of milliseconds, from 1 to 86400000 (got "0")',
    ],
  });
});

test('bad variables that nothing is filled from are not looked at', () => {
  const text = 'push: [{ name: a, endpoint: "http://h:4317", interval: 60s }]';
  assert.equal(config(text, { ...BAD }).push.length, 1);
});
