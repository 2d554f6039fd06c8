import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { BindableMeter } from '../../src/instruments/index.ts';
import { Histogram } from '../../src/instruments/histogram.ts';
import { ExemplarSampler } from '../../src/instruments/exemplars.ts';
import { collect, createNative, numberOf, valuesOf } from './native.ts';

const set = { model: 'iris' };
const SERIES = 'instrument {"model":"iris"}';

/** Each kind of instrument, recorded on and counted in the same way. */
interface Case {
  record(attributes: Attributes): void;
  remove(attributes: Attributes): boolean;
  bind(attributes: Attributes): () => void;
}

const kinds: Record<string, (meter: BindableMeter) => Case> = {
  counter: (meter) => ofSum(meter.createCounter('instrument')),
  'up-down counter': (meter) => ofSum(meter.createUpDownCounter('instrument')),
  histogram: (meter) => ofHistogram(meter.createHistogram('instrument')),
  'exponential histogram': (meter) =>
    ofHistogram(meter.createHistogram('instrument', { aggregation: 'base2_exponential_bucket_histogram' })),
  summary: (meter) => ofHistogram(meter.createHistogram('instrument', { aggregation: 'summary' })),
};
const withDelta = ['counter', 'histogram', 'exponential histogram'];

function ofSum(sum: ReturnType<BindableMeter['createCounter']>): Case {
  return {
    record: (attributes) => sum.add(1, attributes),
    remove: (attributes) => sum.remove(attributes),
    bind: (attributes) => {
      const bound = sum.bind(attributes);
      return () => bound.add(1);
    },
  };
}

function ofHistogram(histogram: ReturnType<BindableMeter['createHistogram']>): Case {
  return {
    record: (attributes) => histogram.record(1, attributes),
    remove: (attributes) => histogram.remove(attributes),
    bind: (attributes) => {
      const bound = histogram.bind(attributes);
      return () => bound.record(1);
    },
  };
}

for (const [kind, create] of Object.entries(kinds)) {
  describe(`a removed series of a ${kind}`, () => {
    it('is shown no more, and says whether it was there', async () => {
      const { meters, meter } = createNative();
      const instrument = create(meter);
      const view = meters.createView('cumulative');
      assert.equal(instrument.remove(set), false);
      instrument.record(set);
      instrument.record({});
      assert.equal(instrument.remove({ model: 'wine' }), false);
      assert.equal(instrument.remove(set), true);
      assert.equal(instrument.remove(set), false);
      assert.deepEqual(await valuesOf(view), { instrument: 1 });
      assert.equal(meters.stats()[0]?.series, 1);
    });

    it('starts at 0 again, with a later start time', async () => {
      const { clock, meters, meter } = createNative();
      const instrument = create(meter);
      const view = meters.createView('cumulative');
      for (let i = 0; i < 3; i++) instrument.record(set);
      const before = (await collect(view)).get(SERIES);
      clock.nowMs = 2000;
      instrument.remove(set);
      clock.nowMs = 3000;
      instrument.record(set);
      clock.nowMs = 4000;
      const after = (await collect(view)).get(SERIES);
      assert.ok(before && after);
      assert.deepEqual([before.startMs, before.timeMs, numberOf(before.value)], [1000, 1000, 3]);
      assert.deepEqual([after.startMs, after.timeMs, numberOf(after.value)], [3000, 4000, 1]);
      if (typeof after.value !== 'number') assert.equal(after.value.sum, 1);
    });

    it('is written on again by what was bound to it', async () => {
      const { meters, meter } = createNative();
      const instrument = create(meter);
      const view = meters.createView('cumulative');
      const [record, other] = [instrument.bind(set), instrument.bind({ model: 'wine' })];
      for (const each of [record, record, other]) each();
      instrument.remove(set);
      // A new series takes the row that has become free.
      instrument.record({ model: 'rose' });
      for (const each of [record, other]) each();
      assert.deepEqual(await valuesOf(view), {
        'instrument {"model":"wine"}': 2,
        'instrument {"model":"rose"}': 1,
        [SERIES]: 1,
      });
    });

    it('leaves nothing to the series that gets its row', async () => {
      const { meters, meter } = createNative();
      const instrument = create(meter);
      const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
      for (let i = 0; i < 5; i++) instrument.record(set);
      await collect(delta);
      instrument.remove(set);
      await collect(delta);
      instrument.record({ model: 'wine' });
      for (const view of [cumulative, delta]) {
        const point = (await collect(view)).get('instrument {"model":"wine"}');
        assert.ok(point);
        if (typeof point.value === 'number') assert.equal(point.value, 1);
        else assert.deepEqual([point.value.count, point.value.sum], [1, 1]);
      }
    });

    it('makes room under the limit', async () => {
      const { meters, meter } = createNative({ limit: 1 });
      const instrument = create(meter);
      const record = instrument.bind({ model: 'wine' });
      instrument.record(set);
      record();
      instrument.remove(set);
      record();
      record();
      assert.deepEqual(await valuesOf(meters.createView('cumulative')), {
        'instrument {"otel.metric.overflow":true}': 1,
        'instrument {"model":"wine"}': 2,
      });
    });

    it('may be the overflow', async () => {
      const { clock, meters, meter } = createNative({ limit: 1 });
      const instrument = create(meter);
      for (const model of ['iris', 'wine', 'rose']) instrument.record({ model });
      clock.nowMs = 2000;
      assert.equal(instrument.remove({ 'otel.metric.overflow': true }), true);
      const view = meters.createView('cumulative');
      assert.deepEqual(await valuesOf(view), { [SERIES]: 1 });
      instrument.record({ model: 'wine' });
      const overflow = (await collect(view)).get('instrument {"otel.metric.overflow":true}');
      assert.ok(overflow);
      assert.deepEqual([overflow.startMs, numberOf(overflow.value)], [2000, 1]);
    });
  });
}

