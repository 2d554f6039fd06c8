import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Exponential } from '../../src/instruments/exponential.ts';
import { indexOf } from '../../src/instruments/exponential-scale.ts';
import type { ExponentialBuckets, ExponentialHistogram } from '../../src/metric/model.ts';
import { exactIndex } from './exact-index.ts';
import { atScale } from './exponentials.ts';
import { runs } from './native.ts';

const SCALES = Array.from({ length: 31 }, (_, i) => i - 10);
const MIN_NORMAL = 2 ** -1022;

describe('the index of an exponential bucket', () => {
  it('is exact for powers of two at every scale', () => {
    for (const scale of SCALES) {
      for (let exponent = -1022; exponent <= 1023; exponent++) {
        // Bounds are inclusive above: 2 ** exponent ends the bucket before the one that begins with it.
        const expected = scale >= 0 ? exponent * 2 ** scale - 1 : Math.ceil(exponent / 2 ** -scale) - 1;
        if (indexOf(2 ** exponent, scale) !== expected) assert.equal(indexOf(2 ** exponent, scale), expected);
      }
    }
  });

  it('never leaves the buckets of its power of two next to their ends', () => {
    for (const scale of SCALES) {
      for (let exponent = -1021; exponent <= 1023; exponent += 7) {
        const power = 2 ** exponent;
        const [above, below] = [power * (1 + 2 ** -52), power * (1 - 2 ** -53)];
        if (scale >= 0)
          assert.equal(indexOf(above, scale), exponent * 2 ** scale, `above 2 ** ${exponent} at ${scale}`);
        if (scale >= 0) assert.equal(indexOf(below, scale), exponent * 2 ** scale - 1, `below 2 ** ${exponent}`);
        else assert.equal(indexOf(above, scale), Math.floor(exponent / 2 ** -scale));
      }
    }
  });

  it('is that of the least normal double for whatever is less', () => {
    for (const scale of SCALES) {
      const least = indexOf(MIN_NORMAL, scale);
      for (const value of [Number.MIN_VALUE, MIN_NORMAL / 2, MIN_NORMAL * (1 - 2 ** -52)]) {
        assert.equal(indexOf(value, scale), least);
      }
    }
  });

  it('takes the greatest double into the last bucket', () => {
    for (const scale of SCALES) {
      const expected = scale >= 0 ? 1024 * 2 ** scale - 1 : Math.floor(1023 / 2 ** -scale);
      assert.equal(indexOf(Number.MAX_VALUE, scale), expected);
    }
  });

  // OpenTelemetry metrics data model, "Exponential scale": the bounds at scale 3, and what negative scales and 0 mean.
  const examples: Record<string, readonly [value: number, scale: number, index: number]> = {
    '1 at scale 3 ends the bucket before the first': [1, 3, -1],
    'just above 1 at scale 3': [1.0000001, 3, 0],
    'below 1.09051 at scale 3': [1.0905, 3, 0],
    'above 1.09051 at scale 3': [1.0906, 3, 1],
    'below 1.18921 at scale 3': [1.1892, 3, 1],
    'above 1.68179 at scale 3': [1.6818, 3, 6],
    'below 1.83401 at scale 3': [1.834, 3, 6],
    '2 at scale 3 ends the eighth bucket': [2, 3, 7],
    '1 at scale 0': [1, 0, -1],
    '4 at scale 0': [4, 0, 1],
    '4.1 at scale 0': [4.1, 0, 2],
    '4 at scale -1 ends the bucket above 1': [4, -1, 0],
    '16 at scale -1': [16, -1, 1],
    '1/4 at scale -1': [0.25, -1, -2],
  };
  for (const [name, [value, scale, index]] of Object.entries(examples)) {
    it(`is as in the data model: ${name}`, () => assert.equal(indexOf(value, scale), index));
  }

  it('is exact at scales up to 0, and above but for the last digits of a logarithm', () => {
    const normal = fc.double({ min: MIN_NORMAL, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(normal, fc.constantFrom(...SCALES), (value, scale) => {
        const { index, position } = exactIndex(value, scale);
        const found = indexOf(value, scale);
        if (found === index) return;
        // Three roundings of a number below 2 ** 10 * 2 ** scale.
        const slack = 2 ** (10 + scale - 51);
        assert.ok(scale > 0 && Math.abs(found - index) === 1 && Math.min(position, 1 - position) < slack, `${found}`);
      }),
      runs(3000),
    );
  });
});

/** Far apart, close together, of both signs, and none at all. */
const values = fc.oneof(
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }) },
  { weight: 4, arbitrary: fc.integer({ min: -400, max: 400 }).map((step) => 3 + step * 2 ** -20) },
  { weight: 3, arbitrary: fc.integer({ min: -2000, max: 2000 }).map((step) => step / 8) },
  { weight: 1, arbitrary: fc.constant(0) },
);
/** Which of two zeros is the least says nothing. */
const value = values.map((each) => each + 0);
const size = fc.constantFrom(2, 3, 16, 17, 160);

function record(size: number, values: readonly number[]): Exponential {
  const exponential = new Exponential(size);
  for (const each of values) assert.ok(exponential.record(each));
  return exponential;
}

const countOf = ({ counts }: ExponentialBuckets): number => counts.reduce((sum, count) => sum + count, 0);

