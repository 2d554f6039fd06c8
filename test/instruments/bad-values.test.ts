import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { BindableMeter } from '../../src/instruments/index.ts';
import { collect, createNative, runs, type Point } from './native.ts';

// What users hand over has the type number only as long as they are checked by a compiler.

type Reason = 'not_a_number' | 'infinite' | 'negative';
type Recorder = (value: number) => void;

interface Kind {
  /** Without and with `bind`. */
  readonly create: (meter: BindableMeter) => readonly [Recorder, Recorder];
  /** Of the bad values below, those that it takes all the same. */
  readonly takes: readonly unknown[];
}

const adding = (counter: ReturnType<BindableMeter['createUpDownCounter']>): [Recorder, Recorder] => {
  const bound = counter.bind({});
  return [(value) => counter.add(value), (value) => bound.add(value)];
};
const recording = (histogram: ReturnType<BindableMeter['createHistogram']>): [Recorder, Recorder] => {
  const bound = histogram.bind({});
  return [(value) => histogram.record(value), (value) => bound.record(value)];
};

const kinds: Record<string, Kind> = {
  counter: { create: (meter) => adding(meter.createCounter('x')), takes: [] },
  'up-down counter': { create: (meter) => adding(meter.createUpDownCounter('x')), takes: [-1] },
  histogram: { create: (meter) => recording(meter.createHistogram('x')), takes: [-1] },
  'exponential histogram': {
    create: (meter) => recording(meter.createHistogram('x', { aggregation: 'base2_exponential_bucket_histogram' })),
    takes: [-1],
  },
  summary: { create: (meter) => recording(meter.createHistogram('x', { aggregation: 'summary' })), takes: [-1] },
};

const bad: readonly (readonly [unknown, Reason])[] = [
  [NaN, 'not_a_number'],
  [Infinity, 'infinite'],
  [-Infinity, 'infinite'],
  [-1, 'negative'],
  ['5', 'not_a_number'],
  [5n, 'not_a_number'],
  [null, 'not_a_number'],
  [undefined, 'not_a_number'],
  [true, 'not_a_number'],
  [[5], 'not_a_number'],
  [{ valueOf: () => 5 }, 'not_a_number'],
  [new Number(5), 'not_a_number'],
  [Symbol('5'), 'not_a_number'],
  [() => 5, 'not_a_number'],
];

const sumOf = ({ value }: Point): number => (typeof value === 'number' ? value : value.sum);

for (const [name, { create, takes }] of Object.entries(kinds)) {
  describe(`a ${name}`, () => {
    it('refuses what is no finite number, counts it, and goes on', async () => {
      const { meters, meter } = createNative();
      const view = meters.createView('cumulative');
      const expected = new Map<Reason, number>();
      for (const record of create(meter)) {
        record(0.5);
        for (const [value, reason] of bad) {
          if (takes.includes(value)) continue;
          record(value as number);
          expected.set(reason, (expected.get(reason) ?? 0) + 1);
        }
        record(2);
      }
      assert.deepEqual(meters.stats()[0]?.refused, expected);
      const point = (await collect(view)).get('x');
      assert.ok(point);
      assert.equal(sumOf(point), 5);
      if (typeof point.value !== 'number') assert.equal(point.value.count, 4);
    });

    it('begins no series with what it refuses', async () => {
      const { meters, meter } = createNative();
      for (const record of create(meter)) for (const value of [NaN, Infinity, '1']) record(value as number);
      assert.equal((await collect(meters.createView('delta'))).size, 0);
    });

    it('refuses what would make its sum infinite, and goes on', async () => {
      const { meters, meter } = createNative();
      const view = meters.createView('cumulative');
      const [record, recordBound] = create(meter);
      record(Number.MAX_VALUE);
      record(Number.MAX_VALUE);
      recordBound(Number.MAX_VALUE);
      recordBound(1);
      const point = (await collect(view)).get('x');
      assert.ok(point);
      assert.equal(sumOf(point), Number.MAX_VALUE);
      if (typeof point.value !== 'number') assert.equal(point.value.count, 2);
      assert.deepEqual(meters.stats()[0]?.refused, new Map([['infinite', 2]]));
    });

    it('never has a sum that is not finite, whatever it is given', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.double({ min: takes.length > 0 ? -1e308 : 0 }), fc.boolean())),
          async (values) => {
            const { meters, meter } = createNative();
            const views = [meters.createView('cumulative'), meters.createView('delta')];
            const [record, recordBound] = create(meter);
            for (const [i, [value, bound]] of values.entries()) {
              // Of histograms, a sum is not known once a value was negative.
              const given = name.includes('counter') ? value : Math.abs(value);
              (bound ? recordBound : record)(given);
              if (i % 5 !== 4) continue;
              for (const view of views) {
                for (const point of (await collect(view)).values())
                  assert.ok(Number.isFinite(sumOf(point)), `${sumOf(point)}`);
              }
            }
          },
        ),
        runs(50),
      ));
  });
}

