import type { Attributes, Observable } from '@opentelemetry/api';
import type {
  BindableCounter,
  BindableHistogram,
  BindableMeter,
  HistogramOptions,
  InstrumentOptions,
} from '../instruments/index.ts';
import { catalogue, type InstrumentDefinition, type InstrumentName } from './catalogue.ts';

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
  /** A counter or an up-down counter. */
  counter(name: CounterName): BindableCounter;
  histogram(name: HistogramName): BindableHistogram;
  /** @param observe must be synchronous and cheap: it runs in every collection of every reader. */
  observe(name: ObservableName, observe: (observe: ObserveSeries) => void): void;
}

export type ObserveSeries = (value: number, attributes?: Attributes) => void;

export interface InstrumentsOptions {
  readonly meter: BindableMeter;
  /** What the catalogue does not say about an instrument. */
  readonly limits?: (name: InstrumentName) => Pick<InstrumentOptions, 'cardinalityLimit' | 'expireAfterMs'>;
  /** That a histogram is recorded on; those of the catalogue if not given. */
  readonly bounds?: (name: HistogramName) => readonly number[];
}

export function createInstruments({
  meter,
  limits = () => ({}),
  bounds = (name) => catalogue[name].bounds,
}: InstrumentsOptions): Instruments {
  const counters = new Map<CounterName, BindableCounter>();
  const histograms = new Map<HistogramName, BindableHistogram>();
  const optionsOf = (name: InstrumentName): HistogramOptions => {
    const { unit, description } = catalogue[name];
    return { unit, description, ...limits(name) };
  };

  const createCounter = (name: CounterName): BindableCounter =>
    catalogue[name].kind === 'counter'
      ? meter.createCounter(name, optionsOf(name))
      : meter.createUpDownCounter(name, optionsOf(name));

  const createHistogram = (name: HistogramName): BindableHistogram =>
    meter.createHistogram(name, { ...optionsOf(name), advice: { explicitBucketBoundaries: [...bounds(name)] } });

  const createObservable = (name: ObservableName): Observable => {
    switch (catalogue[name].kind) {
      case 'observable_counter':
        return meter.createObservableCounter(name, optionsOf(name));
      case 'observable_up_down_counter':
        return meter.createObservableUpDownCounter(name, optionsOf(name));
      case 'observable_gauge':
        return meter.createObservableGauge(name, optionsOf(name));
    }
  };

  return {
    counter: (name) => getOrCreate(counters, name, createCounter),
    histogram: (name) => getOrCreate(histograms, name, createHistogram),
    observe: (name, observe) =>
      createObservable(name).addCallback((result) => observe((value, attributes) => result.observe(value, attributes))),
  };
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: (key: K) => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create(key)));
  return value;
}
