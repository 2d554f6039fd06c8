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

const SECTIONS = ['resource', 'listen', 'log', 'limits', 'upstreams', 'pull', 'push', 'observables', 'shutdown'];
const KEYS = [
  'name',
  'url',
  'labels',
  'models',
  'timeouts',
  'endpoint',
  'headers',
  'tls',
  'metrics',
  'host',
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

test('any value of a standard variable is a configuration or has problems', () => {
  const names = ['ENDPOINT', 'HEADERS', 'TIMEOUT', 'CERTIFICATE', 'METRICS_TEMPORALITY_PREFERENCE'].map(
    (name) => `OTEL_EXPORTER_OTLP_${name}`,
  );
  const name = fc.constantFrom(...names, 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_EXPORTER_PROMETHEUS_HOST');
  const env = fc.dictionary(name, fc.oneof(fc.string(), fc.webUrl(), fc.constant('constructor')));
  const file = 'upstreams: [{ name: a, url: "http://h" }]\npush: [{ name: a }]';
  fc.assert(fc.property(env, (variables) => answers(file, variables)));
});
