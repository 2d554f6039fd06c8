import type {
  Attributes,
  ExponentialHistogramPoints,
  HistogramPoints,
  Metric,
  NumberPoints,
  Scope,
  Snapshot,
  SummaryPoints,
  Temporality,
} from '../../src/metric/model.ts';

/** JSON has no NaN, infinities or -0: they are written as strings. */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity' | '-0';

export interface NumberRow {
  readonly attributes?: Attributes;
  readonly value: JsonNumber;
}

export interface HistogramRow {
  readonly attributes?: Attributes;
  readonly bounds: readonly JsonNumber[];
  readonly buckets: readonly number[];
  /** Absent = unknown. */
  readonly sum?: JsonNumber;
}

export interface SummaryRow {
  readonly attributes?: Attributes;
  readonly quantiles: readonly JsonNumber[];
  /** One per quantile. */
  readonly values: readonly JsonNumber[];
  readonly count: number;
  /** Absent = unknown. */
  readonly sum?: JsonNumber;
}

/** Of one value, 1. */
export interface ExponentialHistogramRow {
  readonly attributes?: Attributes;
}

interface Described {
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
  readonly temporality?: Temporality;
}

export type MetricRows =
  | (Described & { readonly kind: 'counter' | 'up_down_counter' | 'gauge'; readonly points: readonly NumberRow[] })
  | (Described & { readonly kind: 'histogram'; readonly points: readonly HistogramRow[] })
  | (Described & { readonly kind: 'summary'; readonly points: readonly SummaryRow[] })
  | (Described & { readonly kind: 'exponential_histogram'; readonly points: readonly ExponentialHistogramRow[] });

/** A snapshot by rows, as people write and read it. */
export interface SnapshotRows {
  readonly resource?: Attributes;
  readonly scopes: readonly { readonly scope?: Partial<Scope>; readonly metrics: readonly MetricRows[] }[];
}

export function toSnapshot({ resource = {}, scopes }: SnapshotRows): Snapshot {
  return {
    resource,
    scopes: scopes.map(({ scope, metrics }) => ({
      scope: { name: '', version: '', schemaUrl: '', ...scope },
      metrics: metrics.map(toMetric),
    })),
  };
}

function toMetric(rows: MetricRows): Metric {
  const { name, unit = '', description = '', temporality = 'cumulative' } = rows;
  const described = { name, unit, description };
  if (rows.kind === 'histogram') {
    return { ...described, kind: 'histogram', temporality, points: rows.points.map(toHistogramPoints) };
  }
  if (rows.kind === 'summary') return { ...described, kind: 'summary', points: rows.points.map(toSummaryPoints) };
  if (rows.kind === 'exponential_histogram') {
    return {
      ...described,
      kind: 'exponential_histogram',
      temporality,
      points: toExponentialHistogramPoints(rows.points),
    };
  }
  const points = toNumberPoints(rows.points);
  if (rows.kind === 'gauge') return { ...described, kind: 'gauge', points };
  return { ...described, kind: 'sum', monotonic: rows.kind === 'counter', temporality, points };
}

function toColumns(rows: readonly { readonly attributes?: Attributes }[]) {
  return {
    attributes: rows.map(({ attributes = {} }) => attributes),
    startTimesMs: new Float64Array(rows.length),
    timesMs: new Float64Array(rows.length),
  };
}

function toNumberPoints(rows: readonly NumberRow[]): NumberPoints {
  return { ...toColumns(rows), values: Float64Array.from(rows, ({ value }) => Number(value)) };
}

/** A block of its own for each row. */
function toHistogramPoints(row: HistogramRow): HistogramPoints {
  return {
    ...toColumns([row]),
    bounds: row.bounds.map(Number),
    bucketCounts: Float64Array.from(row.buckets),
    counts: Float64Array.of(row.buckets.reduce((total, count) => total + count, 0)),
    sums: Float64Array.of(row.sum === undefined ? NaN : Number(row.sum)),
  };
}

/** A block of its own for each row. */
function toSummaryPoints(row: SummaryRow): SummaryPoints {
  return {
    ...toColumns([row]),
    quantiles: row.quantiles.map(Number),
    quantileValues: Float64Array.from(row.values, Number),
    counts: Float64Array.of(row.count),
    sums: Float64Array.of(row.sum === undefined ? NaN : Number(row.sum)),
  };
}

function toExponentialHistogramPoints(rows: readonly ExponentialHistogramRow[]): ExponentialHistogramPoints {
  const one = { scale: 0, count: 1, sum: 1, min: 1, max: 1, zeroCount: 0, zeroThreshold: 0 };
  const positive = { offset: -1, counts: Float64Array.of(1) };
  const negative = { offset: 0, counts: new Float64Array(0) };
  return { ...toColumns(rows), histograms: rows.map(() => ({ ...one, positive, negative })) };
}
