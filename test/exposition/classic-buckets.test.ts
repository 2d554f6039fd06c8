import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classicLayout } from '../../src/exposition/classic-buckets.ts';
import type { ExponentialBuckets, ExponentialHistogram } from '../../src/metric/model.ts';
import { runs } from './runs.ts';
import { toExponentialHistogram, type ExponentialHistogramRow } from './snapshot.ts';

interface Recorded {
  readonly scale: number;
  readonly values: readonly number[];
}

/** Of the magnitude of a value that is no zero, by the definition: bucket `i` counts values in `(base ** i, base ** (i + 1)]`. */
function indexOf(magnitude: number, scale: number): number {
  const octave = octaveOf(magnitude);
  if (scale <= 0) return Math.floor(octave / 2 ** -scale);
  // Where in its octave it is may be off by one; which octave it is in may not.
  const within = Math.ceil((Math.log2(magnitude) - octave) * 2 ** scale) - 1;
  return octave * 2 ** scale + Math.min(2 ** scale - 1, Math.max(0, within));
}

/** The greatest `n` of which `2 ** n` is less. */
function octaveOf(magnitude: number): number {
  let octave = Math.round(Math.log2(magnitude));
  while (2 ** octave >= magnitude) octave--;
  while (2 ** (octave + 1) < magnitude) octave++;
  return octave;
}

function toHistogram({ scale, values }: Recorded, zeroThreshold = 0): ExponentialHistogram {
  const isZero = (value: number): boolean => Math.abs(value) <= zeroThreshold;
  const others = values.filter((value) => !isZero(value));
  return {
    ...{ scale, zeroThreshold, zeroCount: values.filter(isZero).length, count: values.length },
    ...{ sum: NaN, min: NaN, max: NaN },
    positive: toBuckets(
      others.filter((value) => value > 0),
      scale,
    ),
    negative: toBuckets(
      others.filter((value) => value < 0).map((value) => -value),
      scale,
    ),
  };
}

function toBuckets(magnitudes: readonly number[], scale: number): ExponentialBuckets {
  const indices = magnitudes.map((value) => indexOf(value, scale));
  if (indices.length === 0) return { offset: 0, counts: new Float64Array(0) };
  const offset = Math.min(...indices);
  const counts = new Float64Array(Math.max(...indices) - offset + 1);
  for (const index of indices) counts[index - offset] = (counts[index - offset] ?? 0) + 1;
  return { offset, counts };
}

function countsOf(histogram: ExponentialHistogram, all: readonly ExponentialHistogram[] = [histogram]) {
  const layout = classicLayout(all);
  const counts = new Float64Array(layout.bounds.length + 1).fill(NaN);
  layout.count(histogram, counts);
  return { bounds: layout.bounds, counts: [...counts] };
}

/** The scales that recorders have are such that there are at most 160 buckets; here at most some thousands. */
const recorded = (magnitude: fc.Arbitrary<number>, scaleMax: number): fc.Arbitrary<Recorded> =>
  fc.record({
    scale: fc.integer({ min: -10, max: scaleMax }),
    values: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: magnitude },
        { weight: 1, arbitrary: magnitude.map((value) => -value) },
        { weight: 1, arbitrary: fc.constantFrom(0, -0) },
      ),
      { maxLength: 30 },
    ),
  });
const powers = fc.integer({ min: -1074, max: 1023 }).map((power) => 2 ** power);
const anywhere = recorded(fc.oneof(fc.double({ min: 5e-324, noNaN: true, noDefaultInfinity: true }), powers), 0);
const nearby = recorded(
  fc.oneof(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.constantFrom(0.25, 0.5, 1, 2, 64)),
  6,
);
const families = fc.oneof(fc.array(anywhere, { maxLength: 4 }), fc.array(nearby, { maxLength: 4 }));
const thresholds = fc.constantFrom(0, 0, 5e-324, 1e-9, 0.3, 1, 1e6);

