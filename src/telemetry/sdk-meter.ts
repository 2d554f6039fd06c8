import type { Attributes, Meter, MetricOptions } from '@opentelemetry/api';
import type { BindableMeter, BoundCounter, BoundRecorder } from '../instruments/index.ts';
import { attributesKey, present } from './sdk-attributes.ts';
import { createSdkObservables, type SdkObservablesOptions } from './sdk-observables.ts';

/**
 * The SDK's meter with what it lacks: `bind`, which saves nothing here, and gauges that go up and down. It has no way to remove a
 * series, and knows neither limits nor expiry of single instruments. A summary becomes a histogram without bounds.
 */
export function createSdkMeter(options: SdkObservablesOptions): BindableMeter {
  const { meter } = options;
  const observables = createSdkObservables(options);
  return {
    createCounter: (name, options) => bindableAdder(meter.createCounter(name, options)),
    createUpDownCounter: (name, options) => bindableAdder(meter.createUpDownCounter(name, options)),
    createGauge: (name, options) => bindableGauge(meter, name, options),
    createHistogram: (name, { aggregation = 'explicit_bucket_histogram', ...options } = {}) => {
      if (aggregation === 'base2_exponential_bucket_histogram') {
        throw new Error(`${name}: the engine sdk takes ${aggregation} from views only`);
      }
      const advice = aggregation === 'summary' ? { explicitBucketBoundaries: [] } : options.advice;
      const histogram = meter.createHistogram(name, { ...options, ...(advice === undefined ? {} : { advice }) });
      return {
        record: (value, attributes, context) => histogram.record(value, present(attributes), context),
        bind: (attributes): BoundRecorder => {
          const bound = present(attributes);
          return { record: (value, context) => histogram.record(value, bound, context) };
        },
        remove: () => false,
      };
    },
    createObservableCounter: (name, options) => observables.wrap(name, meter.createObservableCounter(name, options)),
    createObservableUpDownCounter: (name, options) =>
      observables.wrap(name, meter.createObservableUpDownCounter(name, options)),
    createObservableGauge: (name, options) => observables.wrap(name, meter.createObservableGauge(name, options)),
    addBatchObservableCallback: (callback, of) => observables.addBatch(callback, of),
    removeBatchObservableCallback: (callback, of) => observables.removeBatch(callback, of),
  };
}

function bindableAdder(adder: ReturnType<Meter['createUpDownCounter']>): ReturnType<BindableMeter['createCounter']> {
  return {
    add: (value, attributes, context) => adder.add(value, present(attributes), context),
    bind: (attributes): BoundCounter => {
      const bound = present(attributes);
      return { add: (value, context) => adder.add(value, bound, context) };
    },
    remove: () => false,
  };
}

/** Sets of one gauge of which the last value is remembered; those set longest ago are forgotten, and count from 0 again. */
const LASTS_MAX = 2_000;

function bindableGauge(meter: Meter, name: string, options?: MetricOptions): ReturnType<BindableMeter['createGauge']> {
  const gauge = meter.createGauge(name, options);
  const lasts = new Map<string, number>();
  const record = (value: number, attributes: Attributes): void => {
    gauge.record(value, attributes);
    if (typeof value !== 'number') return; // The SDK has left it out.
    const key = attributesKey(attributes);
    lasts.delete(key);
    lasts.set(key, value);
    const [oldest = ''] = lasts.keys();
    if (lasts.size > LASTS_MAX) lasts.delete(oldest);
  };
  return {
    record: (value, attributes) => record(value, present(attributes)),
    bind: (attributes) => {
      const bound = present(attributes);
      return {
        record: (value) => record(value, bound),
        add: (value) => {
          // Anything else would stay in the value, whatever is added later.
          if (Number.isFinite(value)) record((lasts.get(attributesKey(bound)) ?? 0) + value, bound);
        },
      };
    },
    remove: () => false,
  };
}
