import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  MeterProvider,
  type HistogramMetricData,
  type MetricData,
  type MetricReaderOptions,
  type ResourceMetrics,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import type { Metric } from '../../src/metric/model.ts';
import { countPoints } from '../support/count-points.ts';
import { PassiveReader } from './sdk-metrics.ts';

function createSdk(options: { reader?: MetricReaderOptions; views?: ViewOptions[] } = {}) {
  const reader = new PassiveReader(options.reader);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'iris', replicas: 2 }),
    readers: [reader],
    views: options.views ?? [],
  });
  const collect = async () => fromSdk((await reader.collect()).resourceMetrics);
  return { meter: provider.getMeter('shop', '1.2', { schemaUrl: 'https://example.org/1' }), collect };
}

/** The first metric, which must be of the kind. */
function only<K extends Metric['kind']>(metric: Metric | undefined, kind: K): Extract<Metric, { kind: K }> {
  assert.equal(metric?.kind, kind);
  return metric as Extract<Metric, { kind: K }>;
}

const foreignSummary = {
  descriptor: { name: 'latency', description: '', unit: 's', valueType: ValueType.DOUBLE },
  aggregationTemporality: AggregationTemporality.CUMULATIVE,
  dataPointType: 4,
  dataPoints: [],
} as unknown as MetricData;

