import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRetry, createThrottle } from '../../src/push/retry.ts';

const SETTINGS = { initialIntervalMs: 100, maxIntervalMs: 1_000 };

describe('the wait before another attempt', () => {
  it('doubles up to the most, and begins anew after a success', () => {
    const retry = createRetry(SETTINGS, () => 0);
    assert.deepEqual(
      Array.from({ length: 6 }, () => retry.failed()),
      [100, 200, 400, 800, 1_000, 1_000],
    );
    retry.reset();
    assert.equal(retry.failed(), 100);
  });

  it('is shortened by up to half, by chance', () => {
    const values = [0, 0.5, 0.998];
    const retry = createRetry({ initialIntervalMs: 1_000, maxIntervalMs: 1_000 }, () => values.shift() ?? 0);
    assert.deepEqual([retry.failed(), retry.failed(), Math.round(retry.failed())], [1_000, 750, 501]);
  });
});

describe('what a receiver asked for', () => {
  it('holds until its time is over, the longest of all', () => {
    let nowMs = 1_000;
    const throttle = createThrottle(() => nowMs);
    assert.equal(throttle.remainingMs(), 0);
    throttle.asked(500);
    throttle.asked(100);
    nowMs += 200;
    assert.equal(throttle.remainingMs(), 300);
    nowMs += 1_000;
    assert.equal(throttle.remainingMs(), 0);
  });

  it('can be passed by', () => {
    const throttle = createThrottle(() => 0);
    throttle.asked(500);
    throttle.end();
    assert.equal(throttle.remainingMs(), 0);
  });
});
