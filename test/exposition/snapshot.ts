import type {
  Attributes,
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
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

export interface ExemplarRow {
  readonly value: JsonNumber;
  /** Unix ms, as all times here; absent = unknown. */
  readonly time?: number;
  /** Absent = there was none. */
  readonly span?: { readonly traceId: string; readonly spanId: string };
  readonly attributes?: Attributes;
}

interface Row {
  readonly attributes?: Attributes;
  /** Absent = unknown. */
  readonly start?: number;
  readonly time?: number;
}

export interface NumberRow extends Row {
  readonly value: JsonNumber;
  readonly exemplar?: ExemplarRow;
}

export interface HistogramRow extends Row {
  readonly bounds: readonly JsonNumber[];
  readonly buckets: readonly number[];
  /** Absent = unknown. */
  readonly sum?: JsonNumber;
  /** One per bucket. */
  readonly exemplars?: readonly (ExemplarRow | null)[];
}

export interface SummaryRow extends Row {
  readonly quantiles: readonly JsonNumber[];
  /** One per quantile. */
  readonly values: readonly JsonNumber[];
  readonly count: number;
  /** Absent = unknown. */
  readonly sum?: JsonNumber;
}

interface BucketsRow {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialHistogramRow extends Row {
  readonly scale: number;
  readonly zeroCount?: number;
  readonly zeroThreshold?: number;
  readonly positive?: BucketsRow;
  readonly negative?: BucketsRow;
  /** Absent = unknown. */
  readonly sum?: JsonNumber;
  readonly exemplars?: readonly ExemplarRow[];
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
  switch (rows.kind) {
    case 'histogram': {
      const points = alike(rows.points, ({ bounds }) => bounds).map(toHistogramPoints);
      return { ...described, kind: 'histogram', temporality, points };
    }
    case 'summary': {
      const points = alike(rows.points, ({ quantiles }) => quantiles).map(toSummaryPoints);
      return { ...described, kind: 'summary', points };
    }
    case 'exponential_histogram': {
      const points = toExponentialHistogramPoints(rows.points);
      return { ...described, kind: 'exponential_histogram', temporality, points };
    }
    case 'gauge':
      return { ...described, kind: 'gauge', points: toNumberPoints(rows.points) };
    default: {
      const monotonic = rows.kind === 'counter';
      return { ...described, kind: 'sum', monotonic, temporality, points: toNumberPoints(rows.points) };
    }
  }
}

/** Neighbours with the same steps make one block. */
function alike<R>(rows: readonly R[], stepsOf: (row: R) => readonly JsonNumber[]): readonly (readonly R[])[] {
  const blocks: R[][] = [];
  let before: string | undefined;
  for (const row of rows) {
    const steps = JSON.stringify(stepsOf(row).map(String));
    if (steps === before) blocks.at(-1)?.push(row);
    else blocks.push([row]);
    before = steps;
  }
  return blocks;
}

function toColumns(rows: readonly Row[]) {
  return {
    attributes: rows.map(({ attributes = {} }) => attributes),
    startTimesMs: Float64Array.from(rows, ({ start = 0 }) => start),
    timesMs: Float64Array.from(rows, ({ time = 0 }) => time),
  };
}

function toNumberPoints(rows: readonly NumberRow[]): NumberPoints {
  const points = { ...toColumns(rows), values: Float64Array.from(rows, ({ value }) => Number(value)) };
  if (rows.every(({ exemplar }) => exemplar === undefined)) return points;
  return { ...points, exemplars: rows.map(({ exemplar }) => exemplar && toExemplar(exemplar)) };
}

function toHistogramPoints(rows: readonly HistogramRow[]): HistogramPoints {
  const points = {
    ...toColumns(rows),
    bounds: rows[0]?.bounds.map(Number) ?? [],
    bucketCounts: Float64Array.from(rows.flatMap(({ buckets }) => buckets)),
    counts: Float64Array.from(rows, ({ buckets }) => total(buckets)),
    sums: toSums(rows),
  };
  if (rows.every(({ exemplars }) => exemplars === undefined)) return points;
  return {
    ...points,
    exemplars: rows.flatMap(({ buckets, exemplars = [] }) => buckets.map((_, i) => toExemplarOrNone(exemplars[i]))),
  };
}

function toSummaryPoints(rows: readonly SummaryRow[]): SummaryPoints {
  return {
    ...toColumns(rows),
    quantiles: rows[0]?.quantiles.map(Number) ?? [],
    quantileValues: Float64Array.from(rows.flatMap(({ values }) => values).map(Number)),
    counts: Float64Array.from(rows, ({ count }) => count),
    sums: toSums(rows),
  };
}

function toExponentialHistogramPoints(rows: readonly ExponentialHistogramRow[]): ExponentialHistogramPoints {
  const points = { ...toColumns(rows), histograms: rows.map(toExponentialHistogram) };
  if (rows.every(({ exemplars }) => exemplars === undefined)) return points;
  return { ...points, exemplars: rows.map(({ exemplars = [] }) => exemplars.map(toExemplar)) };
}

export function toExponentialHistogram(row: ExponentialHistogramRow): ExponentialHistogram {
  const { scale, zeroCount = 0, zeroThreshold = 0, sum = 'NaN' } = row;
  const [positive, negative] = [toBuckets(row.positive), toBuckets(row.negative)];
  const count = zeroCount + total(positive.counts) + total(negative.counts);
  return { scale, count, sum: Number(sum), min: NaN, max: NaN, zeroCount, zeroThreshold, positive, negative };
}

function toBuckets({ offset, counts }: BucketsRow = { offset: 0, counts: [] }): ExponentialBuckets {
  return { offset, counts: Float64Array.from(counts) };
}

function toSums(rows: readonly { readonly sum?: JsonNumber }[]): Float64Array {
  return Float64Array.from(rows, ({ sum = 'NaN' }) => Number(sum));
}

function toExemplarOrNone(row: ExemplarRow | null | undefined): Exemplar | undefined {
  return row ? toExemplar(row) : undefined;
}

function toExemplar({ value, time = 0, span, attributes }: ExemplarRow): Exemplar {
  const { traceId, spanId } = span ?? { traceId: '', spanId: '' };
  return { value: Number(value), timeMs: time, traceId, spanId, ...(attributes && { attributes }) };
}

function total(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