describe('fromSdk', () => {
  it('keeps the resource and the scope', async () => {
    const { meter, collect } = createSdk();
    meter.createCounter('sold').add(1);
    const { snapshot, unsupported } = await collect();

    assert.deepEqual(snapshot.resource, { 'service.name': 'iris', replicas: 2 });
    assert.deepEqual(
      snapshot.scopes.map(({ scope }) => scope),
      [{ name: 'shop', version: '1.2', schemaUrl: 'https://example.org/1' }],
    );
    assert.equal(countPoints(snapshot), 1);
    assert.deepEqual(unsupported, []);
  });

  it('turns counters, up-down counters and gauges into columns', async () => {
    const { meter, collect } = createSdk();
    const sold = meter.createCounter('sold', { unit: '{item}', description: 'Items sold' });
    sold.add(2, { kind: 'tea' });
    sold.add(3, { kind: 'milk' });
    sold.add(4, { kind: 'tea' });
    meter.createUpDownCounter('queued').add(-7);
    meter.createGauge('level', { unit: '1' }).record(0.25);
    const { snapshot } = await collect();
    const [first, second, third] = snapshot.scopes[0]?.metrics ?? [];

    const counter = only(first, 'sum');
    assert.deepEqual(
      [counter.name, counter.unit, counter.description, counter.monotonic, counter.temporality],
      ['sold', '{item}', 'Items sold', true, 'cumulative'],
    );
    assert.deepEqual(counter.points.attributes, [{ kind: 'tea' }, { kind: 'milk' }]);
    assert.deepEqual([...counter.points.values], [6, 3]);

    const upDown = only(second, 'sum');
    assert.equal(upDown.monotonic, false);
    assert.deepEqual([...upDown.points.values], [-7]);

    assert.deepEqual([...only(third, 'gauge').points.values], [0.25]);
  });

  it('turns histograms into one block of columns per set of bounds', async () => {
    const { meter, collect } = createSdk();
    const size = meter.createHistogram('size', { advice: { explicitBucketBoundaries: [1, 10] } });
    for (const value of [0, 1, 5, 100]) size.record(value, { shelf: 'a' });
    size.record(10, { shelf: 'b' });
    const { snapshot } = await collect();

    const { points } = only(snapshot.scopes[0]?.metrics[0], 'histogram');
    assert.equal(points.length, 1);
    assert.deepEqual(points[0]?.bounds, [1, 10]);
    assert.deepEqual([...points[0].bucketCounts], [2, 1, 1, 0, 1, 0]);
    assert.deepEqual([...points[0].counts], [4, 1]);
    assert.deepEqual([...points[0].sums], [106, 10]);
    assert.deepEqual([...(points[0].mins ?? [])], [0, 10]);
    assert.deepEqual([...(points[0].maxs ?? [])], [100, 10]);
  });

  it('says delta where the reader asked for it', async () => {
    const { meter, collect } = createSdk({
      reader: { aggregationTemporalitySelector: () => AggregationTemporality.DELTA },
    });
    meter.createCounter('sold').add(1);
    const { snapshot } = await collect();
    assert.equal(only(snapshot.scopes[0]?.metrics[0], 'sum').temporality, 'delta');
  });

  it('turns exponential histograms into one object per row', async () => {
    const { meter, collect } = createSdk({
      views: [{ instrumentName: 'wait', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    const wait = meter.createHistogram('wait', { unit: 's' });
    for (const value of [1, 4, 0]) wait.record(value, { shelf: 'a' });
    wait.record(2, { shelf: 'b' });
    const { snapshot, unsupported } = await collect();

    assert.deepEqual(unsupported, []);
    const { temporality, points } = only(snapshot.scopes[0]?.metrics[0], 'exponential_histogram');
    assert.equal(temporality, 'cumulative');
    assert.deepEqual(points.attributes, [{ shelf: 'a' }, { shelf: 'b' }]);
    const [first, second] = points.histograms;
    assert.ok(first && second);
    const { scale, positive, ...rest } = first;
    const negative = { offset: 0, counts: new Float64Array(0) };
    assert.deepEqual(rest, { count: 3, sum: 5, min: 0, max: 4, zeroCount: 1, zeroThreshold: 0, negative });
    // Of 2 ** (2 ** -scale), with its upper bound in the bucket: 1 is in bucket -1, 4 in 2 * 2 ** scale - 1.
    assert.equal(positive.offset, -1);
    assert.equal(positive.counts.length, 2 * 2 ** scale + 1);
    assert.deepEqual([positive.counts.at(0), positive.counts.at(-1)], [1, 1]);
    assert.deepEqual([second.count, second.min, second.max], [1, 2, 2]);
  });

  it('knows which instruments take integers', async () => {
    const { meter, collect } = createSdk();
    meter.createCounter('sold', { valueType: ValueType.INT }).add(1);
    meter.createGauge('level', { valueType: ValueType.INT }).record(1);
    meter.createUpDownCounter('queued').add(1);
    const { snapshot } = await collect();
    assert.deepEqual(
      snapshot.scopes[0]?.metrics.map((metric) => 'integer' in metric && metric.integer),
      [true, true, false],
    );
  });

  it('leaves out by name what a foreign producer hands on as a kind of its own', async () => {
    const { meter, collect } = createSdk({
      reader: {
        metricProducers: [
          {
            collect: () =>
              Promise.resolve({
                resourceMetrics: {
                  resource: resourceFromAttributes({}),
                  scopeMetrics: [{ scope: { name: 'foreign' }, metrics: [foreignSummary] }],
                },
                errors: [],
              }),
          },
        ],
      },
    });
    meter.createCounter('sold').add(1);
    const { snapshot, unsupported } = await collect();
    assert.deepEqual(unsupported, ['latency']);
    assert.deepEqual(
      snapshot.scopes.map(({ metrics }) => metrics.map(({ name }) => name)),
      [['sold'], []],
    );
  });

  it('groups rows by equal bounds, converts times to milliseconds, and marks what is not known', () => {
    const point = (row: { shelf: string; boundaries: number[]; counts: number[]; sum?: number; min?: number }) => ({
      attributes: { shelf: row.shelf },
      startTime: [1, 500_000_000] as [number, number],
      endTime: [2, 250_000] as [number, number],
      value: {
        buckets: { boundaries: row.boundaries, counts: row.counts },
        count: row.counts.reduce((total, count) => total + count, 0),
        ...(row.sum === undefined ? {} : { sum: row.sum }),
        min: row.min,
      },
    });
    const metric: HistogramMetricData = {
      descriptor: { name: 'size', description: '', unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [
        point({ shelf: 'a', boundaries: [1], counts: [1, 0], sum: 0.5 }),
        point({ shelf: 'b', boundaries: [2, 3], counts: [0, 1, 1], sum: 7 }),
        point({ shelf: 'c', boundaries: [1], counts: [2, 2], min: -1 }),
      ],
    };
    const collected: ResourceMetrics = {
      resource: resourceFromAttributes({}),
      scopeMetrics: [{ scope: { name: 'shop' }, metrics: [metric] }],
    };
    const { snapshot } = fromSdk(collected);

    assert.deepEqual(snapshot.scopes[0]?.scope, { name: 'shop', version: '', schemaUrl: '' });
    const { points } = only(snapshot.scopes[0].metrics[0], 'histogram');
    assert.deepEqual(
      points.map(({ bounds, attributes, bucketCounts, sums }) => ({
        bounds,
        attributes,
        bucketCounts: [...bucketCounts],
        sums: [...sums],
      })),
      [
        { bounds: [1], attributes: [{ shelf: 'a' }, { shelf: 'c' }], bucketCounts: [1, 0, 2, 2], sums: [0.5, NaN] },
        { bounds: [2, 3], attributes: [{ shelf: 'b' }], bucketCounts: [0, 1, 1], sums: [7] },
      ],
    );
    assert.deepEqual(
      points.map(({ mins, maxs }) => ({ mins, maxs })),
      [
        { mins: Float64Array.of(NaN, -1), maxs: undefined },
        { mins: undefined, maxs: undefined },
      ],
    );
    assert.deepEqual([...(points[0]?.startTimesMs ?? [])], [1500, 1500]);
    assert.deepEqual([...(points[0]?.timesMs ?? [])], [2000.25, 2000.25]);
  });
});
