import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { boundsOf, readBuckets, type BucketFault, type BucketSpec } from '../../src/metric/buckets.ts';

/** BentoML's algorithm as its Python has it: every bound first, then the cut. */
function exponentialBuckets(start: number, factor: number, end: number): number[] {
  let bounds: number[] = [];
  let bound = start;
  while (bound < end) {
    bounds.push(bound);
    bound *= factor;
  }
  if (bounds.length > 100) bounds = bounds.slice(0, 100);
  return bounds.concat(end);
}

describe('a list of bounds', () => {
  const cases: Record<string, { buckets: number[]; out: number[] }> = {
    'is taken as it is': { buckets: [0.1, 1, 10], out: [0.1, 1, 10] },
    'may have a last one of Infinity': { buckets: [0.1, 1, Infinity], out: [0.1, 1] },
    'may be a single one': { buckets: [0], out: [0] },
    'may be negative': { buckets: [-1, -0.5, 0, 2], out: [-1, -0.5, 0, 2] },
    'may have 200': { buckets: Array.from({ length: 200 }, (_, index) => index), out: [...Array(200).keys()] },
    'may have 200 and Infinity': { buckets: [...Array(200).keys(), Infinity], out: [...Array(200).keys()] },
  };
  for (const [name, { buckets, out }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(boundsOf({ buckets }, 'x'), out));
  }

  it('stays what it was when the list that was given changes', () => {
    const buckets = [1, 2];
    const bounds = boundsOf({ buckets }, 'x');
    buckets.push(0);
    assert.deepEqual(bounds, [1, 2]);
  });
});

describe('min, max and factor', () => {
  // Computed by BentoML's own function.
  const cases: Record<
    string,
    { min: number; factor: number; max: number; count: number; starts: number[]; ends: number[] }
  > = {
    'that miss max': {
      ...{ min: 0.1, factor: 1.2, max: 10, count: 27 },
      starts: [0.1, 0.12, 0.144, 0.17279999999999998],
      ends: [7.949684720339077, 9.539621664406893, 10],
    },
    'of whole numbers': { min: 1, factor: 2, max: 100, count: 8, starts: [1, 2, 4, 8, 16, 32, 64, 100], ends: [100] },
    'that meet max': { min: 1, factor: 2, max: 64, count: 7, starts: [1, 2, 4], ends: [16, 32, 64] },
    'with max in the first step': { min: 1, factor: 10, max: 1.5, count: 2, starts: [1, 1.5], ends: [1, 1.5] },
    'of more than 100 steps': {
      ...{ min: 0.001, factor: 1.01, max: 10, count: 101 },
      starts: [0.001, 0.00101, 0.0010201000000000001],
      ends: [0.00265151831136313, 0.0026780334944767614, 10],
    },
    'with a product beyond all numbers': {
      ...{ min: 1e308, factor: 10, max: 1.7e308, count: 2 },
      starts: [1e308],
      ends: [1.7e308],
    },
    'from the smallest number': {
      ...{ min: 5e-324, factor: 2, max: 1e-320, count: 12 },
      starts: [5e-324, 1e-323, 2e-323],
      ends: [5.06e-321, 1e-320],
    },
  };
  for (const [name, { count, starts, ends, ...spec }] of Object.entries(cases)) {
    it(`give the bounds of BentoML: ${name}`, () => {
      const bounds = boundsOf(spec, 'x');
      assert.equal(bounds.length, count);
      assert.deepEqual(bounds.slice(0, starts.length), starts);
      assert.deepEqual(bounds.slice(-ends.length), ends);
    });
  }

  it('give what BentoML gives, whatever they are', () => {
    const spec = fc.record({
      min: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      times: fc.double({ min: 1.0001, max: 1e9, noNaN: true }),
      factor: fc.oneof(
        fc.double({ min: 1.001, max: 1.2, noNaN: true }),
        fc.double({ min: 1.1, max: 100, noNaN: true }),
      ),
    });
    fc.assert(
      fc.property(spec, ({ min, times, factor }) => {
        const max = min * times;
        const bounds = boundsOf({ min, max, factor }, 'x');
        assert.deepEqual(bounds, exponentialBuckets(min, factor, max));
        assert.ok(bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? Infinity)));
      }),
    );
  });
});

