/**
 * The data model that every encoder reads and every decoder fills: one snapshot of all metrics of one resource.
 *
 * Point values are columns (structure of arrays): row `i` of every column belongs to the attribute set `attributes[i]`.
 * Who holds a snapshot owns it: the collector writes nothing into it after it was returned, readers do not change it.
 * Times are milliseconds since the Unix epoch as doubles (good to 0.25 microseconds in this century); a start time of 0
 * means "unknown". Neither uniqueness of metric names nor of attribute sets is checked here: `exposition/families` does.
 *
 * Source: OpenTelemetry metrics data model, https://opentelemetry.io/docs/specs/otel/metrics/data-model/
 */
export type AttributeValue = string | number | boolean | readonly (string | number | boolean | null | undefined)[];

export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type Temporality = 'cumulative' | 'delta';

export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
}

/** One measurement that stands for others of its series or bucket, and the span that it was made in. */
export interface Exemplar {
  readonly value: number;
  /** Unix ms. */
  readonly timeMs: number;
  /** 32 lower-case hex digits; empty = there was no span. */
  readonly traceId: string;
  /** 16 lower-case hex digits; empty = there was no span. */
  readonly spanId: string;
  /** Attributes of the measurement that its series does not have. */
  readonly attributes?: Attributes;
}

/** One attribute set per row; all columns have `attributes.length` rows. */
interface Columns {
  readonly attributes: readonly Attributes[];
  /** Unix ms; 0 = unknown. */
  readonly startTimesMs: Float64Array;
  /** Unix ms. */
  readonly timesMs: Float64Array;
}

export interface NumberPoints extends Columns {
  readonly values: Float64Array;
  /** One per row; not there = none has one. */
  readonly exemplars?: readonly (Exemplar | undefined)[];
}

export interface HistogramPoints extends Columns {
  /** Upper, inclusive bounds, ascending, without +Inf; the same for every row. */
  readonly bounds: readonly number[];
  /** Row-major, `bounds.length + 1` per row, not accumulated; the last of a row counts what is above every bound. */
  readonly bucketCounts: Float64Array;
  readonly counts: Float64Array;
  /** NaN = the sum is not known (a negative value was recorded). */
  readonly sums: Float64Array;
  /** NaN = not known; not there = none is. */
  readonly mins?: Float64Array;
  readonly maxs?: Float64Array;
  /** The value recorded last. */
  readonly lasts?: Float64Array;
  /** One per bucket, laid out as `bucketCounts`; not there = no bucket has one. */
  readonly exemplars?: readonly (Exemplar | undefined)[];
}

/** Bucket `i` counts values in `(base ** (offset + i), base ** (offset + i + 1)]`, `base = 2 ** (2 ** -scale)`. */
export interface ExponentialBuckets {
  readonly offset: number;
  readonly counts: Float64Array;
}

export interface ExponentialHistogram {
  readonly scale: number;
  readonly count: number;
  /** NaN = not known. */
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Values of which the magnitude is at most `zeroThreshold`. */
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: ExponentialBuckets;
  /** By the magnitude of the values. */
  readonly negative: ExponentialBuckets;
}

export interface ExponentialHistogramPoints extends Columns {
  readonly histograms: readonly ExponentialHistogram[];
  /** Those of each row; not there = none has any. */
  readonly exemplars?: readonly (readonly Exemplar[])[];
}

export interface SummaryPoints extends Columns {
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  /** Between 0 and 1, ascending; the same for every row, and none where only count and sum are kept. */
  readonly quantiles: readonly number[];
  /** Row-major, `quantiles.length` per row. */
  readonly quantileValues: Float64Array;
}

interface Description {
  readonly name: string;
  readonly description: string;
  /** UCUM, as in `s`, `By`, `{request}`. */
  readonly unit: string;
}

export interface SumMetric extends Description {
  readonly kind: 'sum';
  readonly monotonic: boolean;
  /** Whether the instrument was declared to take integers only; OTLP writes them as such. */
  readonly integer?: boolean;
  readonly temporality: Temporality;
  readonly points: NumberPoints;
}

export interface GaugeMetric extends Description {
  readonly kind: 'gauge';
  /** As in a sum. */
  readonly integer?: boolean;
  readonly points: NumberPoints;
}

export interface HistogramMetric extends Description {
  readonly kind: 'histogram';
  readonly temporality: Temporality;
  /** One entry per set of bounds: rows of one metric may come with different bounds. */
  readonly points: readonly HistogramPoints[];
}

export interface ExponentialHistogramMetric extends Description {
  readonly kind: 'exponential_histogram';
  readonly temporality: Temporality;
  readonly points: ExponentialHistogramPoints;
}

export interface SummaryMetric extends Description {
  readonly kind: 'summary';
  /** One entry per set of quantiles. Always cumulative. */
  readonly points: readonly SummaryPoints[];
}

export type Metric = SumMetric | GaugeMetric | HistogramMetric | ExponentialHistogramMetric | SummaryMetric;

export interface ScopeMetrics {
  readonly scope: Scope;
  readonly metrics: readonly Metric[];
}

export interface Snapshot {
  readonly resource: Attributes;
  readonly scopes: readonly ScopeMetrics[];
}
