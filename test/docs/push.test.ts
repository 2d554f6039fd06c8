import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configJsonSchema, parseConfig } from '../../src/config/index.ts';
import type { DropReason } from '../../src/push/records.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';

const read = (page: string): string => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
const page = read('push.md');
/** All that are counted. */
const reasons: Record<DropReason, true> = {
  queue_full: true,
  expired: true,
  corrupt: true,
  shutdown: true,
  rejected: true,
  partial_success: true,
  too_large: true,
  bad_value: true,
};

/** All that is in backticks in the running text and the tables. */
const words = [...page.replace(/```[^]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
const metrics = Object.entries<InstrumentDefinition>(catalogue).filter(([name]) => name.startsWith('metergate.push.'));

test('every YAML block of docs/push.md is a configuration', () => {
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block);
  assert.ok(blocks.length > 0);
  for (const text of blocks) {
    const result = parseConfig({ text, source: 'docs/push.md', env: {}, readFile: () => '' });
    assert.deepEqual(result.ok || result.problems, true, text);
  }
});

test('docs/push.md speaks of keys that there are, and of all that a queue and its retries have', () => {
  const { items } = configJsonSchema().properties?.push ?? {};
  const keys = Object.entries(items?.properties ?? {}).flatMap(([key, { properties = {} }]) => [
    key,
    ...Object.keys(properties).map((inner) => `${key}.${inner}`),
  ]);
  const spoken = words.flatMap((word) => /^(?:queue|retry|metrics|tls)\.[a-z_]+/.exec(word)?.[0] ?? []);
  assert.ok(spoken.length > 0);
  assert.deepEqual(
    spoken.filter((key) => !keys.includes(key)),
    [],
  );
  const named = new Set(words.flatMap((word) => [word, /^[a-z_.]+/.exec(word)?.[0] ?? '']));
  const own = keys.filter((key) => /^(queue|retry)\./.test(key));
  assert.deepEqual(
    own.filter((key) => !named.has(key) && !named.has(key.replace(/^\w+\./, ''))),
    [],
  );
});

test('docs/push.md explains every metric of a push, and none that is not there', () => {
  const [, section = ''] = /\n## Metrics to watch\n([^]*?)\n## /.exec(page) ?? [];
  const explained = section
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z_.]+)`/g)].map(([, name = '']) => name));
  assert.deepEqual(explained.toSorted(), metrics.map(([name]) => name).toSorted());
  const spoken = words.filter((word) => /^metergate\.push\.[a-z_.]+[a-z]$/.test(word));
  assert.deepEqual(
    spoken.filter((name) => !Object.hasOwn(catalogue, name)),
    [],
  );
});

test('docs/metrics.md explains every reason for which points are dropped, and docs/push.md says when each is given', () => {
  const explained = [
    ...read('metrics.md').matchAll(/^\| `metergate\.push\.points\.dropped` +\| `([a-z_]+)` +\| [A-Z`]/gm),
  ];
  assert.deepEqual(explained.map(([, reason = '']) => reason).toSorted(), Object.keys(reasons).toSorted());
  assert.deepEqual(
    Object.keys(reasons).filter((reason) => !words.includes(reason)),
    [],
  );
});