for (const kind of withDelta) {
  describe(`what a ${kind} had not shown to a delta view`, () => {
    const prepare = () => {
      const native = createNative();
      const create = kinds[kind];
      assert.ok(create);
      return { ...native, instrument: create(native.meter) };
    };

    it('is shown once after the series was removed', async () => {
      const { clock, meters, instrument } = prepare();
      const [first, second] = [meters.createView('delta'), meters.createView('delta')];
      instrument.record(set);
      await collect(first);
      clock.nowMs = 2000;
      instrument.record(set);
      instrument.remove(set);
      clock.nowMs = 3000;
      const [shown, other] = [(await collect(first)).get(SERIES), (await collect(second)).get(SERIES)];
      assert.ok(shown && other);
      assert.deepEqual([shown.startMs, shown.timeMs, numberOf(shown.value)], [1000, 3000, 1]);
      assert.deepEqual([other.startMs, other.timeMs, numberOf(other.value)], [1000, 3000, 2]);
      for (const view of [first, second]) assert.deepEqual(await valuesOf(view), {});
    });

    it('is nothing when it had seen everything', async () => {
      const { meters, instrument } = prepare();
      const view = meters.createView('delta');
      instrument.record(set);
      await collect(view);
      instrument.remove(set);
      assert.deepEqual(await valuesOf(view), {});
    });

    // Two points would be of one series and one time.
    it('is shown in one point with what the series has since it was recorded again', async () => {
      const { clock, meters, instrument } = prepare();
      const view = meters.createView('delta');
      instrument.record(set);
      instrument.remove(set);
      clock.nowMs = 2000;
      for (let i = 0; i < 2; i++) instrument.record(set);
      const { scopes } = await view.collect(1000);
      const [metric] = scopes[0]?.metrics ?? [];
      assert.ok(metric && metric.kind !== 'summary' && metric.kind !== 'gauge');
      const points = metric.kind === 'histogram' ? metric.points[0] : metric.points;
      assert.deepEqual(points?.attributes, [set]);
      assert.deepEqual([...points.startTimesMs], [1000]);
      const value =
        'values' in points ? points.values[0] : 'counts' in points ? points.counts[0] : points.histograms[0]?.count;
      assert.equal(value, 3);
      assert.deepEqual(await valuesOf(view), {});
    });

    // Else whoever stays away would have the rows of removed series pile up.
    it('goes to the overflow, the oldest first, for a view that lets more series end than the limit', async () => {
      const { meters, meter } = createNative({ limit: 3 });
      const instrument = kinds[kind]?.(meter);
      assert.ok(instrument);
      const [away, there] = [meters.createView('delta'), meters.createView('delta')];
      const shown: number[] = [];
      for (let model = 0; model < 5; model++) {
        instrument.record({ model });
        shown.push(...Object.values(await valuesOf(there)));
        instrument.remove({ model });
      }
      assert.deepEqual(shown, [1, 1, 1, 1, 1]);
      const models = [2, 3, 4].map((model) => [`instrument {"model":${model}}`, 1]);
      const overflow = ['instrument {"otel.metric.overflow":true}', 2];
      assert.deepEqual(await valuesOf(away), Object.fromEntries([overflow, ...models]));
      assert.deepEqual(await valuesOf(there), {});
    });

    it('is not shown to a view that was made after the removal', async () => {
      const { meters, instrument } = prepare();
      meters.createView('delta');
      instrument.record(set);
      instrument.remove(set);
      assert.deepEqual(await valuesOf(meters.createView('delta')), {});
    });
  });
}

