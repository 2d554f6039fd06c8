import { ValueType, type Attributes, type Meter, type ObservableCallback } from '@opentelemetry/api';
import type { BindableMeter, HistogramOptions } from '../../src/instruments/index.ts';
import { sortedText, type Observable, type Observing, type Recorded, type Recording } from './programs.ts';

export const BOUNDS = [0.01, 0.5, 1, 4, 100, 1024];

type Recorder = (value: number, attributes: Attributes) => void;

/** How the native engine is asked for it; the SDK is by a view. */
const EXPONENTIAL: HistogramOptions = { aggregation: 'base2_exponential_bucket_histogram' };

/** What programs record on, made the same way with either engine. */
function createInstruments(meter: Meter) {
  const adding = (instrument: { add: Recorder }): Recorder => instrument.add.bind(instrument);
  const recording = (instrument: { record: Recorder }): Recorder => instrument.record.bind(instrument);
  return {
    counter: adding(meter.createCounter('counter')),
    whole: adding(meter.createCounter('whole', { valueType: ValueType.INT })),
    up_down: adding(meter.createUpDownCounter('up_down')),
    gauge: recording(meter.createGauge('gauge')),
    histogram: recording(meter.createHistogram('histogram', { advice: { explicitBucketBoundaries: BOUNDS } })),
    exponential: recording(meter.createHistogram('exponential', EXPONENTIAL)),
  } satisfies Record<Recorded, Recorder>;
}

/** Carries out recordings without `bind`, which the API does not have. */
export function createRecorder(meter: Meter): (recording: Recording) => void {
  const instruments = createInstruments(meter);
  return ({ instrument, value, attributes }) => instruments[instrument](value, attributes);
}

/** Carries out recordings through `bind` where the program says so, once per set and order of its keys. */
export function createBindingRecorder(meter: BindableMeter): (recording: Recording) => void {
  const record = createRecorder(meter);
  const bindable = {
    counter: meter.createCounter('counter'),
    whole: meter.createCounter('whole', { valueType: ValueType.INT }),
    up_down: meter.createUpDownCounter('up_down'),
    gauge: meter.createGauge('gauge'),
    histogram: meter.createHistogram('histogram'),
    exponential: meter.createHistogram('exponential', EXPONENTIAL),
  };
  const bound = new Map<string, (value: number) => void>();
  return (recording) => {
    if (!recording.bound) {
      record(recording);
      return;
    }
    const { instrument, value, attributes } = recording;
    const key = JSON.stringify([instrument, attributes]);
    let cell = bound.get(key);
    if (cell === undefined) {
      const made = bindable[instrument].bind(attributes);
      cell = 'record' in made ? (given) => made.record(given) : (given) => made.add(given);
      bound.set(key, cell);
    }
    cell(value);
  };
}

/** What the callbacks of observables give now; counters never fall. */
export class Readings {
  readonly #now = new Map<Observable, Map<string, [Attributes, number]>>();
  readonly #totals = new Map<string, number>();

  apply({ instrument, readings }: Observing): void {
    const now = new Map<string, [Attributes, number]>();
    for (const [attributes, value] of readings) {
      const series = sortedText(attributes);
      const total = (this.#totals.get(series) ?? 0) + value;
      if (instrument === 'observed_counter') this.#totals.set(series, total);
      now.set(series, [attributes, instrument === 'observed_counter' ? total : value]);
    }
    this.#now.set(instrument, now);
  }

  of(instrument: Observable): readonly (readonly [Attributes, number])[] {
    return [...(this.#now.get(instrument)?.values() ?? [])];
  }

  register(meter: Meter): void {
    const callback =
      (instrument: Observable): ObservableCallback =>
      (result) => {
        for (const [attributes, value] of this.of(instrument)) result.observe(value, attributes);
      };
    meter.createObservableCounter('observed_counter').addCallback(callback('observed_counter'));
    meter.createObservableUpDownCounter('observed_up_down').addCallback(callback('observed_up_down'));
    meter.createObservableGauge('observed_gauge').addCallback(callback('observed_gauge'));
  }
}
