import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shareNextRun } from '../../src/push/next-run.ts';

/** Runs that end when a test says so. */
function setUp() {
  const runs: ((result: number) => void)[] = [];
  const ask = shareNextRun(() => {
    const { promise, resolve } = Promise.withResolvers<number>();
    runs.push(resolve);
    return promise;
  });
  return { runs, ask };
}

/** Until everything that waits for nothing but promises has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('runs of one kind', () => {
  it('are shared by all who ask at one time', async () => {
    const { runs, ask } = setUp();
    const asked = Array.from({ length: 100 }, ask);
    await settled();
    runs[0]?.(1);
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([1]));
    assert.equal(runs.length, 1);
  });

  it('go one after the other: who asks while one is under way has the next', async () => {
    const { runs, ask } = setUp();
    const first = ask();
    await settled();
    const others = [ask(), ask(), ask()];
    await settled();
    assert.equal(runs.length, 1);
    runs[0]?.(1);
    assert.equal(await first, 1);
    await settled();
    const late = ask();
    assert.equal(runs.length, 2);
    runs[1]?.(2);
    assert.deepEqual(await Promise.all(others), [2, 2, 2]);
    await settled();
    runs[2]?.(3);
    assert.equal(await late, 3);
  });
});
