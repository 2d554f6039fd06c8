import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBackoff } from '../../src/std/backoff.ts';

describe('a back-off', () => {
  it('waits twice as long after each failure, up to its limit, and is short again after a success', () => {
    let nowMs = 0;
    const backoff = createBackoff({ firstMs: 1000, mostMs: 3000, now: () => nowMs });
    const waited = (): number => {
      const startMs = nowMs;
      while (backoff.waits()) nowMs += 100;
      return nowMs - startMs;
    };
    assert.equal(waited(), 0);
    const failures = [1, 2, 3, 4].map(() => {
      backoff.failed();
      return waited();
    });
    assert.deepEqual(failures, [1000, 2000, 3000, 3000]);
    backoff.failed();
    backoff.reset();
    assert.equal(waited(), 0);
    backoff.failed();
    assert.equal(waited(), 1000);
  });
});
