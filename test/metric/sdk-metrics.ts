import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type HrTime, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  type DataPoint,
  DataPointType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

export class PassiveReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** What the SDK collects of every kind, with times cut to whole milliseconds, which alone are exact as doubles. */
export async function collectSdk(): Promise<ResourceMetrics> {
  const reader = new PassiveReader();
  const boundaries = [0.1, 1, 10];
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ 'service.name': 'iris-gateway', 'process.pid': 42, tags: ['a', 'b'] }),
    views: [
      {
        instrumentName: 'latency',
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries } },
      },
      { instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
    ],
  });
  const serving = provider.getMeter('serving', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' });
  const requests = serving.createCounter('requests', {
    unit: '{request}',
    description: 'Requests – all of them',
    valueType: ValueType.INT,
  });
  requests.add(2 ** 40 + 3, { model: 'iris', version: 3, gpu: true, load: 0.25, sizes: [1, 2.5, -3] });
  requests.add(1);
  serving.createUpDownCounter('active').add(-2.5, { model: 'ирис 🌸' });
  serving.createUpDownCounter('queued', { valueType: ValueType.INT }).add(-7);
  const latency = serving.createHistogram('latency', { unit: 's' });
  for (const seconds of [0.05, 0.1, 5, 50]) latency.record(seconds, { model: 'iris' });
  const exponential = serving.createHistogram('exponential');
  for (const value of [3, 0, 0.001, 1e6]) exponential.record(value);
  const host = provider.getMeter('host');
  host.createGauge('temperature', { unit: 'Cel' }).record(36.6);
  host.createObservableGauge('limit').addCallback((result) => result.observe(Infinity, { cpu: 0 }));
  host.createObservableCounter('cpu.time').addCallback((result) => result.observe(12.5, { 'cpu.mode': 'user' }));
  const { resourceMetrics, errors } = await reader.collect();
  await provider.shutdown();
  assert.deepEqual(errors, []);
  const whole = ([seconds, nanoseconds]: HrTime): HrTime => [seconds, nanoseconds - (nanoseconds % 1e6)];
  for (const point of metricsOf(resourceMetrics).flatMap(({ dataPoints }): DataPoint<unknown>[] => dataPoints)) {
    Object.assign(point, { startTime: whole(point.startTime), endTime: whole(point.endTime) });
  }
  return resourceMetrics;
}

function metricsOf({ scopeMetrics }: ResourceMetrics): MetricData[] {
  return scopeMetrics.flatMap(({ metrics }) => metrics);
}

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true });

// The official serializer writes whole numbers in attributes as integers, which know no -0.
const wireDouble = fc.double().map((value) => (value === 0 ? 0 : value));
export const text = fc.string({ unit: 'grapheme' });
const attributes = fc.dictionary(
  fc.oneof(text, fc.constantFrom('__proto__', '7', '1000')),
  fc.oneof(text, fc.boolean(), fc.integer(), wireDouble, fc.array(text), fc.array(wireDouble)),
  { maxKeys: 5, noNullPrototype: true },
);
// Never 0: a histogram without time and count says nothing.
const hrTime = fc.tuple(
  fc.integer({ min: 1, max: 2 ** 34 - 1 }),
  fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1e6),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const counts = (minLength: number, maxLength = minLength): fc.Arbitrary<number[]> =>
  fc.array(fc.oneof(fc.maxSafeNat(), fc.nat(300)), { minLength, maxLength });
const known = fc.option(fc.double(), { nil: undefined });
const statistics = { sum: known, min: known, max: known };
const histogram = fc.uniqueArray(finite, { maxLength: 3, comparator: (a, b) => a === b }).chain((bounds) =>
  record({
    buckets: record({
      boundaries: fc.constant(bounds.toSorted((a, b) => a - b)),
      counts: counts(bounds.length + 1),
    }),
    count: fc.maxSafeNat(),
    ...statistics,
  }),
);
const exponentialBuckets = record({ offset: fc.integer(), bucketCounts: counts(0, 20) });
const exponentialHistogram = record({
  count: fc.maxSafeNat(),
  scale: fc.integer({ min: -10, max: 20 }),
  zeroCount: fc.maxSafeNat(),
  positive: exponentialBuckets,
  negative: exponentialBuckets,
  ...statistics,
});

function metric<Type extends DataPointType, Value>(
  dataPointType: Type,
  valueType: ValueType,
  value: fc.Arbitrary<Value>,
) {
  return record({
    descriptor: record({ name: text, description: text, unit: text, valueType: fc.constant(valueType) }),
    aggregationTemporality: fc.constantFrom(AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
    dataPointType: fc.constant(dataPointType),
    isMonotonic: fc.boolean(),
    dataPoints: fc.array(record({ startTime: hrTime, endTime: hrTime, attributes, value }), {
      minLength: 1,
      maxLength: 4,
    }),
  });
}

/** Any, as the SDK's types allow it. */
export const resourceMetrics: fc.Arbitrary<ResourceMetrics> = record({
  resource: attributes.map((of) => ({ ...resourceFromAttributes({}), attributes: of })),
  scopeMetrics: fc.array(
    record({
      scope: record({ name: text, version: fc.option(text, { nil: undefined }), schemaUrl: text }),
      metrics: fc.array(
        fc.oneof(
          metric(DataPointType.GAUGE, ValueType.DOUBLE, fc.double()),
          metric(DataPointType.GAUGE, ValueType.INT, fc.maxSafeInteger()),
          metric(DataPointType.SUM, ValueType.DOUBLE, fc.double()),
          metric(DataPointType.SUM, ValueType.INT, fc.maxSafeInteger()),
          metric(DataPointType.HISTOGRAM, ValueType.DOUBLE, histogram),
          metric(DataPointType.EXPONENTIAL_HISTOGRAM, ValueType.DOUBLE, exponentialHistogram),
        ),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
});
