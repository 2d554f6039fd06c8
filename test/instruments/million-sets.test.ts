import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

// Whatever a stranger makes up, memory stays where it was after a tenth of it, and every measurement is shown.

/** As many as the name says with METERGATE_LONG=1. */
const MILLION = process.env.METERGATE_LONG === '1' ? 1_000_000 : 200_000;
/** What garbage collection leaves more or less of; 3 bytes for each of a million sets would be more, or 15 for each of 200,000. */
const NOISE_BYTES = 3e6;

interface Result {
  readonly early: number;
  readonly late: number;
  readonly total: number;
}

async function run(name: string, sets: number): Promise<Result> {
  const args = ['--expose-gc', join(import.meta.dirname, 'churn.ts'), name, String(sets)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Result;
}

const cases: Record<string, readonly [name: string, sets: number]> = {
  'that are recorded beyond the limit': ['limit', MILLION],
  'that are recorded and removed': ['remove', MILLION],
  'that expire': ['expiry', MILLION],
  'that are bound, recorded once and removed, in a histogram': ['remove_bound', 100_000],
  // 16 keys, there or not: few values, but a table for each set of keys.
  'of different keys that are recorded and removed': ['keys', 40_000],
  'that are observed for a time': ['observe', 100_000],
};

describe('memory is flat and the total exact over distinct attribute sets', () => {
  for (const [what, [name, sets]] of Object.entries(cases)) {
    it(what, async () => {
      const { early, late, total } = await run(name, sets);
      assert.equal(total, sets);
      assert.ok(late - early < NOISE_BYTES, `${early} bytes after a tenth, ${late} after all`);
    });
  }
});
