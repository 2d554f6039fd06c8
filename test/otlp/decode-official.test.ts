import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type HrTime, ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
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
import { fromSdk } from '../../src/metric/from-sdk.ts';
import { countPoints } from '../support/count-points.ts';
import { decodeExportMetricsRequest, encodeExportMetricsResponse } from '../../src/otlp/decode.ts';
import { ProtobufError } from '../../src/otlp/protobuf-reader.ts';

class PassiveReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** With times cut to whole milliseconds, which alone are exact as doubles. */
async function collection(): Promise<ResourceMetrics> {
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
  serving.createHistogram('exponential').record(3);
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

function serialized(resourceMetrics: ResourceMetrics): Uint8Array {
  const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
  assert.ok(bytes);
  return bytes;
}

test('what a MeterProvider collected comes back with every scope, metric, attribute and value', async () => {
  const sent = await collection();
  const { snapshots, unsupported } = decodeExportMetricsRequest(serialized(sent));
  assert.deepEqual({ snapshot: snapshots[0], unsupported }, fromSdk(sent));
  assert.deepEqual(unsupported, ['exponential']);
  assert.deepEqual(snapshots.map(countPoints), [8]);
});

// The official serializer writes whole numbers in attributes as integers, which know no -0.
const wireDouble = fc.double().map((value) => (value === 0 ? 0 : value));
const text = fc.string({ unit: 'grapheme' });
const attributes = fc.dictionary(
  fc.oneof(text, fc.constantFrom('__proto__', '7', '1000')),
  fc.oneof(text, fc.boolean(), fc.integer(), wireDouble, fc.array(text), fc.array(wireDouble)),
  { maxKeys: 5, noNullPrototype: true },
);
const hrTime = fc.tuple(
  fc.integer({ min: 0, max: 2 ** 34 - 1 }),
  fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1e6),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const counts = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.maxSafeNat(), { minLength: length, maxLength: length });
const histogram = fc.uniqueArray(finite, { maxLength: 3, comparator: (a, b) => a === b }).chain((bounds) =>
  fc.record({
    buckets: fc.record({
      boundaries: fc.constant(bounds.toSorted((a, b) => a - b)),
      counts: counts(bounds.length + 1),
    }),
    count: fc.maxSafeNat(),
    sum: fc.option(fc.double(), { nil: undefined }),
    min: fc.option(fc.double(), { nil: undefined }),
    max: fc.option(fc.double(), { nil: undefined }),
  }),
);
const exponentialHistogram = fc.record({
  count: fc.maxSafeNat(),
  scale: fc.integer({ min: -10, max: 20 }),
  zeroCount: fc.maxSafeNat(),
  positive: fc.record({ offset: fc.integer({ min: -100, max: 100 }), bucketCounts: counts(3) }),
  negative: fc.record({ offset: fc.integer({ min: -100, max: 100 }), bucketCounts: counts(0) }),
});

function metric<Type extends DataPointType, Value>(
  dataPointType: Type,
  valueType: ValueType,
  value: fc.Arbitrary<Value>,
) {
  return fc.record({
    descriptor: fc.record({ name: text, description: text, unit: text, valueType: fc.constant(valueType) }),
    aggregationTemporality: fc.constantFrom(AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
    dataPointType: fc.constant(dataPointType),
    isMonotonic: fc.boolean(),
    dataPoints: fc.array(fc.record({ startTime: hrTime, endTime: hrTime, attributes, value }), {
      minLength: 1,
      maxLength: 4,
    }),
  });
}

const resourceMetrics: fc.Arbitrary<ResourceMetrics> = fc.record({
  resource: attributes.map((of) => ({ ...resourceFromAttributes({}), attributes: of })),
  scopeMetrics: fc.array(
    fc.record({
      scope: fc.record({ name: text, version: fc.option(text, { nil: undefined }), schemaUrl: text }),
      metrics: fc.array(
        fc.oneof(
          metric(DataPointType.GAUGE, ValueType.DOUBLE, fc.double()),
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

test('any metrics come back from the official serializer as they were', () => {
  fc.assert(
    fc.property(resourceMetrics, (sent) => {
      const { snapshots, unsupported } = decodeExportMetricsRequest(serialized(sent));
      assert.deepEqual({ snapshot: snapshots[0], unsupported }, fromSdk(sent));
    }),
  );
});

test('a message that is cut off anywhere, or has any byte changed, decodes or throws a ProtobufError within it', async () => {
  const bytes = serialized(await collection());
  const decodesOrSaysWhere = (mutilated: Uint8Array): void => {
    try {
      decodeExportMetricsRequest(mutilated);
    } catch (error) {
      assert.ok(error instanceof ProtobufError, String(error));
      assert.ok(error.offset >= 0 && error.offset <= mutilated.length);
    }
  };
  for (let i = 0; i < bytes.length; i++) {
    decodesOrSaysWhere(bytes.subarray(0, i));
    for (const byte of [0, 1, 0x7f, 0x80, 0xff, ((bytes[i] ?? 0) + 1) % 256]) decodesOrSaysWhere(bytes.with(i, byte));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodesOrSaysWhere));
});

test('the official deserializer reads our responses', () => {
  assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(encodeExportMetricsResponse()), {});
  const partial = fc.record({ rejectedDataPoints: fc.maxSafeNat(), errorMessage: text }, { noNullPrototype: true });
  fc.assert(
    fc.property(partial, (partialSuccess) => {
      const bytes = encodeExportMetricsResponse(partialSuccess);
      assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(bytes), { partialSuccess });
    }),
  );
});