const cases: Record<string, { in: Omit<ExponentialHistogramRow, 'exemplars'>; out: ReturnType<typeof countsOf> }> = {
  'has none but +Inf without values': { in: { scale: 20 }, out: { bounds: [], counts: [0] } },
  'begins with the bound below the least bucket, so that it can be told where that one begins': {
    in: { scale: 0, positive: { offset: 2, counts: [5] } },
    out: { bounds: [4, 8], counts: [0, 5, 0] },
  },
  'has no bounds for empty buckets at the ends': {
    in: { scale: 0, positive: { offset: -1, counts: [0, 0, 5, 0, 1, 0, 0] } },
    out: { bounds: [2, 4, 8, 16], counts: [0, 5, 0, 1, 0] },
  },
  'sums finer buckets to powers of two': {
    in: { scale: 1, positive: { offset: -2, counts: [1, 2, 4, 8, 16] } },
    out: { bounds: [0.5, 1, 2, 4], counts: [0, 3, 12, 16, 0] },
  },
  'keeps coarser buckets': {
    in: { scale: -2, positive: { offset: -1, counts: [1, 2] } },
    out: { bounds: [2 ** -4, 1, 16], counts: [0, 1, 2, 0] },
  },
  'has the bound 0 where there are zeros': {
    in: { scale: 0, zeroCount: 3, positive: { offset: 0, counts: [1] } },
    out: { bounds: [0, 1, 2], counts: [3, 0, 1, 0] },
  },
  'has the bound 0, and no other, for negative values': {
    in: { scale: 3, zeroCount: 1, negative: { offset: -100, counts: [1, 2] } },
    out: { bounds: [0], counts: [4, 0] },
  },
  'has no bound below the zero threshold, where it is not known what is where': {
    in: { scale: 0, zeroCount: 3, zeroThreshold: 0.3, positive: { offset: -2, counts: [1, 2, 4] } },
    out: { bounds: [0.5, 1, 2], counts: [4, 2, 4, 0] },
  },
  'has a bound at the zero threshold': {
    in: { scale: 0, zeroCount: 3, zeroThreshold: 0.5, positive: { offset: -1, counts: [2] } },
    out: { bounds: [0.5, 1], counts: [3, 2, 0] },
  },
  'has the largest doubles above its last bound': {
    in: { scale: 0, positive: { offset: 1022, counts: [1, 2] } },
    out: { bounds: [2 ** 1022, 2 ** 1023], counts: [0, 1, 2] },
  },
  'has the least doubles in its first buckets': {
    in: { scale: 0, positive: { offset: -1075, counts: [1, 2] } },
    out: { bounds: [2 ** -1074, 2 ** -1073], counts: [1, 2, 0] },
  },
};

describe('classic buckets of exponential ones', () => {
  for (const [behaviour, { in: row, out }] of Object.entries(cases)) {
    it(behaviour, () => assert.deepEqual(countsOf(toExponentialHistogram(row)), out));
  }

  it('are powers of four where there would be more than 160 powers of two', () => {
    const counts = new Array<number>(200).fill(1);
    const histogram = toExponentialHistogram({ scale: 0, positive: { offset: -100, counts } });
    const { bounds } = countsOf(histogram);
    assert.ok(bounds.length <= 160);
    assert.deepEqual(
      bounds,
      Array.from({ length: bounds.length }, (_, i) => 4 ** (i - 50)),
    );
  });

  it('count exactly the values that are not above each bound, by the same bounds for all series', () => {
    fc.assert(
      fc.property(families, thresholds, (family, zeroThreshold) => {
        const histograms = family.map((own) => toHistogram(own, zeroThreshold));
        for (const [i, histogram] of histograms.entries()) {
          const { bounds, counts } = countsOf(histogram, histograms);
          assert.ok(bounds.length <= 160);
          let below = 0;
          for (const [j, bound] of bounds.entries()) {
            below += counts[j] ?? NaN;
            assert.equal(below, family[i]?.values.filter((value) => value <= bound).length, `le=${bound}`);
          }
          assert.equal(below + (counts.at(-1) ?? NaN), family[i]?.values.length);
        }
        const { bounds } = classicLayout(histograms);
        assert.deepEqual(
          bounds,
          [...new Set(bounds)].sort((a, b) => a - b),
        );
      }),
      runs({ short: 1_000 }),
    );
  });

  it('only come when values do: a bound that was there stays', () => {
    const later = fc.record({
      series: fc.nat(2),
      value: fc.oneof(fc.constant(0), fc.double({ min: 2 ** -60, max: 2 ** 60, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(later, { maxLength: 30 }), fc.constantFrom(0, 1, 3), (recordings, scale) => {
        const series: { scale: number; values: number[] }[] = [0, 1, 2].map(() => ({ scale, values: [] }));
        let before: readonly number[] = [];
        for (const { series: index, value } of recordings) {
          series[index]?.values.push(value);
          const { bounds } = classicLayout(series.map((own) => toHistogram(own)));
          assert.deepEqual(
            before.filter((bound) => !bounds.includes(bound)),
            [],
          );
          before = bounds;
        }
      }),
      runs({ short: 200, long: 20_000 }),
    );
  });
});