/** How many buckets these magnitudes span. */
function span(magnitudes: readonly number[], scale: number): number {
  const indices = magnitudes.map((magnitude) => exactIndex(Math.max(magnitude, MIN_NORMAL), scale).index);
  return magnitudes.length === 0 ? 0 : Math.max(...indices) - Math.min(...indices) + 1;
}

describe('an exponential histogram', () => {
  it('is empty at first', () => {
    const { count, sum, min, max, zeroCount, positive, negative } = new Exponential(160).toModel();
    assert.deepEqual([count, sum, min, max, zeroCount], [0, 0, NaN, NaN, 0]);
    assert.deepEqual([positive.counts.length, negative.counts.length], [0, 0]);
  });

  it('has the scale 20 for one value, and counts zeros apart', () => {
    const { scale, zeroCount, count, positive } = record(160, [3, 0, 0]).toModel();
    assert.deepEqual([scale, zeroCount, count], [20, 2, 3]);
    assert.deepEqual(positive, { offset: exactIndex(3, 20).index, counts: Float64Array.of(1) });
  });

  it('keeps its scale when zeros are merged in', () => {
    const zeros = record(160, [0, 0]);
    zeros.merge(record(160, [1.5, 1.50001]));
    zeros.merge(record(160, [0]));
    assert.deepEqual(zeros.toModel(), record(160, [0, 0, 1.5, 1.50001, 0]).toModel());
    assert.equal(zeros.toModel().scale, 20);
  });

  it('never has more buckets than its size, nor a scale lower than it must', () => {
    fc.assert(
      fc.property(size, fc.array(value, { maxLength: 40, size: 'max' }), (buckets, values) => {
        const { scale, positive, negative, zeroCount, count } = record(buckets, values).toModel();
        const magnitudes = [values.filter((each) => each > 0), values.filter((each) => each < 0).map(Math.abs)];
        for (const side of [positive, negative]) {
          assert.ok(side.counts.length <= buckets);
          if (side.counts.length > 0) assert.ok((side.counts[0] ?? 0) > 0 && (side.counts.at(-1) ?? 0) > 0);
        }
        assert.equal(countOf(positive), magnitudes[0]?.length);
        assert.equal(countOf(negative), magnitudes[1]?.length);
        assert.deepEqual([zeroCount, count], [values.filter((each) => each === 0).length, values.length]);
        if (count === zeroCount || scale === 20) return;
        assert.ok(Math.max(...magnitudes.map((side) => span(side, scale + 1))) > buckets, `scale ${scale}`);
      }),
      runs(300),
    );
  });

  it('counts each value in the bucket that it belongs to', () => {
    fc.assert(
      fc.property(size, fc.array(value, { minLength: 1, maxLength: 40, size: 'max' }), (buckets, values) => {
        const ours = record(buckets, values).toModel();
        const indices = (magnitudes: readonly number[]): Map<number, number> => {
          const counts = new Map<number, number>();
          for (const magnitude of magnitudes) {
            const { index } = exactIndex(Math.max(magnitude, MIN_NORMAL), ours.scale);
            counts.set(index, (counts.get(index) ?? 0) + 1);
          }
          return counts;
        };
        const { positive, negative, min, max } = atScale(ours, ours.scale);
        assert.deepEqual(positive, indices(values.filter((each) => each > 0)));
        assert.deepEqual(negative, indices(values.filter((each) => each < 0).map(Math.abs)));
        assert.deepEqual([min, max], [Math.min(...values), Math.max(...values)]);
      }),
      runs(300),
    );
  });

  it('is the same, whether recorded in one or merged of many', () => {
    const parts = fc.array(fc.array(value, { maxLength: 12, size: 'max' }), { maxLength: 6 });
    const withoutSum = (histogram: ExponentialHistogram) => ({ ...histogram, sum: 0 });
    fc.assert(
      fc.property(size, parts, (buckets, all) => {
        const merged = new Exponential(buckets);
        for (const part of all) merged.merge(record(buckets, part));
        assert.deepEqual(withoutSum(merged.toModel()), withoutSum(record(buckets, all.flat()).toModel()));
      }),
      runs(300),
    );
  });

  it('is as new once it has been cleared', () => {
    const some = fc.array(value, { maxLength: 20, size: 'max' });
    fc.assert(
      fc.property(size, some, some, (buckets, before, after) => {
        const cleared = record(buckets, before);
        cleared.clear();
        for (const each of after) cleared.record(each);
        assert.deepEqual(cleared.toModel(), record(buckets, after).toModel());
      }),
      runs(200),
    );
  });

  it('does not know its sum once a value was negative, as a sum that falls would look as if it had begun anew', () => {
    assert.equal(record(160, [1, -2]).toModel().sum, NaN);
    assert.equal(record(160, [1, 2]).toModel().sum, 3);
  });

  it('leaves out a value that would make its sum infinite', () => {
    const exponential = record(160, [Number.MAX_VALUE]);
    assert.equal(exponential.record(Number.MAX_VALUE), false);
    assert.deepEqual(exponential.toModel(), record(160, [Number.MAX_VALUE]).toModel());
  });

  it('has the greatest double as its sum where merging would make it infinite', () => {
    const exponential = record(160, [Number.MAX_VALUE]);
    exponential.merge(record(160, [Number.MAX_VALUE, 1]));
    assert.deepEqual([exponential.toModel().sum, exponential.toModel().count], [Number.MAX_VALUE, 3]);
  });
});
