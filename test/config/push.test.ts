import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import type { DestinationOptions } from '../../src/push/options.ts';
import { outside } from './outside.ts';

const MINIMAL = 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]';
const KIB = 1024;
const MIB = KIB ** 2;
const DAY_MS = 86_400_000;

function parse(push: string): readonly DestinationOptions[] {
  const result = parseConfig({ text: `${MINIMAL}\npush: ${push}`, source: 'test.yaml', ...outside() });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config.push;
}

function problems(push: string): readonly string[] {
  const result = parseConfig({ text: `${MINIMAL}\npush: ${push}`, source: 'test.yaml', ...outside() });
  return result.ok ? [] : result.problems;
}

test('defaults complete the least that a destination can be, which is then what a push is made of', () => {
  const destinations: readonly DestinationOptions[] = parse('[{ name: a, endpoint: "http://h:4317" }]');
  assert.deepEqual(destinations, [
    {
      name: 'a',
      protocol: 'grpc',
      endpoint: 'http://h:4317',
      intervalMs: 60_000,
      timeoutMs: 10_000,
      headers: {},
      compression: 'none',
      temporality: 'cumulative',
      metrics: { excluded: [] },
      batchBytesMax: 3 * MIB,
      exportsMax: 1,
      queue: { bytesMax: 64 * MIB, batchesMax: 100_000, order: 'oldest_first', fsync: 'every_batch' },
      retry: { initialIntervalMs: 1000, maxIntervalMs: 30_000 },
    },
  ]);
});

