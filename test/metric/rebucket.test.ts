import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Exemplar, HistogramPoints } from '../../src/metric/model.ts';
import { rebucket, rebucketByRow, unionOfBounds } from '../../src/metric/rebucket.ts';

/** Histograms of values, recorded directly on bounds: one row per list of values, all with all columns. */
function record(rows: readonly (readonly number[])[], bounds: readonly number[]): HistogramPoints {
  const bucketOf = (value: number): number => [...bounds, Infinity].findIndex((bound) => value <= bound);
  const width = bounds.length + 1;
  const bucketCounts = new Float64Array(rows.length * width);
  const exemplars = new Array<Exemplar | undefined>(rows.length * width).fill(undefined);
  rows.forEach((values, row) =>
    values.forEach((value, timeMs) => {
      const at = row * width + bucketOf(value);
      bucketCounts[at] = (bucketCounts[at] ?? 0) + 1;
      exemplars[at] = { value, timeMs, traceId: '', spanId: '' };
    }),
  );
  const column = (of: (values: readonly number[], row: number) => number) => Float64Array.from(rows, of);
  return {
    attributes: rows.map((_, row) => ({ row })),
    startTimesMs: column((_, row) => row),
    timesMs: column((_, row) => row + 1000),
    bounds,
    bucketCounts,
    counts: column((values) => values.length),
    sums: column((values) => values.reduce((a, b) => a + b, 0)),
    mins: column((values) => Math.min(...values)),
    maxs: column((values) => Math.max(...values)),
    lasts: column((values) => values.at(-1) ?? NaN),
    exemplars,
  };
}

const ROWS = [[0.5, 1, 1.5, 3, 9], [], [2, 2, 20]];

describe('rebucket', () => {
  const points = record(ROWS, [1, 2, 5, 10]);

  const cases: Record<string, { bounds: number[]; out: number[] }> = {
    'adds up neighbours': { bounds: [2, 10], out: [3, 2, 0, 0, 0, 0, 2, 0, 1] },
    'keeps what is above every bound': { bounds: [1], out: [2, 3, 0, 0, 0, 3] },
    'keeps what is below every bound': { bounds: [10], out: [5, 0, 0, 0, 2, 1] },
    'makes one bucket of all where there is no bound': { bounds: [], out: [5, 0, 3] },
  };
  for (const [name, { bounds, out }] of Object.entries(cases)) {
    it(name, () => {
      const shown = rebucket(points, bounds);
      assert.equal(shown.bounds, bounds);
      assert.deepEqual([...shown.bucketCounts], out);
    });
  }

  it('gives back the points themselves when nothing is to be merged', () =>
    assert.equal(rebucket(points, [1, 2, 5, 10]), points));

  it('shares every other column and leaves the points as they were', () => {
    const { bounds, bucketCounts, exemplars, ...columns } = rebucket(points, [2]);
    for (const [name, column] of Object.entries(columns)) assert.equal(column, Reflect.get(points, name), name);
    assert.deepEqual([bounds.length, bucketCounts.length, exemplars?.length], [1, 6, 6]);
    assert.deepEqual(points, record(ROWS, [1, 2, 5, 10]));
  });

  it('takes the latest exemplar of the buckets that a bucket is made of', () => {
    const { exemplars = [] } = rebucket(points, [2, 5]);
    const values = exemplars.map((exemplar) => exemplar?.value);
    assert.deepEqual(values, [1.5, 3, 9, undefined, undefined, undefined, 2, undefined, 20]);
  });

  it('has no exemplars where there were none', () => {
    const bare = { ...points };
    Reflect.deleteProperty(bare, 'exemplars');
    assert.ok(!('exemplars' in rebucket(bare, [2])));
  });

  const bad: Record<string, { bounds: number[]; named: RegExp }> = {
    'a bound between the recorded ones': { bounds: [1, 3], named: /: 3 is not among 1, 2, 5, 10$/ },
    'a bound above the recorded ones': { bounds: [10, 11], named: /: 11 is not/ },
    'an infinite bound': { bounds: [1, Infinity], named: /: Infinity is not/ },
    'a bound twice': { bounds: [1, 1], named: /: 1 is not/ },
    'bounds that fall': { bounds: [5, 2], named: /ascending: 2 is not/ },
    'no number': { bounds: [NaN], named: /: NaN is not/ },
  };
  for (const [name, { bounds, named }] of Object.entries(bad)) {
    it(`refuses ${name} by its value`, () =>
      assert.throws(() => rebucket(points, bounds), { name: 'RangeError', message: named }));
  }
});