describe('a histogram of negative values', () => {
  for (const name of ['histogram', 'exponential histogram', 'summary']) {
    const told = name === 'summary' ? 'tells its sum, which is all that it has' : 'not its sum, which must not fall';
    it(`counts them in a ${name}, and ${told}`, async () => {
      const { meters, meter } = createNative();
      const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
      const [record] = kinds[name]?.create(meter) ?? [];
      assert.ok(record);
      for (const value of [1, -2, 3]) record(value);
      for (const view of [cumulative, delta]) {
        const value = (await collect(view)).get('x')?.value;
        assert.ok(typeof value === 'object');
        assert.deepEqual([value.count, value.sum], [3, name === 'summary' ? 2 : NaN]);
        if ('min' in value) assert.deepEqual([value.min, value.max], [-2, 3]);
      }
      record(4);
      const later = (await collect(delta)).get('x')?.value;
      assert.ok(typeof later === 'object');
      // The increments of one delta are known where none of them was negative.
      if (name !== 'summary') assert.deepEqual([later.count, later.sum], [1, 4]);
    });
  }
});

describe('a gauge', () => {
  it('takes any number, and the next takes its place', async () => {
    const { meters, meter } = createNative();
    const gauge = meter.createGauge('x');
    const view = meters.createView('cumulative');
    const bound = gauge.bind({});
    for (const value of [NaN, Infinity, -Infinity, -1, Number.MAX_VALUE, 0]) {
      gauge.record(value);
      assert.equal((await collect(view)).get('x')?.value, value);
      bound.record(value);
      assert.equal((await collect(view)).get('x')?.value, value);
    }
  });

  it('refuses what is no number', async () => {
    const { meters, meter } = createNative();
    const gauge = meter.createGauge('x');
    const bound = gauge.bind({});
    gauge.record(7);
    let refused = 0;
    for (const [value] of bad) {
      if (typeof value === 'number') continue;
      gauge.record(value as number);
      bound.record(value as number);
      bound.add(value as number);
      refused += 3;
    }
    assert.equal((await collect(meters.createView('cumulative'))).get('x')?.value, 7);
    assert.deepEqual(meters.stats()[0]?.refused, new Map([['not_a_number', refused]]));
  });
});

describe('an observable', () => {
  it('refuses what is no finite number, or a counter that is negative', async () => {
    const { meters, meter } = createNative();
    const values = bad.map(([value]) => value as number);
    const observe = meter.createObservableCounter('counter');
    observe.addCallback((result) => values.forEach((value, i) => result.observe(value, { i })));
    meter.createObservableUpDownCounter('up_down').addCallback((result) => {
      values.forEach((value, i) => result.observe(value, { i }));
    });
    meter.createObservableGauge('gauge').addCallback((result) => {
      values.forEach((value, i) => result.observe(value, { i }));
    });
    const points = await collect(meters.createView('cumulative'));
    const shown = (name: string) =>
      [...points].filter(([series]) => series.startsWith(name)).map(([, { value }]) => value);
    assert.deepEqual(shown('counter'), []);
    assert.deepEqual(shown('up_down'), [-1]);
    assert.deepEqual(shown('gauge'), [NaN, Infinity, -Infinity, -1]);
    assert.deepEqual(
      meters.stats().map(({ refused }) => Object.fromEntries(refused)),
      [{ not_a_number: 11, infinite: 2, negative: 1 }, { not_a_number: 11, infinite: 2 }, { not_a_number: 10 }],
    );
  });
});
