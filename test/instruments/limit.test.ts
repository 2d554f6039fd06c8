import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from '@opentelemetry/api';
import type { BindableCounter, BindableHistogram, View } from '../../src/instruments/index.ts';
import { createNative, collect, runs, seriesOf, valuesOf, type Point } from './native.ts';
import { exact } from './programs.ts';

const OVERFLOW = '{"otel.metric.overflow":true}';
const RECORDED = ['counter', 'up_down', 'histogram', 'exponential', 'summary'] as const;

function createInstruments(limit: number) {
  const { meters, meter } = createNative({ limit });
  const record = {
    counter: meter.createCounter('counter'),
    up_down: meter.createUpDownCounter('up_down'),
    histogram: meter.createHistogram('histogram'),
    exponential: meter.createHistogram('exponential', { aggregation: 'base2_exponential_bucket_histogram' }),
    summary: meter.createHistogram('summary', { aggregation: 'summary' }),
  };
  return { meters, meter, record };
}

type Instrument = BindableCounter | BindableHistogram;

function recordOn(instrument: Instrument, attributes: Attributes, value: number): void {
  if ('add' in instrument) instrument.add(value, attributes);
  else instrument.record(value, attributes);
}

function recordBound(instrument: Instrument, attributes: Attributes, value: number): void {
  if ('add' in instrument) instrument.bind(attributes).add(value);
  else instrument.bind(attributes).record(value);
}

type Name = (typeof RECORDED)[number];
type Step =
  | {
      readonly step: 'record';
      readonly name: Name;
      readonly set: number;
      readonly value: number;
      readonly bound: boolean;
    }
  | { readonly step: 'collect'; readonly view: 'cumulative' | 'delta' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('record' as const),
      name: fc.constantFrom(...RECORDED),
      set: fc.nat(7),
      value: exact,
      bound: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('collect' as const),
      view: fc.constantFrom('cumulative' as const, 'delta' as const),
    }),
  },
);

const sumOf = ({ value }: Point): number => (typeof value === 'number' ? value : value.sum);

async function sumsOf(view: View): Promise<Map<string, number>> {
  return new Map([...(await collect(view))].map(([series, point]) => [series, sumOf(point)]));
}

function add(sums: Map<string, number>, series: string, value: number): void {
  sums.set(series, (sums.get(series) ?? 0) + value);
}

/** The sets as they come: the first ones until the limit have a series of their own. */
class Model {
  readonly sums = new Map<string, number>();
  readonly #known = new Map<Name, Set<number>>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  record(name: Name, set: number, value: number): void {
    const known = this.#known.get(name) ?? new Set();
    this.#known.set(name, known);
    if (known.size < this.#limit) known.add(set);
    add(this.sums, known.has(set) ? seriesOf(name, { set }) : `${name} ${OVERFLOW}`, value);
  }

  size(name: Name): number {
    return this.#known.get(name)?.size ?? 0;
  }
}

describe('the cardinality limit', () => {
  it('holds whatever is recorded, and no total is ever wrong, in any view', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 80, size: 'max' }),
        async (limit, steps) => {
          const { meters, record } = createInstruments(limit);
          const views = { cumulative: meters.createView('cumulative'), delta: meters.createView('delta') };
          const model = new Model(limit);
          const grown = new Map<string, number>();
          const last: Step[] = [
            { step: 'collect', view: 'delta' },
            { step: 'collect', view: 'cumulative' },
          ];
          for (const each of [...steps, ...last]) {
            if (each.step === 'record') {
              const { name, set, value, bound } = each;
              if (bound) recordBound(record[name], { set }, value);
              else recordOn(record[name], { set }, value);
              model.record(name, set, value);
              continue;
            }
            const sums = await sumsOf(views[each.view]);
            if (each.view === 'cumulative') assert.deepEqual(sums, model.sums);
            else {
              // What goes up and down, and summaries, have no delta.
              for (const [series, sum] of sums) {
                if (/^(up_down|summary)/.test(series)) grown.set(series, sum);
                else add(grown, series, sum);
              }
              assert.deepEqual(grown, model.sums);
            }
          }
          for (const { name, series, limit: shown } of meters.stats()) {
            assert.deepEqual([series, shown], [model.size(name as Name), limit]);
          }
        },
      ),
      runs(200),
    ));

  it('is not reached by as many sets as it allows', async () => {
    const { meters, record } = createInstruments(3);
    for (let set = 0; set < 3; set++) record.counter.add(1, { set });
    for (let set = 0; set < 3; set++) record.counter.add(1, { set });
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), {
      'counter {"set":0}': 2,
      'counter {"set":1}': 2,
      'counter {"set":2}': 2,
    });
    assert.deepEqual(meters.stats()[0]?.overflowed, new Map());
  });

  it('may be set for a single instrument, be it 1 or 0', async () => {
    const { meters, meter } = createNative({ limit: 1000 });
    for (const limit of [0, 1]) {
      const counter = meter.createCounter(`counter${limit}`, { cardinalityLimit: limit });
      for (let set = 0; set < 3; set++) counter.add(1, { set });
    }
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), {
      [`counter0 ${OVERFLOW}`]: 3,
      'counter1 {"set":0}': 1,
      [`counter1 ${OVERFLOW}`]: 2,
    });
  });

  it('shows as overflow of a gauge the value that was recorded last', async () => {
    const { meters, meter } = createNative({ limit: 1 });
    const gauge = meter.createGauge('gauge');
    for (let set = 0; set < 3; set++) gauge.record(set * 10, { set });
    gauge.record(5, { set: 1 });
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), {
      'gauge {"set":0}': 0,
      [`gauge ${OVERFLOW}`]: 5,
    });
  });

  it('takes the attributes of the overflow for what they are, before there is one and after', async () => {
    const { meters, record } = createInstruments(2);
    const overflow = { 'otel.metric.overflow': true };
    const bound = record.counter.bind(overflow);
    record.counter.add(1, overflow);
    bound.add(2);
    for (let set = 0; set < 2; set++) record.counter.add(10, { set });
    record.counter.add(100, { set: 2 });
    bound.add(4);
    record.counter.add(8, overflow);
    // It was a series as any other until set 1 found no room; after that it is not counted, and set 2 does find room.
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), {
      [`counter ${OVERFLOW}`]: 1 + 2 + 4 + 8 + 10,
      'counter {"set":0}': 10,
      'counter {"set":2}': 100,
    });
  });

  it('counts what found no room by the attribute key that has most values', () => {
    const { meters, record } = createInstruments(10);
    for (let i = 0; i < 30; i++) record.counter.add(1, { method: i % 2 ? 'GET' : 'PUT', user: `u${i}`, code: i % 5 });
    const [stats] = meters.stats();
    assert.deepEqual(stats?.overflowed, new Map([['user', 20]]));
    assert.equal(stats.series, 10);
  });

  it('never names the key of the overflow itself', () => {
    const { meters, meter } = createNative({ limit: 1 });
    const counter = meter.createCounter('counter');
    counter.add(1);
    for (let set = 0; set < 5; set++) counter.add(1, { set });
    assert.ok(!meters.stats()[0]?.overflowed.has('otel.metric.overflow'));
  });
});
