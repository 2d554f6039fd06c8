import type {
  Attributes,
  Exemplar,
  ExponentialBuckets,
  Metric,
  NumberPoints,
  ScopeMetrics,
  Snapshot,
} from '../../src/metric/model.ts';

// What a request should say, worked out from the model by other means than the encoder's, as `decodeRequest` has it.

type Message = Record<string, unknown>;
/** `undefined` for a row that no point can hold. */
type Rows = readonly (Message | undefined)[];

export interface Expected {
  readonly message: Message;
  readonly points: number;
  /** By metric, where there are any. */
  readonly dropped: readonly { readonly metric: string; readonly points: number }[];
}

export function expectedRequest(snapshots: readonly Snapshot[]): Expected {
  const dropped: { metric: string; points: number }[] = [];
  let points = 0;
  const metricOf = (metric: Metric): Message | undefined => {
    const rows = rowsOf(metric);
    const good = rows.filter((row) => row !== undefined);
    if (good.length < rows.length) dropped.push({ metric: metric.name, points: rows.length - good.length });
    points += good.length;
    return good.length === 0 ? undefined : toMetric(metric, good);
  };
  const scopeOf = ({ scope, metrics }: ScopeMetrics): Message | undefined => {
    const some = metrics.map(metricOf).filter((metric) => metric !== undefined);
    if (some.length === 0) return undefined;
    const { name, version, schemaUrl } = scope;
    return { scope: given({ name, version }), ...given({ schemaUrl }), metrics: some };
  };
  const resourceMetrics = snapshots.flatMap(({ resource, scopes }) => {
    const scopeMetrics = scopes.map(scopeOf).filter((scope) => scope !== undefined);
    return scopeMetrics.length === 0 ? [] : [{ resource: attributesField('attributes', resource), scopeMetrics }];
  });
  return { message: resourceMetrics.length === 0 ? {} : { resourceMetrics }, points, dropped };
}

function toMetric(metric: Metric, dataPoints: readonly Message[]): Message {
  const { name, description, unit } = metric;
  const temporality =
    'temporality' in metric ? { aggregationTemporality: metric.temporality === 'delta' ? 'DELTA' : 'CUMULATIVE' } : {};
  const monotonic = metric.kind === 'sum' && metric.monotonic ? { isMonotonic: true } : {};
  const kind = metric.kind === 'exponential_histogram' ? 'exponentialHistogram' : metric.kind;
  return { ...given({ name, description, unit }), [kind]: { dataPoints, ...temporality, ...monotonic } };
}

function rowsOf(metric: Metric): Rows {
  switch (metric.kind) {
    case 'sum':
    case 'gauge':
      return metric.points.attributes.map((_, row) => numberPoint(metric.points, row, metric.integer === true));
    case 'histogram':
      return metric.points.flatMap((points) =>
        points.attributes.map((_, row) => {
          const width = points.bounds.length + 1;
          const buckets = [...points.bucketCounts.slice(row * width, (row + 1) * width)];
          const count = points.counts[row] ?? NaN;
          if (![...buckets, count].every(isCount) || !ascends(points.bounds, -Number.MAX_VALUE, Number.MAX_VALUE))
            return undefined;
          const exemplars = points.exemplars?.slice(row * width, (row + 1) * width) ?? [];
          return {
            ...commonFields(points, row),
            count: String(BigInt(count)),
            ...known({ sum: points.sums[row], min: points.mins?.[row], max: points.maxs?.[row] }),
            bucketCounts: buckets.map((each) => String(BigInt(each))),
            ...(points.bounds.length === 0 ? {} : { explicitBounds: points.bounds }),
            ...exemplarsField(exemplars, false),
          };
        }),
      );
    case 'exponential_histogram':
      return metric.points.histograms.map((own, row) => {
        const { count, scale, zeroCount, zeroThreshold, positive, negative, sum, min, max } = own;
        if (![count, zeroCount, ...positive.counts, ...negative.counts].every(isCount)) return undefined;
        return {
          ...commonFields(metric.points, row),
          count: String(BigInt(count)),
          zeroCount: String(BigInt(zeroCount)),
          ...known({ sum, min, max }),
          ...(scale === 0 ? {} : { scale }),
          ...(zeroThreshold === 0 ? {} : { zeroThreshold }),
          positive: toBuckets(positive),
          negative: toBuckets(negative),
          ...exemplarsField(metric.points.exemplars?.[row] ?? [], false),
        };
      });
    case 'summary':
      return metric.points.flatMap((points) =>
        points.attributes.map((_, row) => {
          const count = points.counts[row] ?? NaN;
          if (!isCount(count) || !ascends(points.quantiles, 0, 1)) return undefined;
          const quantileValues = points.quantiles.map((quantile, i) => ({
            quantile,
            value: points.quantileValues[row * points.quantiles.length + i],
          }));
          const own = { ...commonFields(points, row), count: String(BigInt(count)), sum: points.sums[row] };
          return quantileValues.length === 0 ? own : { ...own, quantileValues };
        }),
      );
  }
}

