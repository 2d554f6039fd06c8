import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import { hostGroups } from '../../src/observables/host/host.ts';
import { createObservables } from '../../src/observables/index.ts';
import type { SampleReason } from '../../src/observables/observable.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTestTelemetry } from '../support/telemetry.ts';

const read = (page: string): string => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
const page = read('observables.md');

/** All that are counted. */
const reasons: Record<Exclude<SampleReason, 'unsupported'>, true> = {
  missing: true,
  unreadable: true,
  malformed: true,
  timeout: true,
  exited: true,
  device: true,
  other: true,
};

const wordsOf = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

async function groupNames(): Promise<string[]> {
  const observables = createObservables({
    ...createTestTelemetry(),
    ...{ container: { intervalMs: 60_000 }, process: { intervalMs: 60_000 }, startWaitMs: 0 },
    gpu: { intervalMs: 60_000, backend: 'simulated', nvidiaSmi: { path: '' }, simulated: { gpus: 1 } },
  });
  await observables.start();
  await observables.shutdown(deadlineIn(5_000));
  return [...Object.values(hostGroups).map(({ name }) => name), ...Object.keys(observables.status())];
}

test('docs/observables.md and docs/metrics.md list the groups of readings, and none that is not there', async () => {
  const names = (await groupNames()).sort();
  const [, table = ''] = /\n\| Group [^]*?\n((?:\| `.*\n)+)/.exec(page) ?? [];
  const listed = table.split('\n').flatMap((row) => wordsOf(row.split('|')[1] ?? ''));
  assert.deepEqual(listed.sort(), names);
  const [, values = ''] = /^\| `metergate\.observable` +\|(.*)\|$/m.exec(read('metrics.md')) ?? [];
  assert.deepEqual(wordsOf(values).sort(), names);
});

test('docs/observables.md explains every reason for which a sample fails', () => {
  const [, section = ''] = /\n## When a sample fails\n([^]*?)\n## /.exec(page) ?? [];
  const explained = [...section.matchAll(/^\| `([a-z]+)`/gm)].map(([, reason]) => reason);
  assert.deepEqual(explained, Object.keys(reasons));
});

test('every YAML block of docs/observables.md is a configuration', () => {
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block);
  assert.ok(blocks.length >= 2);
  for (const text of blocks) {
    const result = parseConfig({ text, source: 'docs/observables.md', env: {}, readFile: () => '' });
    assert.deepEqual(result.ok || result.problems, true, text);
  }
});
