import { ValueType, type Attributes as SdkAttributes } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
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
  Exemplar,
  ExponentialHistogram,
  ExponentialHistogramPoints,
  HistogramPoints,
  Metric,
  NumberPoints,
  Snapshot,
  SummaryPoints,
  Temporality,
} from './model.ts';

/**
 * A snapshot as the official SDK would have collected it, for its exporters and for a `MetricProducer`. Attribute objects, except the
 * resource's, are handed on by reference, times are rounded to nanoseconds, and what is NaN because it is not known is undefined.
 *
 * `fromSdk` gives back the same, but for what the SDK has no place for: a summary becomes a cumulative histogram of one bucket, which
 * holds its count, and loses its quantiles; the last values of histograms and the zero thresholds of exponential ones are lost, and so
 * are attributes of the resource that have no key or are an array of mixed types. Exemplars are on the data points as `exemplars`, in
 * the shape that the SDK once had for them; the exporters of today do not look at it, nor does `fromSdk`.
 *
 * The other way round, a snapshot does not hold what no exporter writes: a gauge comes back cumulative, the descriptor of a histogram
 * with `ValueType.DOUBLE`, and the points of a histogram that has several sets of bounds come back set by set.
 *
 * @param resource instead of one made of the snapshot's resource: made once, or with a schema URL, which a snapshot does not have.
 */
export function toSdk(
  { resource: attributes, scopes }: Snapshot,
  resource: Resource = resourceFromAttributes(attributes),
): ResourceMetrics {
  const scopeMetrics = scopes.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(toMetricData) }));
  return { resource, scopeMetrics };
}

function toMetricData(metric: Metric): MetricData {
  const { name, description, unit } = metric;
  const integer = 'integer' in metric && metric.integer === true;
  const data = {
    descriptor: { name, description, unit, valueType: integer ? ValueType.INT : ValueType.DOUBLE },
    aggregationTemporality: toAggregationTemporality('temporality' in metric ? metric.temporality : 'cumulative'),
  };
  switch (metric.kind) {
    case 'sum': {
      const dataPoints = toNumberPoints(metric.points);
      return { ...data, dataPointType: DataPointType.SUM, isMonotonic: metric.monotonic, dataPoints };
    }
    case 'gauge':
      return { ...data, dataPointType: DataPointType.GAUGE, dataPoints: toNumberPoints(metric.points) };
    case 'histogram':
      return { ...data, dataPointType: DataPointType.HISTOGRAM, dataPoints: metric.points.flatMap(toHistogramPoints) };
    case 'summary':
      return { ...data, dataPointType: DataPointType.HISTOGRAM, dataPoints: metric.points.flatMap(toCountPoints) };
    case 'exponential_histogram': {
      const dataPoints = toExponentialHistogramPoints(metric.points);
      return { ...data, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints };
    }
  }
}

function toAggregationTemporality(temporality: Temporality): AggregationTemporality {
  return temporality === 'cumulative' ? AggregationTemporality.CUMULATIVE : AggregationTemporality.DELTA;
}

type Columns = Pick<NumberPoints, 'attributes' | 'startTimesMs' | 'timesMs'>;
type ExemplarsOf = (row: number) => readonly (Exemplar | undefined)[];

function toDataPoints<Value>(
  columns: Columns,
  values: ArrayLike<Value>,
  exemplarsOf?: ExemplarsOf,
): DataPoint<Value>[] {
  return Array.from(values, (value, row) => {
    const point = {
      attributes: (columns.attributes[row] ?? {}) as SdkAttributes,
      startTime: millisToHrTime(columns.startTimesMs[row] ?? 0),
      endTime: millisToHrTime(columns.timesMs[row] ?? 0),
      value,
    };
    const exemplars = exemplarsOf?.(row).filter((exemplar) => exemplar !== undefined) ?? [];
    return exemplars.length === 0 ? point : { ...point, exemplars: exemplars.map(toSdkExemplar) };
  });
}

function toSdkExemplar({ value, timeMs, traceId, spanId, attributes = {} }: Exemplar) {
  return {
    filteredAttributes: attributes,
    value,
    timestamp: millisToHrTime(timeMs),
    ...(spanId === '' ? {} : { spanId }),
    ...(traceId === '' ? {} : { traceId }),
  };
}

function toNumberPoints(points: NumberPoints): DataPoint<number>[] {
  const { values, exemplars } = points;
  return toDataPoints(points, values, exemplars && ((row) => [exemplars[row]]));
}

function toHistogramPoints(points: HistogramPoints): DataPoint<Histogram>[] {
  const { bounds, bucketCounts, counts, sums, mins, maxs, exemplars } = points;
  const boundaries = [...bounds];
  const width = bounds.length + 1;
  const values = Array.from(counts, (count, row) => ({
    buckets: { boundaries, counts: [...bucketCounts.subarray(row * width, (row + 1) * width)] },
    count,
    sum: known(sums[row]),
    min: known(mins?.[row]),
    max: known(maxs?.[row]),
  }));
  return toDataPoints(points, values, exemplars && ((row) => exemplars.slice(row * width, (row + 1) * width)));
}

function toCountPoints(points: SummaryPoints): DataPoint<Histogram>[] {
  const values = Array.from(points.counts, (count, row) => ({
    buckets: { boundaries: [], counts: [count] },
    count,
    sum: known(points.sums[row]),
  }));
  return toDataPoints(points, values);
}

function toExponentialHistogramPoints(points: ExponentialHistogramPoints): DataPoint<SdkExponentialHistogram>[] {
  const { histograms, exemplars } = points;
  return toDataPoints(points, histograms.map(toExponentialHistogram), exemplars && ((row) => exemplars[row] ?? []));
}

function toExponentialHistogram(histogram: ExponentialHistogram): SdkExponentialHistogram {
  const { count, scale, zeroCount, sum, min, max, positive, negative } = histogram;
  return {
    count,
    scale,
    zeroCount,
    sum: known(sum),
    min: known(min),
    max: known(max),
    positive: { offset: positive.offset, bucketCounts: [...positive.counts] },
    negative: { offset: negative.offset, bucketCounts: [...negative.counts] },
  };
}

function known(value = NaN): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
