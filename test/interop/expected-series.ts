import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Escaping } from '../../src/exposition/escaping.ts';
import type { Prometheus, Sample, SampleHistogram } from '../support/prometheus.ts';
import { spanOf, type KnownMetric, type KnownRow, type Named } from './known-metrics.ts';

/** How known metrics came to Prometheus. */
export interface Seen {
  readonly format: 'text' | 'openmetrics' | 'protobuf';
  readonly escaping: Escaping;
  /** Version of Prometheus. */
  readonly by: 2 | 3;
  /** That every series has. */
  readonly labels: Labels;
}

export type Labels = Readonly<Record<string, string>>;

interface ExpectedExemplar {
  readonly labels: Labels;
  readonly value: number;
}

export interface Expected {
  /** By series; NaN is NaN, and -0 is not 0. */
  readonly values: Map<string, number>;
  readonly natives: Map<string, SampleHistogram>;
  /** Those of a series by their values. */
  readonly exemplars: Map<string, readonly ExpectedExemplar[]>;
  /** By the name of the family. */
  readonly metadata: Map<string, { readonly type: string; readonly help: string; readonly unit: string }>;
}

export function seriesKey(labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.filter(([, value]) => value !== ''));
}

/** What Prometheus has to know. */
export function expectedOf(metrics: readonly KnownMetric[], seen: Seen): Expected {
  const expected: Expected = { values: new Map(), natives: new Map(), exemplars: new Map(), metadata: new Map() };
  for (const metric of metrics) {
    for (const row of metric.rows) addRow({ metric, row, seen, expected });
    const isLeftOut = metric.rows.every((row) => isUnsaid(metric, row, seen));
    if (!isLeftOut) describe(metric, seen, expected);
  }
  return expected;
}

interface Addition {
  readonly metric: KnownMetric;
  readonly row: KnownRow;
  readonly seen: Seen;
  readonly expected: Expected;
}

function describe({ kind, at, atUnit, description: help }: KnownMetric, seen: Seen, { metadata }: Expected): void {
  const name = nameBy(at, seen.escaping);
  const openMetrics = seen.format === 'openmetrics';
  const isCounter = kind === 'counter' && (!openMetrics || name.endsWith('_total'));
  const type = { up_down_counter: 'gauge', exponential_histogram: 'histogram' }[kind as string] ?? kind;
  const family = openMetrics && isCounter ? name.slice(0, -'_total'.length) : name;
  // Prometheus 2 did not look for units in protobuf.
  const hasUnit = openMetrics || (seen.format === 'protobuf' && seen.by === 3);
  // Prometheus does not undo the escapes of names there.
  metadata.set(seen.format === 'protobuf' ? family : escaped(family), {
    type: kind === 'counter' && !isCounter ? 'unknown' : type,
    help,
    unit: hasUnit ? atUnit : '',
  });
}

function addRow(addition: Addition): void {
  const { metric, row, expected } = addition;
  switch (metric.kind) {
    case 'counter':
      addCounter(addition);
      break;
    case 'up_down_counter':
      expected.values.set(keyOf(addition), sumOf(row.values));
      break;
    case 'gauge':
      expected.values.set(keyOf(addition), row.values.at(-1) ?? NaN);
      break;
    case 'histogram':
      addBuckets(addition);
      break;
    case 'exponential_histogram':
      if (addition.seen.format === 'protobuf') addNative(addition);
      else addBuckets(addition);
      break;
    case 'summary':
      expected.values.set(keyOf(addition, { suffix: '_sum' }), sumOf(row.values));
      expected.values.set(keyOf(addition, { suffix: '_count' }), row.values.length);
      break;
  }
}

function addCounter(addition: Addition): void {
  const { metric, row, seen, expected } = addition;
  const key = keyOf(addition);
  expected.values.set(key, sumOf(row.values));
  const isTyped = seen.format === 'protobuf' || nameBy(metric.at, seen.escaping).endsWith('_total');
  if (row.spans && seen.format !== 'text' && isTyped) {
    const last = row.values.length - 1;
    expected.exemplars.set(key, [{ labels: spanOf(last), value: row.values[last] ?? NaN }]);
  }
}

