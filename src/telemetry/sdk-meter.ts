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
        record: (value, attributes, context) => histogram.record(value, present(attributes), context),
        bind: (attributes): BoundRecorder => {
          const bound = present(attributes);
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
    add: (value, attributes, context) => adder.add(value, present(attributes), context),
    bind: (attributes): BoundCounter => {
      const bound = present(attributes);
      return { add: (value, context) => adder.add(value, bound, context) };
    },
    remove: () => false,
  };
}

/** A copy, since the SDK keeps the object that it is given; and to the SDK a key that has no value makes another series. */
function present(attributes: Attributes = {}): Attributes {
  const copy = { ...attributes };
  for (const key of Object.keys(copy)) {
    if (copy[key] === undefined || copy[key] === null) Reflect.deleteProperty(copy, key);
  }
  return copy;
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
