import type { Attributes, Meter, MetricOptions, Observable } from '@opentelemetry/api';
import type { BindableMeter, BoundCounter, BoundRecorder } from '../instruments/index.ts';
import { attributesKey, type Observed } from './observed.ts';

/**
 * The SDK's meter with what it lacks: `bind`, which saves nothing here, and gauges that go up and down. It has no way to remove a
 * series, and knows neither limits nor expiry of single instruments. A summary becomes a histogram without bounds.
 */
export function createSdkMeter(meter: Meter, observed: Observed): BindableMeter {
  const observable = (name: string, created: Observable): Observable => watched({ name, created, observed });
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
        record: (...measurement) => histogram.record(...measurement),
        bind: (attributes): BoundRecorder => {
          const bound = { ...attributes };
          return { record: (value, context) => histogram.record(value, bound, context) };
        },
        remove: () => false,
      };
    },
    createObservableCounter: (name, options) => observable(name, meter.createObservableCounter(name, options)),
    createObservableUpDownCounter: (name, options) =>
      observable(name, meter.createObservableUpDownCounter(name, options)),
    createObservableGauge: (name, options) => observable(name, meter.createObservableGauge(name, options)),
    addBatchObservableCallback: (callback, observables) => meter.addBatchObservableCallback(callback, observables),
    removeBatchObservableCallback: (callback, observables) =>
      meter.removeBatchObservableCallback(callback, observables),
  };
}

function bindableAdder(adder: ReturnType<Meter['createUpDownCounter']>): ReturnType<BindableMeter['createCounter']> {
  return {
    // The SDK keeps the object that it is given.
    add: (value, attributes, context) => adder.add(value, { ...attributes }, context),
    bind: (attributes): BoundCounter => {
      const bound = { ...attributes };
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
  const record = (value: number, attributes: Attributes, ...rest: []): void => {
    const key = attributesKey(attributes);
    lasts.delete(key);
    lasts.set(key, value);
    const [oldest = ''] = lasts.keys();
    if (lasts.size > LASTS_MAX) lasts.delete(oldest);
    gauge.record(value, attributes, ...rest);
  };
  return {
    record: (value, attributes = {}) => record(value, { ...attributes }),
    bind: (attributes) => {
      const bound = { ...attributes };
      return {
        record: (value) => record(value, bound),
        add: (value) => record((lasts.get(attributesKey(bound)) ?? 0) + value, bound),
      };
    },
    remove: () => false,
  };
}

/** Notes what callbacks observe. */
function watched({ name, created, observed }: { name: string; created: Observable; observed: Observed }): Observable {
  observed.name(name);
  const wrappers = new WeakMap<object, Parameters<Observable['addCallback']>[0]>();
  const wrap = (callback: Parameters<Observable['addCallback']>[0]): typeof callback => {
    const wrapper: typeof callback =
      wrappers.get(callback) ??
      ((result) =>
        callback({
          observe: (value, attributes) => {
            observed.add(name, attributes);
            result.observe(value, attributes);
          },
        }));
    wrappers.set(callback, wrapper);
    return wrapper;
  };
  return {
    addCallback: (callback) => created.addCallback(wrap(callback)),
    removeCallback: (callback) => created.removeCallback(wrap(callback)),
  };
}
