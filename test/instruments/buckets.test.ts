import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { View } from '../../src/instruments/index.ts';
import { createNative, collect, runs, type HistogramValue } from './native.ts';

/** The doubles next to a value, and the value. */
function around(value: number): number[] {
  const bits = new DataView(new ArrayBuffer(8));
  const next = (step: bigint): number => {
    bits.setFloat64(0, value);
    bits.setBigInt64(0, bits.getBigInt64(0) + step);
    return bits.getFloat64(0);
  };
  const least = Number.MIN_VALUE;
  return value === 0 ? [-least, -0, 0, least] : [next(-1n), value, next(1n)];
}

const bound = fc.oneof(
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 3, arbitrary: fc.integer({ min: -20, max: 200 }).map((whole) => whole / 4) },
  { weight: 2, arbitrary: fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 64 }).map((step) => 1 + step * 2 ** -52) },
);
const bounds = fc
  .uniqueArray(bound, { maxLength: 25, comparator: (a, b) => a === b })
  .map((all) => all.toSorted((a, b) => a - b));

async function countsOf(edges: readonly number[], values: readonly number[]): Promise<readonly number[]> {
  const { meters, meter } = createNative();
  const histogram = meter.createHistogram('x', { advice: { explicitBucketBoundaries: [...edges] } });
  // Each value may bring the sum of them all to infinity: each has a histogram of its own then.
  const counts = Array<number>(edges.length + 1).fill(0);
  values.forEach((value, id) => histogram.record(value, { id }));
  for (const { value } of (await collect(meters.createView('cumulative'))).values()) {
    for (const [i, count] of (value as HistogramValue).counts.entries()) counts[i] = (counts[i] ?? 0) + count;
  }
  return counts;
}

function expected(edges: readonly number[], values: readonly number[]): readonly number[] {
  const counts = Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const bucket = edges.findIndex((edge) => value <= edge);
    const i = bucket < 0 ? edges.length : bucket;
    counts[i] = (counts[i] ?? 0) + 1;
  }
  return counts;
}

describe('a histogram', () => {
  it('keeps the value of each series that was recorded last, for every view', async () => {
    const { meters, meter } = createNative();
    const histogram = meter.createHistogram('x');
    const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
    const lastsOf = async (view: View): Promise<number[]> => {
      const [metric] = (await view.collect(1000)).scopes[0]?.metrics ?? [];
      assert.ok(metric?.kind === 'histogram');
      return metric.points.flatMap(({ lasts }) => [...(lasts ?? [])]);
    };
    for (const value of [5, 1, 3]) histogram.record(value);
    histogram.bind({ model: 'iris' }).record(7);
    for (const view of [cumulative, delta]) assert.deepEqual(await lastsOf(view), [3, 7]);
    histogram.record(NaN);
    histogram.record(2, { model: 'iris' });
    assert.deepEqual(await lastsOf(cumulative), [3, 2]);
    assert.deepEqual(await lastsOf(delta), [2]);
    histogram.remove({ model: 'iris' });
    histogram.record(9);
    assert.deepEqual(await lastsOf(cumulative), [9]);
  });
});

describe('the bucket of a value', () => {
  it('is that of the first bound that is not less, next to bounds and far from them', () =>
    fc.assert(
      fc.asyncProperty(bounds, fc.array(bound, { maxLength: 20 }), async (edges, others) => {
        const values = [...edges.flatMap(around), ...others].filter(Number.isFinite);
        assert.deepEqual(await countsOf(edges, values), expected(edges, values));
      }),
      runs(300),
    ));

  it('is so for the whole range of doubles', async () => {
    const edges = [-Number.MAX_VALUE, -1, 0, Number.MIN_VALUE, 2 ** -1022, 1, Number.MAX_VALUE];
    const values = edges.flatMap(around).filter(Number.isFinite);
    assert.deepEqual(await countsOf(edges, values), expected(edges, values));
  });
});
