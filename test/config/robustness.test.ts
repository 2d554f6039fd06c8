import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config/index.ts';
import { outside } from './outside.ts';

function answers(text: string, env: Record<string, string> = {}): void {
  const result = parseConfig({ text, source: 'test.yaml', ...outside(env) });
  assert.ok(result.ok || result.problems.length > 0);
}

const SECTIONS = [
  'resource',
  'listen',
  'log',
  'access_log',
  'limits',
  'telemetry',
  'upstreams',
  'pull',
  'push',
  'observables',
  'shutdown',
];
const KEYS = [
  'name',
  'url',
  'labels',
  'instruments',
  'inference.request.duration',
  'buckets',
  'min',
  'models',
  'timeouts',
  'match',
  'hosts',
  'requests_in_flight',
  'queue',
  'health',
  'interval',
  'attributes_from_headers',
  'attribute',
  'endpoint',
  'headers',
  'tls',
  'metrics',
  'retry',
  'directory',
  'max_size',
  'max_batch_size',
  'protocol',
  'host',
  'gpu',
  'filesystems',
  'enabled',
  '__proto__',
];

test('any text is a configuration or has problems', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          'a',
          'b',
          ':',
          '-',
          '[',
          ']',
          '{',
          '}',
          '&',
          '*',
          '!',
          '#',
          '"',
          '$',
          '|',
          '>',
          ',',
          '?',
          ' ',
          '\n',
          '\t',
        ),
      }),
      (text) => answers(text),
    ),
  );
});

test('any data under any key is a configuration or has problems', () => {
  const key = fc.oneof(fc.constantFrom(...KEYS, 'toString', '${NAME}'), fc.string());
  const leaf = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant('${NAME}'));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree'), { maxLength: 3 }), fc.dictionary(key, tie('tree'))),
  }));
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...SECTIONS), tree), (file) => answers(stringify(file))));
});

test('any settings of instruments are a configuration or have problems', () => {
  const value = fc.oneof(fc.constantFrom(0.5, 1, 2, 10, Infinity, '1h', '${NAME}', null), fc.double(), fc.integer());
  const keys = fc.constantFrom('buckets', 'min', 'max', 'factor', 'cardinality_limit', 'expire_after', '__proto__');
  const settings = fc.dictionary(keys, fc.oneof(value, fc.array(value)));
  const triple = fc.record({ min: value, max: value, factor: value });
  const names = fc.constantFrom('inference.request.duration', 'inference.requests', 'system.cpu.time', '__proto__');
  const instruments = fc.dictionary(names, fc.oneof(settings, triple));
  const file = fc.record({ engine: fc.constantFrom('native', 'sdk'), everywhere: instruments, upstream: instruments });
  fc.assert(
    fc.property(file, ({ engine, everywhere, upstream }) =>
      answers(
        stringify({
          telemetry: { engine, instruments: everywhere },
          upstreams: [
            { name: 'a', url: 'http://h', instruments: upstream, models: [{ name: 'm', instruments: upstream }] },
          ],
        }),
      ),
    ),
  );
});

test('any upstreams are a configuration or have problems', () => {
  const value = fc.oneof(
    fc.constantFrom('http://h', 'https://h/', 'HTTP://H', '*.a', 'A', '1s', 1, 0, null, {}, '${NAME}'),
    fc.string(),
  );
  const values = fc.oneof(value, fc.array(value, { maxLength: 3 }));
  const keys = fc.constantFrom('hosts', 'models', 'max_size', 'timeout', 'interval', 'path', 'cert_file', '__proto__');
  const inner = fc.oneof(values, fc.dictionary(keys, values));
  const upstream = fc.record(
    {
      url: values,
      path_prefix: fc.oneof(fc.constantFrom('/', '/a/'), value),
      match: inner,
      protocol: fc.constantFrom('auto', 'bentoml', 'mlflow-tracking', 'kserve-v1'),
      labels: fc.dictionary(fc.string(), fc.string()),
      requests_in_flight: value,
      queue: inner,
      health: inner,
      tls: inner,
    },
    { requiredKeys: [] },
  );
  const attribute = fc.record({ header: value, attribute: fc.oneof(value, fc.constantFrom('a', 'a.b', 'a_b')) });
  const file = fc.record({ upstreams: fc.array(upstream), attributes: fc.array(attribute) });
  fc.assert(
    fc.property(file, ({ upstreams, attributes }) =>
      answers(stringify({ telemetry: { attributes_from_headers: attributes }, upstreams })),
    ),
  );
});

test('any destinations are a configuration or have problems', () => {
  const value = fc.oneof(
    fc.constantFrom(
      'a',
      'A',
      '/q',
      '1s',
      '30d',
      '1MiB',
      '1TiB',
      'http://h',
      'http/protobuf',
      'grpc',
      1,
      null,
      '${NAME}',
    ),
    fc.string(),
  );
  const keys = fc.constantFrom('directory', 'max_size', 'max_age', 'initial_interval', 'max_interval', 'included');
  const inner = fc.oneof(value, fc.dictionary(keys, fc.oneof(value, fc.array(value))));
  const destination = fc.record(
    {
      name: value,
      protocol: value,
      endpoint: value,
      max_batch_size: value,
      queue: inner,
      retry: inner,
      metrics: inner,
    },
    { requiredKeys: [] },
  );
  const file = fc.record({ engine: fc.constantFrom('native', 'sdk'), push: fc.array(destination) });
  fc.assert(
    fc.property(file, ({ engine, push }) =>
      answers(stringify({ telemetry: { engine }, upstreams: [{ name: 'a', url: 'http://h' }], push })),
    ),
  );
});

test('any value of a standard variable is a configuration or has problems', () => {
  const names = ['ENDPOINT', 'PROTOCOL', 'HEADERS', 'TIMEOUT', 'CERTIFICATE', 'METRICS_TEMPORALITY_PREFERENCE'].map(
    (name) => `OTEL_EXPORTER_OTLP_${name}`,
  );
  const others = ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_EXPORTER_PROMETHEUS_HOST', 'OTEL_METRICS_EXEMPLAR_FILTER'];
  const name = fc.constantFrom(...names, ...others);
  const env = fc.dictionary(name, fc.oneof(fc.string(), fc.webUrl(), fc.constant('constructor')));
  const file = 'upstreams: [{ name: a, url: "http://h" }]\npush: [{ name: a }]';
  fc.assert(fc.property(env, (variables) => answers(file, variables)));
});
