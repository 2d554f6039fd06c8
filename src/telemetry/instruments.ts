import type { Attributes, Meter, Observable } from '@opentelemetry/api';
import type { ObservationListener } from './engine.ts';
import { catalogue, type InstrumentDefinition, type InstrumentName } from './catalogue.ts';

/** What records on one series: its attribute set is settled, so an engine can resolve it once. */
export interface BoundCounter {
  add(value: number): void;
}
export interface BoundHistogram {
  record(value: number): void;
}

/** A counter or an up-down counter. */
export interface CounterInstrument {
  add(value: number, attributes?: Attributes): void;
  /** @param attributes must not be changed afterwards: the SDK keeps the object. */
  bind(attributes: Attributes): BoundCounter;
}
export interface HistogramInstrument {
  record(value: number, attributes?: Attributes): void;
  bind(attributes: Attributes): BoundHistogram;
}

type NamesOf<K extends InstrumentDefinition['kind']> = {
  [N in InstrumentName]: (typeof catalogue)[N]['kind'] extends K ? N : never;
}[InstrumentName];

export type CounterName = NamesOf<'counter' | 'up_down_counter'>;
export type HistogramName = NamesOf<'histogram'>;
export type ObservableName = NamesOf<'observable_counter' | 'observable_up_down_counter' | 'observable_gauge'>;

/**
 * The catalogue's instruments on one meter. Each is created once, at the first call; the same name gives the same instrument.
 * This is the only place where an instrument of ours is created, so nothing is recorded that the catalogue does not list.
 */
export interface Instruments {
  counter(name: CounterName): CounterInstrument;
  histogram(name: HistogramName): HistogramInstrument;
  /** @param observe must be synchronous and cheap: it runs in every collection of every reader. */
  observe(name: ObservableName, observe: (observe: ObserveSeries) => void): void;
}

export type ObserveSeries = (value: number, attributes?: Attributes) => void;

export interface InstrumentsOptions {
  /** Any implementation of the OTel API's `Meter`. */
  readonly meter: Meter;
  readonly observed: ObservationListener;
}

export function createInstruments({ meter, observed }: InstrumentsOptions): Instruments {
  const counters = new Map<CounterName, CounterInstrument>();
  const histograms = new Map<HistogramName, HistogramInstrument>();

  return {
    counter: (name) => getOrCreate(counters, name, () => createCounter(meter, name)),
    histogram: (name) => getOrCreate(histograms, name, () => createHistogram(meter, name)),
    observe: (name, observe) => {
      const observable = createObservable(meter, name);
      observable.addCallback((result) =>
        observe((value, attributes) => {
          observed(name, attributes);
          result.observe(value, attributes);
        }),
      );
    },
  };
}

function createCounter(meter: Meter, name: CounterName): CounterInstrument {
  const { kind, unit, description } = catalogue[name];
  const options = { unit, description };
  const counter = kind === 'counter' ? meter.createCounter(name, options) : meter.createUpDownCounter(name, options);
  return {
    add: (value, attributes) => counter.add(value, attributes),
    bind: (attributes) => ({ add: (value) => counter.add(value, attributes) }),
  };
}

function createHistogram(meter: Meter, name: HistogramName): HistogramInstrument {
  const { unit, description, bounds } = catalogue[name];
  const histogram = meter.createHistogram(name, {
    unit,
    description,
    advice: { explicitBucketBoundaries: [...bounds] },
  });
  return {
    record: (value, attributes) => histogram.record(value, attributes),
    bind: (attributes) => ({ record: (value) => histogram.record(value, attributes) }),
  };
}

function createObservable(meter: Meter, name: ObservableName): Observable {
  const { kind, unit, description } = catalogue[name];
  const options = { unit, description };
  switch (kind) {
    case 'observable_counter':
      return meter.createObservableCounter(name, options);
    case 'observable_up_down_counter':
      return meter.createObservableUpDownCounter(name, options);
    case 'observable_gauge':
      return meter.createObservableGauge(name, options);
  }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