describe('faults', () => {
  const together = 'must be given, since min, max and factor go together';
  const finite = 'must be a finite number';
  const finiteBound = 'must be a finite number, only the last may be Infinity';
  const cases: Record<string, { spec: Record<string, unknown>; faults: BucketFault[] }> = {
    'nothing is given': { spec: {}, faults: [{ key: 'buckets', text: 'must be given, or else min, max and factor' }] },
    'both forms are given': {
      spec: { buckets: [1], min: 1, factor: 2 },
      faults: [{ key: 'buckets', text: 'must not be given beside min and factor' }],
    },
    'a part of the three is given': {
      spec: { max: 1 },
      faults: [
        { key: 'min', text: together },
        { key: 'factor', text: together },
      ],
    },
    'there is no bound': { spec: { buckets: [] }, faults: [{ key: 'buckets', text: 'must have a finite bound' }] },
    'there is no finite bound': {
      spec: { buckets: [Infinity] },
      faults: [{ key: 'buckets', text: 'must have a finite bound' }],
    },
    'there are 201 bounds': {
      spec: { buckets: [...Array(201).keys()] },
      faults: [{ key: 'buckets', text: 'must have at most 200 bounds' }],
    },
    'it is no list': { spec: { buckets: '1' }, faults: [{ key: 'buckets', text: 'must be a list of numbers' }] },
    'bounds are none': {
      spec: { buckets: [NaN, Infinity, -Infinity, '4', null, 5] },
      faults: [0, 1, 2, 3, 4].map((index) => ({ key: 'buckets', index, text: finiteBound })),
    },
    'a bound is left out': {
      spec: { buckets: Object.assign(Array<number>(3), { 0: 1, 2: 3 }) },
      faults: [{ key: 'buckets', index: 1, text: finiteBound }],
    },
    'bounds are there twice or fall': {
      spec: { buckets: [1, 1, 3, 2] },
      faults: [1, 3].map((index) => ({
        ...{ key: 'buckets', index, text: 'must be greater than the one before it' },
        than: { key: 'buckets', index: index - 1 },
      })),
    },
    'min and factor are too small': {
      spec: { min: 0, max: 1, factor: 1 },
      faults: [
        { key: 'min', text: 'must be greater than 0' },
        { key: 'factor', text: 'must be greater than 1' },
      ],
    },
    'max is not above min': {
      spec: { min: 2, max: 2, factor: 2 },
      faults: [{ key: 'max', text: 'must be greater than min', than: { key: 'min' } }],
    },
    'they are not finite': {
      spec: { min: NaN, max: Infinity, factor: '2' },
      faults: [
        { key: 'min', text: finite },
        { key: 'max', text: finite },
        { key: 'factor', text: finite },
      ],
    },
    'a step would not be one': {
      spec: { min: 5e-324, max: 1, factor: 1.2 },
      faults: [{ key: 'min', text: 'must not be so close to 0 that factor leaves it as it is' }],
    },
  };
  for (const [name, { spec, faults }] of Object.entries(cases)) {
    it(`are told when ${name}`, () => assert.deepEqual(readBuckets(spec), { ok: false, faults }));
  }

  it('are all in one error, each with its key and value', () => {
    const cases: [BucketSpec, string][] = [
      [
        { min: 5, max: 3, factor: 1 },
        'x.factor must be greater than 1 (got 1); x.max must be greater than min, 5 (got 3)',
      ],
      [
        { buckets: [2, 1, NaN] },
        `x.buckets[1] must be greater than the one before it, 2 (got 1); x.buckets[2] ${finiteBound} (got NaN)`,
      ],
      [{ buckets: [1, 2], max: 1 }, 'x.buckets must not be given beside max (got a list of 2)'],
      [{ min: '1' as never, max: 2, factor: 2 }, 'x.min must be a finite number (got "1")'],
    ];
    for (const [spec, message] of cases) assert.throws(() => boundsOf(spec, 'x'), new RangeError(message));
  });
});
