import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes, Snapshot } from '../../src/metric/model.ts';
import { createEncoder, type EncodeDrop, type EncodedBatch } from '../../src/otlp/encode.ts';
import { snapshotRows } from '../exposition/hostile-rows.ts';
import { runs } from '../exposition/runs.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { encoded, encodedBytes } from './encoded.ts';
import { decodeRequest } from './messages.ts';
import { pointsOf } from './points.ts';

function countersOf(sets: readonly Attributes[], metrics = 1): Snapshot {
  const column = Float64Array.from(sets, (_, i) => i + 1);
  const points = { attributes: sets, startTimesMs: column, timesMs: column, values: column };
  const described = {
    description: 'd'.repeat(20),
    unit: '',
    kind: 'sum',
    monotonic: true,
    temporality: 'delta',
  } as const;
  const some = Array.from({ length: metrics }, (_, i) => ({ ...described, name: `m${i}`, points }));
  return {
    resource: { r: 'x'.repeat(50) },
    scopes: [{ scope: { name: 's', version: '', schemaUrl: '' }, metrics: some }],
  };
}

/** @param longer how many times as long their texts are as 0 to 299 characters. */
const manySets = (count: number, longer = 1): Attributes[] =>
  Array.from({ length: count }, (_, i) => ({ i, a: 'x'.repeat((i % 300) * longer) }));

function areWithin(limit: number, snapshots: readonly Snapshot[]): void {
  const whole = encoded(snapshots);
  const { batches, dropped } = encoded(snapshots, { batchBytesMax: limit });
  assert.deepEqual(dropped, whole.dropped);
  for (const { bytes, points } of batches) {
    assert.equal(bytes.buffer.byteLength, bytes.length);
    const found = pointsOf(bytes);
    assert.equal(found.length, points);
    assert.ok(bytes.length <= limit || points === 1, `${bytes.length} bytes, ${points} points`);
    decodeRequest(bytes);
  }
  const total = (some: readonly EncodedBatch[]): number => some.reduce((sum, { points }) => sum + points, 0);
  assert.equal(total(batches), total(whole.batches));
  assert.deepEqual(
    batches.flatMap(({ bytes }) => pointsOf(bytes)),
    whole.batches.flatMap(({ bytes }) => pointsOf(bytes)),
  );
}

function unexpected({ metric }: EncodeDrop): never {
  assert.fail(`${metric} has rows that were dropped`);
}

describe('batches', () => {
  it('are together what one without a limit is, and none is longer than its limit unless it is one point', () => {
    const limit = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 200_000 }));
    fc.assert(
      fc.property(fc.array(snapshotRows, { maxLength: 3 }), limit, (rows, max) => areWithin(max, rows.map(toSnapshot))),
      runs({ short: 200, long: 20_000 }),
    );
  });

  it('are filled, whatever the number of bytes that their lengths take', () => {
    const [small, large] = [countersOf(manySets(900), 3), countersOf(manySets(300, 100))];
    for (const limit of [300, 4_000, 16_384, 20_000, 100_000, 2_100_000]) {
      const isLarge = limit > 1e6;
      const snapshot = isLarge ? large : small;
      areWithin(limit, [snapshot]);
      const { batches } = encoded([snapshot], { batchBytesMax: limit });
      assert.ok(batches.length > 1);
      // A point has at most 400 bytes, or 100 times as many.
      for (const { bytes } of batches.slice(0, -1))
        assert.ok(bytes.length > limit - (isLarge ? 45_000 : 450), `${bytes.length} of ${limit}`);
    }
  });

  it('are longer than the limit where a single point is', () => {
    const sets = [{ a: '1' }, { a: 'x'.repeat(5_000) }, { a: '2' }, { a: '3' }];
    const { batches } = encoded([countersOf(sets)], { batchBytesMax: 1_000 });
    assert.deepEqual(
      batches.map(({ points }) => points),
      [1, 1, 2],
    );
    assert.deepEqual(
      batches.map(({ bytes }) => bytes.length > 1_000),
      [false, true, false],
    );
  });

  it('are not written into afterwards', () => {
    const encoder = createEncoder();
    const snapshot = countersOf(manySets(500));
    const batches: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for (const part of encoder.encode([snapshot, snapshot], { batchBytesMax: 5_000, drop: unexpected })) {
      if (part === undefined) continue;
      batches.push(part.bytes);
      copies.push(Uint8Array.from(part.bytes));
    }
    assert.ok(batches.length > 10);
    for (const [i, batch] of batches.entries()) assert.deepEqual(Uint8Array.from(batch), copies[i]);
  });
});

describe('slices', () => {
  /** Rows that are read, as far as their attributes tell, between two turns of others. */
  function slicesOf(sets: number, metrics = 1): number[] {
    let reads = 0;
    const counting = Array.from({ length: sets }, (_, i) =>
      Object.defineProperty({}, 'a', { enumerable: true, get: () => (reads++, i) }),
    );
    const slices: number[] = [];
    for (const part of createEncoder().encode([countersOf(counting, metrics)], {
      batchBytesMax: 1e6,
      drop: unexpected,
    })) {
      slices.push(reads);
      reads = 0;
      assert.ok(part === undefined || part.points > 0);
    }
    return slices;
  }

  it('are of 512 rows that are new at most', () => {
    assert.ok(Math.max(...slicesOf(5_000)) <= 512);
    assert.ok(Math.max(...slicesOf(3, 2_000)) <= 512);
  });

  it('are of 64 KiB and 512 rows that are known at most', () => {
    const encoder = createEncoder();
    const values = new Float64Array(20_000);
    let lastRow = 0;
    const slices: number[] = [];
    const spied = new Proxy(values, {
      get: (target, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) lastRow = Number(key);
        return Reflect.get(target, key) as unknown;
      },
    });
    const [scope] = countersOf(manySets(20_000)).scopes;
    const metric = scope?.metrics[0];
    assert.ok(scope !== undefined && metric?.kind === 'sum');
    const snapshot = {
      resource: {},
      scopes: [{ ...scope, metrics: [{ ...metric, points: { ...metric.points, values: spied } }] }],
    };
    const options = { batchBytesMax: 1e6, drop: unexpected };
    Array.from(encoder.encode([snapshot], options));
    let before = 0;
    for (const part of encoder.encode([snapshot], options)) {
      slices.push(lastRow - before);
      before = lastRow;
      assert.ok(part === undefined || part.points > 0);
    }
    assert.ok(slices.length > 40);
    assert.ok(Math.max(...slices) <= 513);
  });
});

describe('a request of many small metrics', () => {
  it('is that of the metrics one by one', () => {
    const snapshot = countersOf([{}], 300);
    assert.equal(pointsOf(encodedBytes(snapshot)).length, 300);
    areWithin(1_000, [snapshot]);
  });
});
