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
}

export interface HistogramPoints extends Columns {
  /** Upper, inclusive bounds, ascending, without +Inf; the same for every row. */
  readonly bounds: readonly number[];
  /** Row-major, `bounds.length + 1` per row, not accumulated; the last of a row counts what is above every bound. */
  readonly bucketCounts: Float64Array;
  readonly counts: Float64Array;
  /** NaN = the sum is not known (a negative value was recorded). */
  readonly sums: Float64Array;
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
  readonly temporality: Temporality;
  readonly points: NumberPoints;
}

export interface GaugeMetric extends Description {
  readonly kind: 'gauge';
  readonly points: NumberPoints;
}

export interface HistogramMetric extends Description {
  readonly kind: 'histogram';
  readonly temporality: Temporality;
  /** One entry per set of bounds: rows of one metric may come with different bounds. */
  readonly points: readonly HistogramPoints[];
}

export type Metric = SumMetric | GaugeMetric | HistogramMetric;

export interface ScopeMetrics {
  readonly scope: Scope;
  readonly metrics: readonly Metric[];
}

export interface Snapshot {
  readonly resource: Attributes;
  readonly scopes: readonly ScopeMetrics[];
}
