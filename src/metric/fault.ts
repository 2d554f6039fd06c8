/**
 * What is wrong with metrics that come from code that no compiler has checked: what an encoder would stumble over, or would write columns
 * of different lengths from. Looks at each metric, at the lengths of columns, and at rows only for being there; numbers and attributes
 * are taken as they are.
 *
 * @param scopes what should be a list of `ScopeMetrics`.
 * @returns the first fault, with the metric that has it; undefined if there is none.
 */
export function faultOfScopes(scopes: unknown): string | undefined {
  if (!Array.isArray(scopes)) return mustBe('scopes', 'a list', scopes);
  return firstFault(scopes, (each: unknown, index) => {
    const at = `scopes[${index}]`;
    if (!isFields(each)) return mustBe(at, 'an object', each);
    const { scope, metrics } = each;
    if (!isFields(scope)) return mustBe(`${at}.scope`, 'an object', scope);
    const fault = faultOfStrings(scope, ['name', 'version', 'schemaUrl'], `${at}.scope.`);
    if (fault !== undefined) return fault;
    if (!Array.isArray(metrics)) return mustBe(`${at}.metrics`, 'a list', metrics);
    return firstFault(metrics, (metric: unknown, number) => faultOfMetric(metric, `${at}.metrics[${number}]`));
  });
}

type Fields = Readonly<Record<string, unknown>>;

function faultOfMetric(metric: unknown, at: string): string | undefined {
  if (!isFields(metric)) return mustBe(at, 'an object', metric);
  if (typeof metric.name !== 'string') return mustBe(`${at}.name`, 'a string', metric.name);
  const fault = faultOfStrings(metric, ['description', 'unit']) ?? faultOfKind(metric);
  return fault && `metric ${metric.name}: ${fault}`;
}

function faultOfKind(metric: Fields): string | undefined {
  const { kind, points } = metric;
  switch (kind) {
    case 'sum':
      if (typeof metric.monotonic !== 'boolean') return mustBe('monotonic', 'a boolean', metric.monotonic);
      return faultOfTemporality(metric) ?? faultOfPoints(points, 'points', faultOfNumbers);
    case 'gauge':
      return faultOfPoints(points, 'points', faultOfNumbers);
    case 'histogram':
      return faultOfTemporality(metric) ?? faultOfEach(points, faultOfHistograms);
    case 'exponential_histogram':
      return faultOfTemporality(metric) ?? faultOfPoints(points, 'points', faultOfExponentialHistograms);
    case 'summary':
      return faultOfEach(points, faultOfSummaries);
    default:
      return mustBe('kind', 'sum, gauge, histogram, exponential_histogram or summary', kind);
  }
}

function faultOfTemporality({ temporality }: Fields): string | undefined {
  if (temporality === 'cumulative' || temporality === 'delta') return undefined;
  return mustBe('temporality', 'cumulative or delta', temporality);
}

type FaultOfRows = (points: Fields, rows: number) => string | undefined;

function faultOfEach(points: unknown, faultOfRows: FaultOfRows): string | undefined {
  if (!Array.isArray(points)) return mustBe('points', 'a list', points);
  return firstFault(points, (block: unknown, index) => faultOfPoints(block, `points[${index}]`, faultOfRows));
}

function faultOfPoints(points: unknown, at: string, faultOfRows: FaultOfRows): string | undefined {
  if (!isFields(points)) return mustBe(at, 'an object', points);
  const { attributes } = points;
  if (!Array.isArray(attributes)) return mustBe(`${at}.attributes`, 'a list', attributes);
  const rows = attributes.length;
  const fault =
    faultOfList(attributes, 'attributes', isFields) ??
    faultOfColumns(points, ['startTimesMs', 'timesMs'], rows) ??
    faultOfRows(points, rows);
  return fault && `${at}.${fault}`;
}

function faultOfNumbers(points: Fields, rows: number): string | undefined {
  return faultOfColumns(points, ['values'], rows) ?? faultOfExemplars(points.exemplars, rows, isExemplarOrNone);
}