function addBuckets(addition: Addition): void {
  const { metric, row, seen, expected } = addition;
  const { values } = row;
  const exemplars = seen.format === 'text' ? [] : exemplarsOfRow(metric, row);
  let below = -Infinity;
  for (const bound of [...(metric.bounds ?? []), Infinity]) {
    const key = keyOf(addition, { suffix: '_bucket', le: boundText(bound, seen) });
    expected.values.set(key, values.filter((value) => value <= bound).length);
    const [last] = exemplars.filter(({ value }) => value > below && value <= bound).slice(-1);
    if (last !== undefined) expected.exemplars.set(key, [last]);
    below = bound;
  }
  // What may have fallen is not told, where the format can do without; OpenMetrics does without the count as well then.
  const canFall = values.some((value) => value < 0);
  if (!canFall || seen.format === 'protobuf') {
    expected.values.set(keyOf(addition, { suffix: '_sum' }), canFall ? NaN : sumOf(values));
  }
  if (!canFall || seen.format !== 'openmetrics') {
    expected.values.set(keyOf(addition, { suffix: '_count' }), values.length);
  }
}

/** A native histogram without a sum. */
function isUnsaid({ kind }: KnownMetric, { values }: KnownRow, { format }: Seen): boolean {
  return kind === 'exponential_histogram' && format === 'protobuf' && values.some((value) => value < 0);
}

function addNative(addition: Addition): void {
  const { metric, row, seen, expected } = addition;
  const { values, schema = 0 } = row;
  if (isUnsaid(metric, row, seen)) return;
  const key = keyOf(addition);
  expected.natives.set(key, nativeOf(values, schema));
  // Prometheus 2 looked for them at classic buckets only.
  const exemplars = seen.by === 2 ? [] : exemplarsOfRow(metric, row);
  if (exemplars.length > 0) expected.exemplars.set(key, exemplars.toSorted(byValue));
}

/** Those that are kept, in the order of their time. */
function exemplarsOfRow({ kind }: KnownMetric, { values, spans = false }: KnownRow): readonly ExpectedExemplar[] {
  const all = spans ? values.map((value, i) => ({ labels: spanOf(i), value })) : [];
  if (kind === 'histogram') return all;
  // In exponential histograms, values of one power of two share one.
  const latest = new Map<number, ExpectedExemplar>();
  for (const exemplar of all) {
    const power = Math.floor(Math.log2(exemplar.value));
    latest.delete(power);
    latest.set(power, exemplar);
  }
  return [...latest.values()];
}

/** A series of one row. */
export function keyOf(
  { metric, row, seen }: Omit<Addition, 'expected'>,
  { suffix = '', le }: { suffix?: string; le?: string } = {},
): string {
  const { escaping } = seen;
  const own = Object.fromEntries(row.labels.map(([name, value]) => [nameBy(name, escaping), value]));
  const __name__ = nameBy(metric.at, escaping) + suffix;
  return seriesKey({ ...seen.labels, ...own, __name__, ...(le !== undefined && { le }) });
}

