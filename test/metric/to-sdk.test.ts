import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import type { Exemplar, Metric, Snapshot } from '../../src/metric/model.ts';
import { toSdk } from '../../src/metric/to-sdk.ts';
import { collectSdk, PassiveReader, resourceMetrics } from './sdk-metrics.ts';

const there = (collected: ResourceMetrics): Snapshot => fromSdk(collected).snapshot;

/** What the official exporters make of it. */
function exported(collected: ResourceMetrics) {
  return {
    protobuf: Buffer.from(ProtobufMetricsSerializer.serializeRequest(collected) ?? []).toString('hex'),
    page: new PrometheusSerializer().serialize(collected),
  };
}

/** As `toSdk` says that it hands a collection back. */
function normalised({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return {
    resource: resourceFromAttributes(resource.attributes),
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
      scope: { name: scope.name, version: scope.version ?? '', schemaUrl: scope.schemaUrl ?? '' },
      metrics: metrics.map(normalisedMetric),
    })),
  };
}

function normalisedMetric(data: MetricData): MetricData {
  const { name, description, unit, valueType } = data.descriptor;
  const { aggregationTemporality } = data;
  const number = { descriptor: { name, description, unit, valueType }, aggregationTemporality };
  const other = { ...number, descriptor: { ...number.descriptor, valueType: ValueType.DOUBLE } };
  switch (data.dataPointType) {
    case DataPointType.SUM: {
      const { dataPointType, isMonotonic, dataPoints } = data;
      return { ...number, dataPointType, isMonotonic, dataPoints };
    }
    case DataPointType.GAUGE: {
      const { dataPointType, dataPoints } = data;
      return { ...number, aggregationTemporality: AggregationTemporality.CUMULATIVE, dataPointType, dataPoints };
    }
    case DataPointType.EXPONENTIAL_HISTOGRAM: {
      const { dataPointType, dataPoints } = data;
      return { ...other, dataPointType, dataPoints: dataPoints.map(withoutNaN) };
    }
    case DataPointType.HISTOGRAM: {
      const { dataPointType } = data;
      const blocks = Map.groupBy(data.dataPoints.map(withoutNaN), ({ value }) => value.buckets.boundaries.join());
      const dataPoints = [...blocks.values()].flatMap((block) => block.map((point) => withBounds(point, block[0])));
      return { ...other, dataPointType, dataPoints };
    }
  }
}

function withoutNaN<Value extends { sum?: number; min?: number; max?: number }>(point: DataPoint<Value>) {
  const known = (value = NaN) => (Number.isNaN(value) ? undefined : value);
  const { sum, min, max } = point.value;
  return { ...point, value: { ...point.value, sum: known(sum), min: known(min), max: known(max) } };
}

/** 0 and -0 are one bound. */
function withBounds(point: DataPoint<Histogram>, first = point): DataPoint<Histogram> {
  const { boundaries } = first.value.buckets;
  return { ...point, value: { ...point.value, buckets: { boundaries, counts: point.value.buckets.counts } } };
}

const columns = { attributes: [{ a: 1 }], startTimesMs: Float64Array.of(1000), timesMs: Float64Array.of(2000.5) };
const described = { name: 'm', description: 'd', unit: 's' };
const snapshotOf = (...metrics: Metric[]): Snapshot => ({
  resource: { 'service.name': 'iris' },
  scopes: [{ scope: { name: 'shop', version: '1', schemaUrl: 'u' }, metrics }],
});
const onlyMetric = ({ scopeMetrics }: ResourceMetrics): MetricData | undefined => scopeMetrics[0]?.metrics[0];

