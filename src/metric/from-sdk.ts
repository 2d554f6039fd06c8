import { ValueType } from '@opentelemetry/api';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type ExponentialHistogram as SdkExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type {
  Attributes,
  ExponentialHistogram,
  HistogramPoints,
  Metric,
  NumberPoints,
  ScopeMetrics,
  Snapshot,
  Temporality,
} from './model.ts';
import { sameBounds } from './rebucket.ts';

export interface Converted {
  readonly snapshot: Snapshot;
  /** Names of the metrics left out because they are of a kind that the SDK itself does not have, in order. */
  readonly unsupported: readonly string[];
}

/**
 * A collection of the official SDK as a snapshot. Values are copied; attribute objects are handed on by reference, as the SDK
 * itself does. `to-sdk.ts` is the way back.
 */
export function fromSdk({ resource, scopeMetrics }: ResourceMetrics): Converted {
  const unsupported: string[] = [];
  const scopes: ScopeMetrics[] = scopeMetrics.map(({ scope, metrics }) => ({
    scope: { name: scope.name, version: scope.version ?? '', schemaUrl: scope.schemaUrl ?? '' },
    metrics: metrics.flatMap((data) => {
      const metric = toMetric(data);
      if (metric === undefined) unsupported.push(data.descriptor.name);
      return metric ?? [];
    }),
  }));
  return { snapshot: { resource: resource.attributes as Attributes, scopes }, unsupported };
}

function toMetric(data: MetricData): Metric | undefined {
  const { name, description, unit, valueType } = data.descriptor;
  const described = { name, description, unit };
  const integer = valueType === ValueType.INT;
  switch (data.dataPointType) {
    case DataPointType.SUM:
      return {
        ...described,
        kind: 'sum',
        monotonic: data.isMonotonic,
        integer,
        temporality: toTemporality(data.aggregationTemporality),
        points: toNumberPoints(data.dataPoints),
      };
    case DataPointType.GAUGE:
      return { ...described, kind: 'gauge', integer, points: toNumberPoints(data.dataPoints) };
    case DataPointType.HISTOGRAM:
      return {
        ...described,
        kind: 'histogram',
        temporality: toTemporality(data.aggregationTemporality),
        points: groupByBounds(data.dataPoints).map(toHistogramPoints),
      };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return {
        ...described,
        kind: 'exponential_histogram',
        temporality: toTemporality(data.aggregationTemporality),
        points: {
          ...toColumns(data.dataPoints),
          histograms: data.dataPoints.map(({ value }) => toExponentialHistogram(value)),
        },
      };
    default: // A foreign MetricProducer may hand on kinds that the SDK's types do not know.
      return undefined;
  }
}

function toTemporality(temporality: AggregationTemporality): Temporality {
  return temporality === AggregationTemporality.CUMULATIVE ? 'cumulative' : 'delta';
}

function toColumns(points: readonly DataPoint<unknown>[]) {
  return {
    // The API's AnyValue is wider (maps, bytes); encoders write whatever JSON can say.
    attributes: points.map(({ attributes }) => attributes as Attributes),
    startTimesMs: Float64Array.from(points, ({ startTime }) => hrTimeToMilliseconds(startTime)),
    timesMs: Float64Array.from(points, ({ endTime }) => hrTimeToMilliseconds(endTime)),
  };
}

function toNumberPoints(points: readonly DataPoint<number>[]): NumberPoints {
  return { ...toColumns(points), values: Float64Array.from(points, ({ value }) => value) };
}

interface BoundsGroup {
  readonly bounds: readonly number[];
  readonly points: DataPoint<Histogram>[];
}

/** Linear in the number of different bounds, of which a metric has one, or a few after a change of views. */
function groupByBounds(points: readonly DataPoint<Histogram>[]): BoundsGroup[] {
  const groups: BoundsGroup[] = [];
  for (const point of points) {
    const bounds = point.value.buckets.boundaries;
    const group = groups.find((candidate) => sameBounds(candidate.bounds, bounds));
    if (group) group.points.push(point);
    else groups.push({ bounds, points: [point] });
  }
  return groups;
}

function toHistogramPoints({ bounds, points }: BoundsGroup): HistogramPoints {
  const width = bounds.length + 1;
  const bucketCounts = new Float64Array(points.length * width);
  for (const [row, { value }] of points.entries()) {
    bucketCounts.set(value.buckets.counts.slice(0, width), row * width);
  }
  const mins = Float64Array.from(points, ({ value }) => value.min ?? NaN);
  const maxs = Float64Array.from(points, ({ value }) => value.max ?? NaN);
  return {
    ...toColumns(points),
    bounds: [...bounds],
    bucketCounts,
    counts: Float64Array.from(points, ({ value }) => value.count),
    sums: Float64Array.from(points, ({ value }) => value.sum ?? NaN),
    ...(mins.every(Number.isNaN) ? {} : { mins }),
    ...(maxs.every(Number.isNaN) ? {} : { maxs }),
  };
}

function toExponentialHistogram(value: SdkExponentialHistogram): ExponentialHistogram {
  const { scale, count, sum = NaN, min = NaN, max = NaN, zeroCount, positive, negative } = value;
  return {
    scale,
    count,
    sum,
    min,
    max,
    zeroCount,
    zeroThreshold: 0,
    positive: { offset: positive.offset, counts: Float64Array.from(positive.bucketCounts) },
    negative: { offset: negative.offset, counts: Float64Array.from(negative.bucketCounts) },
  };
}