export function nameBy(name: Named, escaping: Escaping): string {
  return typeof name === 'string' ? name : name[escaping];
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** As OpenMetrics has them; Prometheus 2 did not look at how a page of text writes them. */
function boundText(bound: number, { format, by }: Seen): string {
  if (bound === Infinity) return '+Inf';
  if (bound >= 1e6) return `1e+${String(Math.log10(bound)).padStart(2, '0')}`;
  return Number.isInteger(bound) && !(format === 'text' && by === 2) ? `${bound}.0` : String(bound);
}

/** Bucket `i` holds what is above `base ** (i - 1)` up to `base ** i`, by `base = 2 ** (2 ** -schema)`. */
function nativeOf(values: readonly number[], schema: number): SampleHistogram {
  const buckets = new Map<string, SampleHistogram['buckets'][number]>();
  for (const value of values.toSorted((a, b) => a - b)) {
    const bucket = bucketOf(value, schema);
    const key = JSON.stringify([bucket.lower, bucket.upper]);
    buckets.set(key, { ...bucket, count: (buckets.get(key)?.count ?? 0) + 1 });
  }
  return { count: values.length, sum: sumOf(values), buckets: [...buckets.values()] };
}

function bucketOf(
  value: number,
  schema: number,
): Pick<SampleHistogram['buckets'][number], 'bounds' | 'lower' | 'upper'> {
  if (value === 0) return { bounds: '[]', lower: -ZERO_THRESHOLD, upper: ZERO_THRESHOLD };
  const i = Math.ceil(Math.log2(Math.abs(value)) * 2 ** schema);
  const [inner, outer] = [2 ** ((i - 1) / 2 ** schema), 2 ** (i / 2 ** schema)];
  return value > 0 ? { bounds: '(]', lower: inner, upper: outer } : { bounds: '[)', lower: -outer, upper: -inner };
}

const ZERO_THRESHOLD = 1e-128;

/** Those that every scrape has besides the page. */
const OF_THE_SCRAPE = /^(up|scrape_.*)$/;

export interface Known {
  readonly values: Map<string, number>;
  readonly natives: Map<string, SampleHistogram>;
}

/** All that Prometheus knows of a selector, but for what it says itself of the scrape. */
export async function knownTo(prometheus: Prometheus, selector: string, at: { atMs?: number } = {}): Promise<Known> {
  const samples = await prometheus.query(selector, at);
  const ofPage = samples.filter(({ labels }) => !OF_THE_SCRAPE.test(labels.__name__ ?? ''));
  const isNative = ({ histogram }: Sample): boolean => histogram !== undefined;
  return {
    values: new Map(
      ofPage.filter((sample) => !isNative(sample)).map(({ labels, value }) => [seriesKey(labels), value]),
    ),
    natives: new Map(ofPage.flatMap(({ labels, histogram }) => (histogram ? [[seriesKey(labels), histogram]] : []))),
  };
}

export function assertKnown(known: Known, expected: Pick<Expected, 'values' | 'natives'>): void {
  assertSame(known.values, expected.values);
  assertSame(mapValues(known.natives, rounded), mapValues(expected.natives, rounded));
}

/** Says what differs, and only that. */
export function assertSame<V>(known: ReadonlyMap<string, V>, expected: ReadonlyMap<string, V>): void {
  const differences = [...new Set([...expected.keys(), ...known.keys()])].flatMap((key) => {
    const [is, wanted] = [known.get(key), expected.get(key)];
    return isDeepStrictEqual(is, wanted) ? [] : [`${key}: ${inspect(is, FLAT)}, expected ${inspect(wanted, FLAT)}`];
  });
  assert.deepEqual(differences, []);
}

const FLAT = { depth: 9, breakLength: Infinity } as const;

function mapValues<V, W>(map: ReadonlyMap<string, V>, to: (value: V) => W): ReadonlyMap<string, W> {
  return new Map([...map].map(([key, value]) => [key, to(value)]));
}

/** Bounds are computed in two languages. */
function rounded({ count, sum, buckets }: SampleHistogram): SampleHistogram {
  const of = (bound: number): number => Number(bound.toPrecision(12));
  return { count, sum, buckets: buckets.map((each) => ({ ...each, lower: of(each.lower), upper: of(each.upper) })) };
}

/** By series, those of a series by their values. */
export async function exemplarsOf(prometheus: Prometheus, selector: string): Promise<Expected['exemplars']> {
  const found = await prometheus.exemplars(selector);
  return new Map(
    found.map(({ seriesLabels, exemplars }) => [
      seriesKey(seriesLabels),
      exemplars.map(({ labels, value }) => ({ labels, value })).sort(byValue),
    ]),
  );
}

function byValue(a: ExpectedExemplar, b: ExpectedExemplar): number {
  return a.value - b.value;
}
