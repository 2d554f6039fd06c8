import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

const wrong: Readonly<Record<string, { args: string[]; says: RegExp }>> = {
  'no benchmark': { args: [], says: /^which benchmark\?/ },
  'a benchmark that does not exist': { args: ['speed'], says: /^there is no benchmark speed/ },
  'a name that every object has': { args: ['toString'], says: /^there is no benchmark toString/ },
  'two benchmarks': { args: ['record', 'record'], says: /^one benchmark at a time \(got record record\)/ },
  'an option that does not exist': { args: ['record', '--fast'], says: /^Unknown option '--fast'/ },
};

describe('npm run bench', () => {
  for (const [name, { args, says }] of Object.entries(wrong)) {
    it(`answers ${name} with what there is, and exit code 2`, async () => {
      const { code, stdout, stderr } = await bench(args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.match(stderr, /usage: npm run bench -- NAME.*one of: record\n/s);
    });
  }

  it('prints one JSON object of ratios and figures, and nothing else, with --json', async () => {
    const { code, stdout, stderr } = await bench(['record', '--quick', '--json']);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as Record<'ratios' | 'figures', Record<string, number>>;
    assert.deepEqual(Object.keys(report), ['bench', 'ratios', 'figures']);
    assert.deepEqual(Object.keys(report.ratios), [
      'bound_counter_vs_sdk',
      'bound_counter_vs_prometheus_io',
      'bound_histogram_vs_sdk',
      'bound_histogram_vs_prometheus_io',
      'unbound_counter_vs_sdk_two_readers',
      'unbound_counter_vs_prometheus_io',
      'heap_per_series_vs_prometheus_io',
    ]);
    for (const [name, value] of Object.entries({ ...report.ratios, ...report.figures })) {
      assert.ok(Number.isFinite(value) && value > 0, `${name}: ${value}`);
    }
    for (const name of Object.keys(report.figures)) assert.match(name, /_(ns|ms|bytes)$/);
  });
});

async function bench(args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