/** Few values and bounds, so that values on a bound are frequent. */
const values = fc.array(fc.array(fc.integer({ min: -10, max: 30 }), { maxLength: 12 }), { maxLength: 4 });
const boundsAndSubsets = fc
  .uniqueArray(fc.integer({ min: -8, max: 25 }), { maxLength: 12 })
  .map((bounds) => bounds.toSorted((a, b) => a - b))
  .chain((bounds) => fc.tuple(fc.constant(bounds), fc.array(fc.subarray(bounds), { minLength: 1, maxLength: 3 })));

it('rebucketing onto any subset is what recording on that subset had been', () => {
  fc.assert(
    fc.property(values, boundsAndSubsets, (rows, [bounds, [subset = []]]) =>
      assert.deepEqual(rebucket(record(rows, bounds), subset), record(rows, subset)),
    ),
  );
});

it('rebucketing row by row is what rebucketing each row alone had been', () => {
  fc.assert(
    fc.property(values, boundsAndSubsets, fc.boolean(), (rows, [bounds, subsets], copies) => {
      const own = rows.map((_, row) => subsets[row % subsets.length] ?? []);
      const groups = rebucketByRow(record(rows, bounds), (_, row) =>
        copies ? [...(own[row] ?? [])] : (own[row] ?? []),
      );
      const keys = groups.map((group) => String(group.bounds));
      assert.deepEqual(keys, [...new Set(own.map(String))]);
      for (const group of groups) {
        const alone = record(rows, group.bounds);
        const numbers = rows.flatMap((_, row) => (String(own[row]) === String(group.bounds) ? row : []));
        assert.deepEqual(
          group.attributes,
          numbers.map((row) => ({ row })),
        );
        for (const name of ['startTimesMs', 'timesMs', 'counts', 'sums', 'mins', 'maxs', 'lasts'] as const) {
          assert.deepEqual(
            [...(group[name] ?? [])],
            numbers.map((row) => alone[name]?.[row]),
            name,
          );
        }
        const width = group.bounds.length + 1;
        for (const name of ['bucketCounts', 'exemplars'] as const) {
          const wanted = numbers.flatMap((row) => [...(alone[name] ?? [])].slice(row * width, (row + 1) * width));
          assert.deepEqual([...(group[name] ?? [])], wanted, name);
        }
      }
    }),
  );
});

describe('rebucketByRow', () => {
  const points = record(ROWS, [1, 2, 5, 10]);

  it('asks once for each row, with its attributes', () => {
    const asked: unknown[] = [];
    rebucketByRow(points, (attributes, row) => {
      asked.push([attributes, row]);
      return [1];
    });
    assert.deepEqual(asked, [
      [{ row: 0 }, 0],
      [{ row: 1 }, 1],
      [{ row: 2 }, 2],
    ]);
  });

  it('shares columns where all rows have the same bounds', () => {
    const [group, ...others] = rebucketByRow(points, () => [1]);
    assert.equal(others.length, 0);
    assert.equal(group?.counts, points.counts);
  });

  it('gives back the points themselves where all rows have the recorded bounds', () => {
    const [group] = rebucketByRow(points, () => [1, 2, 5, 10]);
    assert.equal(group, points);
  });

  it('gives nothing for no rows', () =>
    assert.deepEqual(
      rebucketByRow(record([], [1]), () => [1]),
      [],
    ));

  it('leaves out the columns that are not there', () => {
    const { attributes, startTimesMs, timesMs, bounds, bucketCounts, counts, sums } = points;
    const bare = { attributes, startTimesMs, timesMs, bounds, bucketCounts, counts, sums };
    const [group] = rebucketByRow(bare, (_, row) => [row + 1].filter((bound) => bound < 3));
    assert.deepEqual(Object.keys(group ?? {}).toSorted(), Object.keys(bare).toSorted());
  });

  it('refuses a bound of one row that was not recorded', () =>
    assert.throws(() => rebucketByRow(points, (_, row) => [row + 1]), RangeError));
});

describe('unionOfBounds', () => {
  const cases: Record<string, { lists: number[][]; out: number[] }> = {
    'sorts by number': {
      lists: [
        [9, 10],
        [0.5, 100],
      ],
      out: [0.5, 9, 10, 100],
    },
    'has every bound once': { lists: [[1, 2, 3], [2, 3, 4], [3]], out: [1, 2, 3, 4] },
    'of nothing is empty': { lists: [], out: [] },
    'of one list is that list': { lists: [[1, 2]], out: [1, 2] },
  };
  for (const [name, { lists, out }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(unionOfBounds(...lists), out));
  }
});
