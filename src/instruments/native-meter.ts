import { diag, ValueType, type BatchObservableCallback, type MetricOptions, type Observable } from '@opentelemetry/api';
import { ExponentialHistogramInstrument } from './exponential-histogram.ts';
import type { ExemplarSampler } from './exemplars.ts';
import { Gauge } from './gauge.ts';
import { Histogram } from './histogram.ts';
import type {
  BindableCounter,
  BindableGauge,
  BindableHistogram,
  BindableMeter,
  BindableUpDownCounter,
  HistogramOptions,
  InstrumentOptions,
} from './bindable.ts';
import type { Instrument, Observed } from './instrument.ts';
import { NativeObservable, observedOf } from './native-observable.ts';
import type { Observables } from './observables.ts';
import { ObservedSum } from './observed-sum.ts';
import type { InstrumentSetup } from './setup.ts';
import { Sum } from './sum.ts';

/** Those of the specification, for durations in milliseconds. */
const DEFAULT_BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
const NAME = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

export interface NativeMeterOptions {
  readonly cardinalityLimit: number;
  readonly nowMs: () => number;
  readonly sampler: ExemplarSampler;
  /** The same for all meters: they are called in every collection. */
  readonly observables: Observables;
  /** Told of each new instrument before it records. */
  readonly created: (instrument: Instrument) => void;
}

interface Registered {
  readonly instrument: Instrument;
  /** What must be the same for it to be the same instrument. */
  readonly identity: string;
  /** What need not be, and can be settled only once. */
  readonly settings: string;
}

/** The instruments of one scope. */
export class NativeMeter implements BindableMeter {
  readonly #options: NativeMeterOptions;
  /** By name in lower case; several only where code disagrees about what one is. */
  readonly #registered = new Map<string, Registered[]>();

  constructor(options: NativeMeterOptions) {
    this.#options = options;
  }

  createCounter(name: string, options: InstrumentOptions = {}): BindableCounter {
    return this.#create('counter', name, options, (setup) => new Sum(setup, { monotonic: true }));
  }

  createUpDownCounter(name: string, options: InstrumentOptions = {}): BindableUpDownCounter {
    return this.#create('up_down_counter', name, options, (setup) => new Sum(setup, { monotonic: false }));
  }

  createGauge(name: string, options: InstrumentOptions = {}): BindableGauge {
    return this.#create('gauge', name, options, (setup) => new Gauge(setup));
  }

  createHistogram(name: string, options: HistogramOptions = {}): BindableHistogram {
    const { aggregation = 'explicit_bucket_histogram' } = options;
    const create = (setup: InstrumentSetup): Histogram | ExponentialHistogramInstrument => {
      if (aggregation === 'base2_exponential_bucket_histogram') return new ExponentialHistogramInstrument(setup);
      if (aggregation === 'summary') return new Histogram(setup, { kind: 'summary', bounds: [] });
      return new Histogram(setup, { kind: 'histogram', bounds: boundsOf(name, options) });
    };
    return this.#create(aggregation, name, options, create);
  }

  createObservableCounter(name: string, options: MetricOptions = {}): Observable {
    return this.#createObservable(
      'observable_counter',
      name,
      options,
      (setup) => new ObservedSum(setup, { monotonic: true }),
    );
  }

  createObservableUpDownCounter(name: string, options: MetricOptions = {}): Observable {
    const create = (setup: InstrumentSetup): ObservedSum => new ObservedSum(setup, { monotonic: false });
    return this.#createObservable('observable_up_down_counter', name, options, create);
  }

  createObservableGauge(name: string, options: MetricOptions = {}): Observable {
    return this.#createObservable('observable_gauge', name, options, (setup) => new Gauge(setup));
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    const instruments = observedOfAll(observables);
    if (instruments.size > 0) this.#options.observables.addBatch(callback, instruments);
    else diag.error('a batch callback was given no observable instrument of this meter provider');
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#options.observables.remove(callback, observedOfAll(observables));
  }

  #createObservable(
    kind: string,
    name: string,
    options: InstrumentOptions,
    create: (setup: InstrumentSetup) => Observed,
  ): Observable {
    const { observables } = this.#options;
    const instrument = this.#create(kind, name, { ...options, asynchronous: true }, create);
    return new NativeObservable(instrument, {
      add: (callback) => observables.add(callback, instrument),
      remove: (callback) => observables.remove(callback, new Set([instrument])),
    });
  }

  /** The instrument that is there already, if it is the same one: then the longer description stays. */
  #create<I extends Instrument>(
    kind: string,
    name: string,
    options: InstrumentOptions & { asynchronous?: boolean },
    create: (setup: InstrumentSetup) => I,
  ): I {
    const { valueType = ValueType.DOUBLE, asynchronous = false } = options;
    // Plain JavaScript may say null.
    const [unit, description] = [options.unit ?? '', options.description ?? ''];
    const same = this.#registered.get(name.toLowerCase()) ?? [];
    const identity = JSON.stringify([kind, unit, valueType]);
    // Of the same kind, so made by the same function.
    const registered = same.find((each) => each.identity === identity);
    const known = registered?.instrument as I | undefined;
    const settings = settingsOf(options);
    if (known !== undefined) {
      if (description.length > known.described.description.length) known.described.description = description;
      if (settings !== NO_SETTINGS && settings !== registered?.settings) {
        diag.warn(`the metric ${name} is created once more, with other bounds, limits or expiry: the first ones stay`);
      }
      return known;
    }
    if (!NAME.test(name)) diag.warn(`the metric name ${JSON.stringify(name)} is not one that OpenTelemetry allows`);
    if (same.length > 0) diag.warn(`the metric ${name} is created once more, as another kind or with another unit`);
    const { cardinalityLimit, nowMs, sampler, created } = this.#options;
    const instrument = create({
      described: { name, unit, description },
      integer: valueType === ValueType.INT,
      asynchronous,
      limit: options.cardinalityLimit ?? cardinalityLimit,
      expireAfterMs: options.expireAfterMs,
      nowMs,
      sampler,
    });
    this.#registered.set(name.toLowerCase(), [...same, { instrument, identity, settings }]);
    created(instrument);
    return instrument;
  }
}

function observedOfAll(observables: readonly Observable[]): Set<Observed> {
  return new Set(observables.map(observedOf).filter((instrument) => instrument !== undefined));
}

function settingsOf({ advice, cardinalityLimit, expireAfterMs }: InstrumentOptions): string {
  return JSON.stringify([advice?.explicitBucketBoundaries, cardinalityLimit, expireAfterMs]);
}

const NO_SETTINGS = settingsOf({});

/** The advice, if it is any good. */
function boundsOf(name: string, { advice }: HistogramOptions): readonly number[] {
  const given = advice?.explicitBucketBoundaries;
  if (given === undefined) return DEFAULT_BOUNDS;
  const bounds = given.at(-1) === Infinity ? given.slice(0, -1) : given;
  const ascending = bounds.every((bound, i) => Number.isFinite(bound) && bound > (bounds[i - 1] ?? -Infinity));
  if (ascending) return bounds;
  diag.warn(`the bucket bounds advised for ${name} do not ascend: ${given.join(', ')}; the default ones are used`);
  return DEFAULT_BOUNDS;
}
