import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRetry } from '../../src/push/retry.ts';

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

  it('is never shorter than what the receiver asked for', () => {
    const retry = createRetry(SETTINGS, () => 0);
    assert.equal(retry.failed(5_000), 5_000);
    assert.equal(retry.failed(10), 200);
  });
});
