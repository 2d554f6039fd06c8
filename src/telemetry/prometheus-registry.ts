import type { Attributes, HistogramPoints, Metric, NumberPoints, SummaryPoints } from '../metric/model.ts';
import {
  isRecord,
  isSample,
  readHistogram,
  readSummary,
  toAttributes,
  toExemplar,
  type Fields,
  type Sample,
  type Series,
} from './prometheus-series.ts';
import type { Source } from './source.ts';

/** What is needed of a registry of `@prometheus-io/client` or `prom-client`; neither package is a dependency of ours. */
export interface PrometheusRegistry {
  getMetricsAsJSON(): Promise<readonly unknown[]>;
}

export interface PrometheusRegistryOptions {
  /** Name of the instrumentation scope of its metrics, and of the source. */
  readonly scope?: string;
  /** Unix ms; read once for all points of a collection. */
  readonly nowMs?: () => number;
}

/**
 * The metrics of an existing registry, so that nobody need rewrite them. Names, help and label sets are taken over, label values become
 * strings, start times are unknown. At Prometheus a name is written as all of ours are: runs of underscores become one, those around
 * it go, and a counter gets `_total` at its end.
 *
 * Left out in silence, since the rest is good:
 *  - metrics of a type other than counter, gauge, histogram and summary, and metrics without a sample;
 *  - samples of which the value is no number, quantiles outside 0 to 1, exemplars without a value or a time;
 *  - a series of a histogram or summary without a sum, or of which the count is not there or no whole number from 0;
 *  - a series of a histogram of which buckets fall, two of one bound differ, or `+Inf` differs from the count.
 *
 * `collect` rejects where the registry does: one callback of it that throws costs all of its metrics, as on its own page.
 *
 * Source: `lib/` of @prometheus-io/client 0.16.1 and of prom-client 15.1.3.
 */
export function fromPrometheusRegistry(
  registry: PrometheusRegistry,
  { scope = 'prometheus-registry', nowMs = Date.now }: PrometheusRegistryOptions = {},
): Source {
  return {
    name: scope,
    async collect() {
      const found = await registry.getMetricsAsJSON();
      const timeMs = nowMs();
      const metrics = found.flatMap((metric) => (isRecord(metric) ? (toMetric(metric, timeMs) ?? []) : []));
      return metrics.length === 0 ? [] : [{ scope: { name: scope, version: '', schemaUrl: '' }, metrics }];
    },
  };
}

/** @returns undefined if there is nothing to be said. */
function toMetric({ name, help, type, values }: Fields, timeMs: number): Metric | undefined {
  if (typeof name !== 'string' || !Array.isArray(values)) return undefined;
  const described = { name, description: typeof help === 'string' ? help : '', unit: '' };
  const samples = values.filter(isSample);
  if (samples.length === 0) return undefined;
  switch (type) {
    case 'counter': {
      const points = toNumberPoints(samples, timeMs);
      return { ...described, kind: 'sum', monotonic: true, temporality: 'cumulative', points };
    }
    case 'gauge':
      return { ...described, kind: 'gauge', points: toNumberPoints(samples, timeMs) };
    case 'histogram': {
      const points = groupByPlaces(readHistogram(name, samples)).map((series) => toHistogramPoints(series, timeMs));
      return points.length === 0 ? undefined : { ...described, kind: 'histogram', temporality: 'cumulative', points };
    }
    case 'summary': {
      const points = groupByPlaces(readSummary(name, samples)).map((series) => toSummaryPoints(series, timeMs));
      return points.length === 0 ? undefined : { ...described, kind: 'summary', points };
    }
    default:
      return undefined;
  }
}

function groupByPlaces(series: readonly Series[]): Series[][] {
  return [...Map.groupBy(series, ({ places }) => places.join()).values()];
}

function toNumberPoints(samples: readonly Sample[], timeMs: number): NumberPoints {
  const attributes = samples.map(({ labels }) => toAttributes(labels));
  const exemplars = samples.map(({ exemplar }) => toExemplar(exemplar));
  const values = Float64Array.from(samples, ({ value }) => value);
  return { ...toColumns(attributes, timeMs), values, ...ifAny(exemplars) };
}

function toHistogramPoints(group: readonly Series[], timeMs: number): HistogramPoints {
  return {
    ...toSeriesColumns(group, timeMs),
    bounds: group[0]?.places ?? [],
    bucketCounts: Float64Array.from(group.flatMap(({ values }) => values)),
    ...ifAny(group.flatMap(({ exemplars }) => exemplars)),
  };
}

function toSummaryPoints(group: readonly Series[], timeMs: number): SummaryPoints {
  return {
    ...toSeriesColumns(group, timeMs),
    quantiles: group[0]?.places ?? [],
    quantileValues: Float64Array.from(group.flatMap(({ values }) => values)),
  };
}

function toSeriesColumns(group: readonly Series[], timeMs: number) {
  return {
    ...toColumns(
      group.map(({ attributes }) => attributes),
      timeMs,
    ),
    counts: Float64Array.from(group, ({ count }) => count),
    sums: Float64Array.from(group, ({ sum }) => sum),
  };
}

function toColumns(attributes: readonly Attributes[], timeMs: number) {
  return {
    attributes,
    startTimesMs: new Float64Array(attributes.length),
    timesMs: new Float64Array(attributes.length).fill(timeMs),
  };
}

function ifAny<T>(exemplars: readonly (T | undefined)[]) {
  return exemplars.some((exemplar) => exemplar !== undefined) ? { exemplars } : {};
}