function faultOfHistograms(points: Fields, rows: number): string | undefined {
  const { bounds, exemplars } = points;
  if (!Array.isArray(bounds)) return mustBe('bounds', 'a list', bounds);
  const buckets = rows * (bounds.length + 1);
  return (
    faultOfList(bounds, 'bounds', isNumber) ??
    faultOfColumns(points, ['bucketCounts'], buckets) ??
    faultOfColumns(points, ['counts', 'sums'], rows) ??
    faultOfColumns(points, givenOf(points, ['mins', 'maxs', 'lasts']), rows) ??
    faultOfExemplars(exemplars, buckets, isExemplarOrNone)
  );
}

function faultOfSummaries(points: Fields, rows: number): string | undefined {
  const { quantiles } = points;
  if (!Array.isArray(quantiles)) return mustBe('quantiles', 'a list', quantiles);
  return (
    faultOfList(quantiles, 'quantiles', isNumber) ??
    faultOfColumns(points, ['quantileValues'], rows * quantiles.length) ??
    faultOfColumns(points, ['counts', 'sums'], rows)
  );
}

function faultOfExponentialHistograms({ histograms, exemplars }: Fields, rows: number): string | undefined {
  if (!Array.isArray(histograms) || histograms.length !== rows) {
    return mustBe('histograms', `a list of ${rows}`, histograms);
  }
  const isRow = (row: unknown): boolean => Array.isArray(row) && row.every(isExemplar);
  return faultOfList(histograms, 'histograms', isExponentialHistogram) ?? faultOfExemplars(exemplars, rows, isRow);
}

function isExponentialHistogram(value: unknown): boolean {
  if (!isFields(value)) return false;
  const numbers = ['scale', 'count', 'sum', 'min', 'max', 'zeroCount', 'zeroThreshold'];
  const isBuckets = (buckets: unknown): boolean =>
    isFields(buckets) && isNumber(buckets.offset) && buckets.counts instanceof Float64Array;
  return numbers.every((key) => isNumber(value[key])) && isBuckets(value.positive) && isBuckets(value.negative);
}

function faultOfExemplars(
  exemplars: unknown,
  length: number,
  isValid: (value: unknown) => boolean,
): string | undefined {
  if (exemplars === undefined) return undefined;
  if (!Array.isArray(exemplars) || exemplars.length !== length) {
    return mustBe('exemplars', `a list of ${length}`, exemplars);
  }
  return faultOfList(exemplars, 'exemplars', isValid);
}

function isExemplarOrNone(value: unknown): boolean {
  return value === undefined || isExemplar(value);
}

function isExemplar(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { timeMs, traceId, spanId } = value;
  return isNumber(value.value) && isNumber(timeMs) && typeof traceId === 'string' && typeof spanId === 'string';
}

function faultOfColumns(points: Fields, keys: readonly string[], length: number): string | undefined {
  return firstFault(keys, (key) => {
    const column = points[key];
    const fits = column instanceof Float64Array && column.length === length;
    return fits ? undefined : mustBe(key, `a Float64Array of ${length}`, column);
  });
}

function givenOf(points: Fields, keys: readonly string[]): readonly string[] {
  return keys.filter((key) => points[key] !== undefined);
}

function faultOfStrings(fields: Fields, keys: readonly string[], at = ''): string | undefined {
  return firstFault(keys, (key) =>
    typeof fields[key] === 'string' ? undefined : mustBe(`${at}${key}`, 'a string', fields[key]),
  );
}

/** One look at each element, at the price of a small part of writing it out. */
function faultOfList(list: readonly unknown[], at: string, isValid: (value: unknown) => boolean): string | undefined {
  const index = list.findIndex((value) => !isValid(value));
  return index < 0 ? undefined : `${at}[${index}] is not valid (got ${described(list[index])})`;
}

function firstFault<T>(list: readonly T[], faultOf: (value: T, index: number) => string | undefined) {
  for (const [index, value] of list.entries()) {
    const fault = faultOf(value, index);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function mustBe(what: string, expected: string, got: unknown): string {
  return `${what} must be ${expected} (got ${described(got)})`;
}

function described(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Float64Array) return `a Float64Array of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