describe('toSdk', () => {
  it('gives a collection of the SDK back, and the exporters write it as they write the original', async () => {
    const collected = await collectSdk();
    const back = toSdk(there(collected));
    assert.deepEqual(exported(back), exported(collected));
    // The SDK has more in its descriptors than its types say.
    assert.deepEqual(back.scopeMetrics, normalised(collected).scopeMetrics);
    assert.deepEqual(back.resource.attributes, collected.resource.attributes);
  });

  it('gives any collection back, and the exporters write it as they write the original', () => {
    fc.assert(
      fc.property(resourceMetrics.map(normalised), (collected) => {
        const back = toSdk(there(collected));
        assert.deepEqual(back.scopeMetrics, collected.scopeMetrics);
        // By entries, because the SDK's resource takes __proto__ for the prototype of its attributes.
        assert.deepEqual(Object.entries(back.resource.attributes), Object.entries(collected.resource.attributes));
        assert.deepEqual(exported(back), exported(collected));
      }),
    );
  });

  it('is undone by fromSdk', () => {
    fc.assert(
      fc.property(resourceMetrics, (collected) => {
        const snapshot = there(collected);
        const { snapshot: back, unsupported } = fromSdk(toSdk(snapshot, collected.resource));
        assert.deepEqual(back, snapshot);
        assert.deepEqual(unsupported, []);
      }),
    );
  });

  it('has times to the nanosecond, so that those since 1971 come back as they were', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** 35, max: 2 ** 43, noNaN: true }), (ms) => {
        const points = { ...columns, timesMs: Float64Array.of(ms), values: Float64Array.of(1) };
        const collected = toSdk(snapshotOf({ ...described, kind: 'gauge', points }));
        const [seconds = NaN, nanoseconds = NaN] = onlyMetric(collected)?.dataPoints[0]?.endTime ?? [];
        assert.ok(Number.isInteger(seconds) && Number.isInteger(nanoseconds) && nanoseconds < 1e9);
        const [metric] = there(collected).scopes[0]?.metrics ?? [];
        assert.deepEqual(metric?.kind === 'gauge' && metric.points.timesMs, Float64Array.of(ms));
      }),
      { numRuns: 1000 },
    );
  });

  it('hands attributes on by reference', () => {
    const points = { ...columns, values: Float64Array.of(1) };
    const collected = toSdk(snapshotOf({ ...described, kind: 'gauge', points }));
    assert.equal(onlyMetric(collected)?.dataPoints[0]?.attributes, columns.attributes[0]);
  });

  it('makes the resource of the snapshot, or takes the one that it is given', () => {
    const snapshot = snapshotOf();
    assert.deepEqual(toSdk(snapshot).resource.attributes, { 'service.name': 'iris' });
    const resource = resourceFromAttributes({ a: 'b' }, { schemaUrl: 'u' });
    assert.equal(toSdk(snapshot, resource).resource, resource);
  });

  it('makes a cumulative histogram of one bucket of a summary', () => {
    const summary: Metric = {
      ...described,
      kind: 'summary',
      points: [
        {
          ...columns,
          counts: Float64Array.of(3),
          sums: Float64Array.of(7.5),
          quantiles: [0.5],
          quantileValues: Float64Array.of(2),
        },
        {
          ...columns,
          counts: Float64Array.of(1),
          sums: Float64Array.of(NaN),
          quantiles: [],
          quantileValues: columns.timesMs,
        },
      ],
    };
    const collected = toSdk(snapshotOf(summary));
    const metric = onlyMetric(collected);
    assert.equal(metric?.aggregationTemporality, AggregationTemporality.CUMULATIVE);
    assert.equal(metric.dataPointType, DataPointType.HISTOGRAM);
    assert.deepEqual(
      metric.dataPoints.map(({ value }) => value),
      [
        { buckets: { boundaries: [], counts: [3] }, count: 3, sum: 7.5 },
        { buckets: { boundaries: [], counts: [1] }, count: 1, sum: undefined },
      ],
    );
    assert.match(exported(collected).page, /^m_bucket\{.*le="\+Inf"\} 3$/m);
  });

  it('adds exemplars to the points that have any, which the exporters do not look at', () => {
    const exemplar: Exemplar = {
      value: 1,
      timeMs: 1500,
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      attributes: { user: 7 },
    };
    const bare: Exemplar = { value: 5, timeMs: 0, traceId: '', spanId: '' };
    const histogram = {
      ...columns,
      bounds: [2, 3],
      bucketCounts: Float64Array.of(1, 0, 1),
      counts: Float64Array.of(2),
      sums: Float64Array.of(6),
    };
    const buckets = { offset: 0, counts: Float64Array.of(1) };
    const exponential = { scale: 0, count: 2, sum: 3, min: 1, max: 2, zeroCount: 0, zeroThreshold: 1e-9 };
    const snapshot = (exemplars: boolean): Snapshot =>
      snapshotOf(
        {
          ...described,
          kind: 'sum',
          monotonic: true,
          temporality: 'cumulative',
          points: {
            attributes: [{}, {}],
            startTimesMs: Float64Array.of(0, 0),
            timesMs: Float64Array.of(1, 1),
            values: Float64Array.of(1, 2),
            ...(exemplars ? { exemplars: [undefined, bare] } : {}),
          },
        },
        {
          ...described,
          name: 'h',
          kind: 'histogram',
          temporality: 'delta',
          points: [
            {
              ...histogram,
              lasts: Float64Array.of(1),
              ...(exemplars ? { exemplars: [exemplar, undefined, bare] } : {}),
            },
          ],
        },
        {
          ...described,
          name: 'e',
          kind: 'exponential_histogram',
          temporality: 'delta',
          points: {
            ...columns,
            histograms: [{ ...exponential, positive: buckets, negative: buckets }],
            ...(exemplars ? { exemplars: [[exemplar]] } : {}),
          },
        },
      );
    const collected = toSdk(snapshot(true));
    const full = {
      filteredAttributes: { user: 7 },
      value: 1,
      timestamp: [1, 500_000_000],
      spanId: 'b'.repeat(16),
      traceId: 'a'.repeat(32),
    };
    const plain = { filteredAttributes: {}, value: 5, timestamp: [0, 0] };
    const points = collected.scopeMetrics[0]?.metrics.flatMap(({ dataPoints }): object[] => dataPoints);
    assert.deepEqual(
      points?.map((point) => 'exemplars' in point && point.exemplars),
      [false, [plain], [full, plain], [full]],
    );
    const without = toSdk(snapshot(false));
    assert.deepEqual(exported(collected), exported(without));
    assert.deepEqual(
      JsonMetricsSerializer.serializeRequest(collected),
      JsonMetricsSerializer.serializeRequest(without),
    );
  });

  it('is what a MetricProducer may hand to a reader of the SDK', async () => {
    const collected = toSdk(there(await collectSdk()));
    const producer = { collect: () => Promise.resolve({ resourceMetrics: collected, errors: [] }) };
    const reader = new PassiveReader({ metricProducers: [producer] });
    const provider = new MeterProvider({ readers: [reader], resource: collected.resource });
    const { resourceMetrics: read, errors } = await reader.collect();
    await provider.shutdown();
    assert.deepEqual(errors, []);
    assert.deepEqual(exported(read), exported(collected));
  });
});