test('every key of a destination arrives under its own name, with its unit', () => {
  const push = parse(`
  - name: a
    protocol: http/protobuf
    endpoint: https://Collector.example.com:4318/otlp/v1/metrics
    interval: 30s
    timeout: 500ms
    headers: { Authorization: "Bearer \${file:/run/secrets/otlp}" }
    compression: gzip
    temporality_preference: low_memory
    metrics: { included: ["inference.*"], excluded: ["*.size"] }
    max_batch_size: 1MiB
    max_concurrent_exports: 4
    queue:
      directory: ./data/queue
      max_size: 2GiB
      max_batches: 7
      max_age: 30d
      order: newest_first
      fsync: every_second
    retry: { initial_interval: 250ms, max_interval: 1m }
    tls: { ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem }`);
  assert.deepEqual(push, [
    {
      name: 'a',
      protocol: 'http/protobuf',
      endpoint: 'https://collector.example.com:4318/otlp/v1/metrics',
      intervalMs: 30_000,
      timeoutMs: 500,
      headers: { authorization: 'Bearer from-file' },
      compression: 'gzip',
      temporality: 'low_memory',
      metrics: { included: ['inference.*'], excluded: ['*.size'] },
      batchBytesMax: MIB,
      exportsMax: 4,
      queue: {
        directory: 'data/queue/a',
        bytesMax: 2 * KIB * MIB,
        batchesMax: 7,
        maxAgeMs: 30 * DAY_MS,
        order: 'newest_first',
        fsync: 'every_second',
      },
      retry: { initialIntervalMs: 250, maxIntervalMs: 60_000 },
      tls: { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' },
    },
  ]);
});

test('the default timeout of a push is 10 s, with the SDK never more than its interval', () => {
  const push = '[{ name: a, endpoint: "http://h:1" }, { name: b, endpoint: "http://h:1", interval: 2s }]';
  const timeouts = (text: string): number[] => parse(text).map(({ timeoutMs }) => timeoutMs);
  assert.deepEqual(timeouts(push), [10_000, 10_000]);
  assert.deepEqual(timeouts(`${push}\ntelemetry: { engine: sdk }`), [10_000, 2000]);
});

test('an attempt to send may take longer than an interval, unless the SDK makes it', () => {
  const push = '[{ name: a, endpoint: "http://h:1", interval: 1s, timeout: 1m }]';
  assert.equal(parse(push)[0]?.timeoutMs, 60_000);
  assert.deepEqual(problems(`${push}\ntelemetry: { engine: sdk }`), [
    'push[0].timeout must not exceed push[0].interval, "1s" (got "1m")',
  ]);
});

test('a queue on a disk may be larger, and has a folder of its own with the name of its destination', () => {
  const push = parse(`
  - { name: a, endpoint: "http://h:4317", queue: { directory: /var/lib/metergate } }
  - { name: b, endpoint: "http://h:4317", queue: { directory: /var/lib/metergate/ } }
  - { name: c, endpoint: "http://h:4317", queue: {} }`);
  assert.deepEqual(
    push.map(({ queue: { directory, bytesMax } }) => [directory, bytesMax]),
    [
      ['/var/lib/metergate/a', 512 * MIB],
      ['/var/lib/metergate/b', 512 * MIB],
      [undefined, 64 * MIB],
    ],
  );
});

test('an endpoint over HTTP gets a path if it has none', () => {
  const push = parse(`
  - { name: a, protocol: http/protobuf, endpoint: "http://h:4318" }
  - { name: b, protocol: http/protobuf, endpoint: "http://h:4318/" }
  - { name: c, protocol: http/protobuf, endpoint: "http://h:9090/api/v1/otlp/v1/metrics" }`);
  assert.deepEqual(
    push.map(({ endpoint }) => endpoint),
    ['http://h:4318/v1/metrics', 'http://h:4318/', 'http://h:9090/api/v1/otlp/v1/metrics'],
  );
});

test('the limits of a destination are what they say', () => {
  const cases: Record<string, boolean> = {
    'max_batch_size: 16KiB': true,
    'max_batch_size: 16383B': false,
    'max_batch_size: 64MiB, queue: { max_size: 128MiB }': true,
    'max_batch_size: 64MiB, queue: { max_size: 127MiB }': false,
    'max_batch_size: 65MiB, queue: { max_size: 1GiB }': false,
    'max_batch_size: 33MiB': false,
    'max_batch_size: 33MiB, queue: { directory: /q }': true,
    'max_batch_size: 512KiB, queue: { max_size: 1MiB }': true,
    'max_batch_size: 16KiB, queue: { max_size: 1023KiB }': false,
    'queue: { max_size: 1TiB }': true,
    'queue: { max_size: 1025GiB }': false,
    'queue: { max_batches: 1000000 }': true,
    'queue: { max_batches: 1000001 }': false,
    'queue: { max_batches: 0 }': false,
    'queue: { max_age: 3650d }': true,
    'queue: { max_age: 3651d }': false,
    'queue: { max_age: 87600h }': true,
    'queue: { max_age: 999ms }': false,
    'queue: { directory: "" }': false,
    'max_concurrent_exports: 32': true,
    'max_concurrent_exports: 33': false,
    'max_concurrent_exports: 0': false,
    'retry: { initial_interval: 30s }': true,
    'retry: { initial_interval: 31s }': false,
    'retry: { max_interval: 500ms }': false,
    'retry: { initial_interval: 1ms, max_interval: 24h }': true,
    'retry: { max_interval: 25h }': false,
    'interval: 2d': false,
    'interval: 1d': true,
    'protocol: http/json': false,
  };
  for (const [keys, ok] of Object.entries(cases)) {
    const found = problems(`[{ name: a, endpoint: "http://h:4317", ${keys} }]`);
    assert.equal(found.length, ok ? 0 : 1, `${keys}: ${found.join()}`);
  }
});

test('the folders of two queues', async (t) => {
  /** Directories by the names of the destinations. */
  const cases: Record<string, { queues: Record<string, string>; apart: boolean }> = {
    'one directory': { queues: { a: '/q', b: '/q' }, apart: true },
    'names that begin alike': { queues: { a: '/q', ab: '/q' }, apart: true },
    'names that a file system may not tell apart': { queues: { a: '/q', A: '/q' }, apart: false },
    'another directory for the other case': { queues: { a: '/q', A: '/p' }, apart: true },
    'one directory in two ways': { queues: { a: './q', A: 'x/../q/' }, apart: false },
    'one in the other': { queues: { a: '/q', b: '/q/a' }, apart: false },
    'one in the other, the inner one first': { queues: { b: '/q/A', a: '/q' }, apart: false },
  };
  const wanted =
    'must be another one: with the name, its folder is that of push[0].queue.directory, or one is in the other';
  for (const [name, { queues, apart }] of Object.entries(cases)) {
    await t.test(name, () => {
      const push = Object.entries(queues).map(([name, directory]) => {
        return { name, endpoint: 'http://h:1', queue: { directory } };
      });
      const got = ` (got ${JSON.stringify(Object.values(queues)[1])})`;
      assert.deepEqual(problems(JSON.stringify(push)), apart ? [] : [`push[1].queue.directory ${wanted}${got}`]);
    });
  }
});

test('the SDK is not sent to an address over TLS where Node.js refuses it, since version 26', () => {
  const sdk = (endpoint: string) => problems(`[{ name: a, endpoint: "${endpoint}" }]\ntelemetry: { engine: sdk }`);
  const isRefused = Number.parseInt(process.versions.node) >= 26;
  for (const endpoint of ['https://10.0.0.7:4317', 'https://[::1]:4317']) {
    const wanted =
      'must have a name as its host, since telemetry.engine is sdk: only native does TLS to an address (got';
    assert.deepEqual(sdk(endpoint), isRefused ? [`push[0].endpoint ${wanted} "${endpoint}")`] : []);
    assert.deepEqual(problems(`[{ name: a, endpoint: "${endpoint}" }]`), []);
  }
  assert.deepEqual(sdk('https://collector:4317'), []);
  assert.deepEqual(sdk('http://10.0.0.7:4317'), []);
});

test('a warning about a filter that came from outside does not tell what it is near to', () => {
  const text = `${MINIMAL}\npush: [{ name: a, endpoint: "http://h:1", metrics: { excluded: ["\${FILTER}"] } }]`;
  const result = parseConfig({ text, source: 'test.yaml', ...outside({ FILTER: 'inference_*' }) });
  assert.deepEqual(result.ok && result.warnings, [
    'push[0].metrics.excluded[0] fits no metric of metergate, see docs/metrics.md (got "${FILTER}")',
  ]);
});