function numberPoint(points: NumberPoints, row: number, integer: boolean): Message {
  const value = points.values[row] ?? NaN;
  return {
    ...commonFields(points, row),
    ...numberField(value, integer),
    ...exemplarsField([points.exemplars?.[row]], integer),
  };
}

function numberField(value: number, integer: boolean): Message {
  return integer && Number.isSafeInteger(value) ? { asInt: String(BigInt(value)) } : { asDouble: value };
}

interface Columns {
  readonly attributes: readonly Attributes[];
  readonly startTimesMs: Float64Array;
  readonly timesMs: Float64Array;
}

function commonFields({ attributes, startTimesMs, timesMs }: Columns, row: number): Message {
  return {
    ...attributesField('attributes', attributes[row] ?? {}),
    ...timeField('startTimeUnixNano', startTimesMs[row] ?? 0),
    ...timeField('timeUnixNano', timesMs[row] ?? 0),
  };
}

/** Exact: a double is a whole number of 2^-1074. */
export function timeField(name: string, timeMs: number): Message {
  if (!(timeMs > 0 && timeMs <= 18_446_744_073_709)) return {};
  const whole = Math.floor(timeMs);
  return { [name]: String(BigInt(whole) * 1_000_000n + BigInt(Math.round((timeMs - whole) * 1e6))) };
}

function exemplarsField(exemplars: readonly (Exemplar | undefined)[], integer: boolean): Message {
  const some = exemplars.filter((each) => each !== undefined);
  if (some.length === 0) return {};
  return {
    exemplars: some.map(({ value, timeMs, traceId, spanId, attributes = {} }) => ({
      ...attributesField('filteredAttributes', attributes),
      ...timeField('timeUnixNano', timeMs),
      ...numberField(value, integer),
      ...given({ spanId, traceId }),
    })),
  };
}

function attributesField(name: string, attributes: Attributes): Message {
  const fields = Object.entries(attributes as Record<string, unknown>)
    .filter(([, value]) => value !== undefined && value !== null && typeof value !== 'symbol')
    .map(([key, value]) => keyValue(key, value));
  return fields.length === 0 ? {} : { [name]: fields };
}

function keyValue(key: string, value: unknown): Message {
  return { key: key.toWellFormed(), value: anyValue(value) };
}

function anyValue(value: unknown): Message {
  switch (typeof value) {
    case 'string':
      return { stringValue: value.toWellFormed() };
    case 'boolean':
      return { boolValue: value };
    case 'bigint':
      return { intValue: String(value) };
    case 'number':
      if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return { intValue: String(BigInt(value)) };
      return { doubleValue: value };
    case 'object': {
      if (value === null) return {};
      const values = Array.isArray(value) ? value.map(anyValue) : Object.entries(value).map(([k, v]) => keyValue(k, v));
      return { [Array.isArray(value) ? 'arrayValue' : 'kvlistValue']: values.length === 0 ? {} : { values } };
    }
    default:
      return {};
  }
}

function toBuckets({ offset, counts }: ExponentialBuckets): Message {
  return {
    ...(offset === 0 ? {} : { offset }),
    ...(counts.length === 0 ? {} : { bucketCounts: Array.from(counts, (count) => String(BigInt(count))) }),
  };
}

function given(texts: Record<string, string>): Message {
  return Object.fromEntries(
    Object.entries(texts)
      .filter(([, text]) => text !== '')
      .map(([key, text]) => [key, text.toWellFormed()]),
  );
}

function known(values: Record<string, number | undefined>): Message {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !Number.isNaN(value ?? NaN)));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 2 ** 53;
}

function ascends(steps: readonly number[], least: number, most: number): boolean {
  return steps.every((step, i) => step >= least && step <= most && (i === 0 || step > (steps[i - 1] ?? NaN)));
}
