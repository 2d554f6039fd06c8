import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import fc from 'fast-check';
import type { BindableMeter } from '../../src/instruments/index.ts';
import { createBindingRecorder, createRecorder } from './engines.ts';
import { createNative, runs, seriesOf, toPoints, valuesOf } from './native.ts';
import { PREFERENCES, inexact, programs } from './programs.ts';

const OVERFLOW = 'counter {"otel.metric.overflow":true}';

/** Each kind of instrument, as what it is bound to: one more measurement. */
const kinds: Record<string, (meter: BindableMeter, attributes: Attributes) => () => void> = {
  counter: (meter, attributes) => {
    const bound = meter.createCounter('x').bind(attributes);
    return () => bound.add(1);
  },
  'up-down counter': (meter, attributes) => {
    const bound = meter.createUpDownCounter('x').bind(attributes);
    return () => bound.add(-1);
  },
  gauge: (meter, attributes) => {
    const bound = meter.createGauge('x').bind(attributes);
    return () => bound.record(1);
  },
  histogram: (meter, attributes) => {
    const bound = meter.createHistogram('x').bind(attributes);
    return () => bound.record(1);
  },
  'exponential histogram': (meter, attributes) => {
    const aggregation = 'base2_exponential_bucket_histogram';
    const bound = meter.createHistogram('x', { aggregation }).bind(attributes);
    return () => bound.record(1);
  },
};

describe('bind', () => {
  it('shows what recording with the attributes each time shows, order and times included', () =>
    fc.assert(
      fc.asyncProperty(programs(inexact), fc.integer({ min: 1, max: 5 }), async (program, limit) => {
        const [binding, other] = [createNative({ limit }), createNative({ limit })];
        const [record, recordOther] = [createBindingRecorder(binding.meter), createRecorder(other.meter)];
        const views = PREFERENCES.map(
          (view) => [view, binding.meters.createView(view), other.meters.createView(view)] as const,
        );
        for (const step of program) {
          binding.clock.nowMs = other.clock.nowMs += 7;
          if (step.step === 'record') {
            record({ ...step, bound: true });
            recordOther(step);
          }
          if (step.step !== 'collect') continue;
          for (const [view, bound, unbound] of views) {
            if (view === step.view) assert.deepEqual(await bound.collect(1000), await unbound.collect(1000));
          }
        }
        assert.deepEqual(binding.meters.stats(), other.meters.stats());
      }),
      runs(150),
    ));

  for (const [kind, bind] of Object.entries(kinds)) {
    describe(`of a ${kind}`, () => {
      it('makes no series', async () => {
        const { meters, meter } = createNative({ limit: 1 });
        for (let i = 0; i < 10; i++) bind(meter, { i });
        assert.deepEqual(await valuesOf(meters.createView('cumulative')), {});
        assert.equal(meters.stats()[0]?.series, 0);
        bind(meter, { i: 'first' })();
        assert.deepEqual(Object.keys(await valuesOf(meters.createView('cumulative'))), ['x {"i":"first"}']);
      });

      it('starts the series with the first measurement', async () => {
        const { clock, meters, meter } = createNative();
        const record = bind(meter, {});
        clock.nowMs = 5000;
        record();
        const { scopes } = await meters.createView('cumulative').collect(1000);
        const [point] = toPoints(scopes).values();
        assert.equal(point?.startMs, 5000);
      });

      it('is not touched by what becomes of the object, or of lists in it', async () => {
        const { meters, meter } = createNative();
        const attributes: Record<string, string | string[]> = { model: 'iris', tags: ['a'] };
        const before = seriesOf('x', attributes);
        const record = bind(meter, attributes);
        attributes.model = 'wine';
        attributes.more = 'yes';
        (attributes.tags as string[]).push('b');
        record();
        assert.deepEqual(Object.keys(await valuesOf(meters.createView('cumulative'))), [before]);
      });
    });
  }

  it('takes no attributes for none', async () => {
    const { meters, meter } = createNative();
    const counter = meter.createCounter('counter');
    counter.bind({}).add(1);
    (counter.bind as (attributes?: Attributes) => { add(value: number): void }).call(counter).add(2);
    counter.add(4);
    counter.add(8, {});
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), { counter: 15 });
  });

  it('stays with the overflow only until there is room', async () => {
    const { meters, meter } = createNative({ limit: 2 });
    const counter = meter.createCounter('counter');
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((set) => counter.bind({ set }));
    assert.ok(a && b && c && d);
    for (const cell of [a, b, c, d]) cell.add(1);
    const view = meters.createView('cumulative');
    assert.deepEqual(await valuesOf(view), { 'counter {"set":"a"}': 1, 'counter {"set":"b"}': 1, [OVERFLOW]: 2 });
    counter.remove({ set: 'a' });
    for (const cell of [d, c, b, d]) cell.add(10);
    assert.deepEqual(await valuesOf(view), { 'counter {"set":"d"}': 20, 'counter {"set":"b"}': 11, [OVERFLOW]: 12 });
    a.add(100);
    assert.deepEqual(await valuesOf(view), { 'counter {"set":"d"}': 20, 'counter {"set":"b"}': 11, [OVERFLOW]: 112 });
  });

  it('keeps a series of its own when it was bound to the attributes of the overflow', async () => {
    const { meters, meter } = createNative({ limit: 1 });
    const counter = meter.createCounter('counter');
    const overflow = counter.bind({ 'otel.metric.overflow': true });
    counter.add(1, { set: 'a' });
    for (let i = 0; i < 3; i++) overflow.add(10);
    counter.add(1, { set: 'b' });
    assert.deepEqual(await valuesOf(meters.createView('delta')), { 'counter {"set":"a"}': 1, [OVERFLOW]: 31 });
  });
});

describe('recording without bind', () => {
  it('is not touched by what becomes of the object afterwards, or of lists in it', async () => {
    const { meters, meter } = createNative();
    const counter = meter.createCounter('counter');
    const tags = ['a'];
    const attributes: Record<string, string | string[]> = { model: 'iris', tags };
    const before = seriesOf('counter', attributes);
    counter.add(1, attributes);
    attributes.model = 'wine';
    tags.push('b');
    const view = meters.createView('cumulative');
    assert.deepEqual(await valuesOf(view), { [before]: 1 });
    counter.add(1, attributes);
    assert.deepEqual(await valuesOf(view), { [before]: 1, [seriesOf('counter', attributes)]: 1 });
  });

  it('hands out attributes that nobody can change', async () => {
    const { meters, meter } = createNative();
    meter.createCounter('counter').add(1, { tags: ['a'] });
    const { scopes } = await meters.createView('cumulative').collect(1000);
    const [metric] = scopes[0]?.metrics ?? [];
    assert.ok(metric?.kind === 'sum');
    const [set] = metric.points.attributes;
    assert.ok(Object.isFrozen(set) && Object.isFrozen(set?.tags));
  });
});