describe('a series that expires', () => {
  it('ends in the first collection that finds it idle for longer than it may be', async () => {
    const { clock, meters, meter } = createNative();
    const counter = meter.createCounter('instrument', { expireAfterMs: 100 });
    const view = meters.createView('cumulative');
    counter.add(1, set);
    clock.nowMs = 1100;
    // Recorded on since the last collection, it is not idle yet, whenever that was.
    assert.deepEqual(await valuesOf(view), { [SERIES]: 1 });
    clock.nowMs = 1200;
    assert.deepEqual(await valuesOf(view), { [SERIES]: 1 });
    clock.nowMs = 1201;
    assert.deepEqual(await valuesOf(view), {});
    counter.add(1, set);
    assert.equal((await collect(view)).get(SERIES)?.startMs, 1201);
  });

  it('is kept by each measurement, bound or not, even one of 0', async () => {
    const { clock, meters, meter } = createNative();
    const counter = meter.createCounter('instrument', { expireAfterMs: 100 });
    const view = meters.createView('cumulative');
    const bound = counter.bind({ model: 'wine' });
    for (let i = 0; i < 10; i++) {
      counter.add(0, set);
      bound.add(1);
      clock.nowMs += 90;
      assert.equal((await collect(view)).size, 2);
    }
  });

  it('does not, where nobody asked for it', async () => {
    const { clock, meters, meter } = createNative();
    meter.createCounter('instrument').add(1, set);
    const view = meters.createView('cumulative');
    await collect(view);
    clock.nowMs += 1e12;
    assert.deepEqual(await valuesOf(view), { [SERIES]: 1 });
  });
});

describe('a gauge', () => {
  it('starts at 0 for `add` once its series was removed', async () => {
    const { meters, meter } = createNative();
    const gauge = meter.createGauge('level');
    const bound = gauge.bind(set);
    bound.record(10);
    bound.add(-3);
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), { 'level {"model":"iris"}': 7 });
    assert.equal(gauge.remove(set), true);
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), {});
    bound.add(2);
    assert.deepEqual(await valuesOf(meters.createView('delta')), { 'level {"model":"iris"}': 2 });
  });
});

describe('rows of series that come and go', () => {
  // A summary has no delta: were its rows kept for delta views, nobody would ever read them.
  for (const kind of ['histogram', 'summary'] as const) {
    it(`are used again in a ${kind}, whose capacity stays that of a few series`, () => {
      const instrument = new Histogram(
        {
          described: { name: 'instrument', unit: '', description: '' },
          integer: false,
          asynchronous: false,
          limit: 2000,
          expireAfterMs: undefined,
          nowMs: () => 1000,
          sampler: new ExemplarSampler('always_off', () => 1000),
        },
        { kind, bounds: [] },
      );
      instrument.addDeltaView();
      const view = { preference: 'delta', delta: 0, sinceMs: 0 } as const;
      for (let i = 0; i < 1000; i++) {
        instrument.record(1, { i });
        instrument.remove({ i });
        if (kind === 'histogram') instrument.collect(view, 1000);
      }
      assert.equal(instrument.series.rows.capacity, 8);
    });
  }
});
