import assert from 'node:assert/strict';
import type { JudgedHistogram, JudgedSample } from '../support/judge.ts';
import type { ExemplarMessage, FamilyMessage, HistogramMessage, MetricMessage, SpanMessage } from './metric-family.ts';
import type { Sample } from './read-page.ts';
import { referenceMessages } from './reference-families.ts';
import { at, referenceSamples, type Reference, type ReferenceOptions } from './reference-page.ts';

interface Expected {
  readonly labels: readonly (readonly [string, string])[];
  /** Empty for a native histogram. */
  readonly value: string;
  exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timeMs?: number;
  }[];
  readonly createdMs?: number;
  readonly histogram?: unknown;
}

/** What the judge says of a page is what the reference says, times to the millisecond, samples in whatever order. */
export function assertJudged(judged: readonly JudgedSample[], reference: Reference, options: ReferenceOptions): void {
  const expected = options.format === 'protobuf' ? fromMessages(reference, options) : fromText(reference, options);
  const isText = options.format !== 'protobuf';
  const [ours, theirs] = [inOrder(expected), inOrder(judged.map((sample) => fromJudge(sample, isText)))];
  for (const [i, sample] of theirs.entries()) if (sample.histogram !== undefined) keepFound(sample, ours[i]);
  assert.deepEqual(theirs.map(withoutTimes), ours.map(withoutTimes));
  for (const [i, { exemplars, createdMs }] of theirs.entries()) {
    const own = at(ours, i);
    for (const [j, { timeMs }] of exemplars.entries()) assertClose(timeMs, at(own.exemplars, j).timeMs);
    if (isText && mixesUpStarts(reference)) continue;
    if (createdMs !== undefined) assertClose(createdMs, own.createdMs);
    // Of OpenMetrics Prometheus does not find every start.
    else if (!isText) assert.equal(Math.trunc(own.createdMs ?? 0), 0);
  }
}

/** Of native histograms Prometheus' parser counts exemplars over all series of a family, and so misses those of the later ones. */
function keepFound({ exemplars }: Expected, own: Expected | undefined): void {
  if (own !== undefined && exemplars.length < own.exemplars.length)
    own.exemplars = own.exemplars.slice(own.exemplars.length - exemplars.length);
}

/** Looking for the start of a series in OpenMetrics, Prometheus minds no label `le` or `quantile`, of whatever type. */
function mixesUpStarts({ families }: Reference): boolean {
  const names = families.flatMap(({ rows }) => rows.flatMap(({ labels }) => labels.filter((_, i) => i % 2 === 0)));
  return names.includes('le') || names.includes('quantile');
}

function inOrder(samples: readonly Expected[]): Expected[] {
  return samples
    .map((sample) => ({ sample, key: JSON.stringify(sample.labels) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ sample }) => sample);
}

function withoutTimes({ labels, value, exemplars, histogram }: Expected) {
  return { labels, value, histogram, exemplars: exemplars.map((own) => ({ labels: own.labels, value: own.value })) };
}

function assertClose(actual: number | undefined, expected: number | undefined): void {
  if (actual === undefined || expected === undefined) assert.equal(actual, expected);
  else assert.ok(Math.abs(actual - expected) <= 1, `${actual} is not ${expected}`);
}

function fromJudge({ labels, value, exemplars, createdMs, histogram }: JudgedSample, isText: boolean): Expected {
  return {
    labels: sorted(labels),
    value,
    exemplars: exemplars.map(({ timestampMs, ...own }) => ({
      // Prometheus leaves the labels of exemplars as they stand on a page of text.
      labels: isText ? unescaped(own.labels) : own.labels,
      value: own.value,
      ...(timestampMs !== undefined && { timeMs: timestampMs }),
    })),
    ...(createdMs !== undefined && { createdMs }),
    ...(histogram && { histogram: fromJudgedHistogram(histogram) }),
  };
}

function unescaped(labels: Readonly<Record<string, string>>): Record<string, string> {
  const unescape = (text: string): string => text.replace(/\\(.)/g, (_, own) => (own === 'n' ? '\n' : String(own)));
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [unescape(key), unescape(value)]));
}

function fromJudgedHistogram(histogram: JudgedHistogram) {
  const { schema, zeroThreshold, zeroCount, count, sum } = histogram;
  const positive = filled(histogram.positiveSpans, histogram.positiveCounts);
  const negative = filled(histogram.negativeSpans, histogram.negativeCounts);
  return { schema, zeroThreshold, zeroCount, count, sum, positive, negative };
}

/** Index and count of each bucket that has one. */
function filled(spans: readonly (readonly [number, number])[], counts: readonly number[]) {
  const buckets: [number, number][] = [];
  let [index, next] = [0, 0];
  for (const [offset, length] of spans) {
    index += offset;
    for (let i = 0; i < length; i++) buckets.push([index++, at(counts, next++)]);
  }
  return buckets.filter(([, count]) => count > 0);
}

/** Start times are no samples of their own for Prometheus. */
function fromText(reference: Reference, options: ReferenceOptions): Expected[] {
  const samples = referenceSamples(reference, options);
  const withStarts = reference.families.filter(({ family }) =>
    ['counter', 'histogram', 'summary'].includes(family.type),
  );
  const names = new Set(withStarts.map(({ family }) => `${family.name}_created`));
  const starts = new Map<string, number>();
  const isStart = ({ name }: Sample): boolean => options.format === 'openmetrics' && names.has(name);
  const seriesOf = (name: string, { labels }: Sample): string =>
    JSON.stringify([name, ...[...labels].filter(([key]) => key !== 'le' && key !== 'quantile').sort()]);
  for (const sample of samples.filter(isStart)) starts.set(seriesOf(sample.name, sample), sample.value * 1000);
  const familyOf = new Map(
    withStarts.flatMap(({ family: { type, name, sample } }) => {
      const suffixes = { counter: [''], histogram: ['_bucket', '_sum', '_count'] }[type as string] ?? [
        '',
        '_sum',
        '_count',
      ];
      return suffixes.map((suffix) => [sample + suffix, name] as const);
    }),
  );
  return samples
    .filter((sample) => !isStart(sample))
    .map((sample) => {
      const createdMs = starts.get(seriesOf(`${familyOf.get(sample.name) ?? ''}_created`, sample));
      return {
        labels: sorted({ ...Object.fromEntries(sample.labels), __name__: sample.name }),
        value: numberText(sample.value),
        exemplars: sample.exemplar === undefined ? [] : [fromExemplar(sample.exemplar)],
        ...(createdMs !== undefined && { createdMs }),
      };
    });
}

function fromExemplar({ labels, value, timestamp }: NonNullable<Sample['exemplar']>) {
  const time = timestamp === undefined ? {} : { timeMs: timestamp * 1000 };
  return { labels: Object.fromEntries(labels), value: numberText(value), ...time };
}

function fromMessages(reference: Reference, options: ReferenceOptions): Expected[] {
  return referenceMessages(reference, options).flatMap((family) =>
    (family.metric ?? []).flatMap((metric) => fromMetric(family, metric)),
  );
}

function fromMetric({ name }: FamilyMessage, { label = [], gauge, counter, summary, histogram }: MetricMessage) {
  const own = Object.fromEntries(label.map((one) => [one.name, one.value]));
  const { createdTimestamp } = counter ?? summary ?? histogram ?? {};
  const created = createdTimestamp === undefined ? {} : { createdMs: timeOf(createdTimestamp) };
  const toSample = (suffix: string, value: string | number, more: Record<string, string> = {}): Expected => ({
    labels: sorted({ ...own, ...more, __name__: name + suffix }),
    value: typeof value === 'string' ? value : numberText(value),
    exemplars: [],
    ...created,
  });
  if (gauge !== undefined) return [toSample('', gauge.value)];
  if (counter !== undefined) return [{ ...toSample('', counter.value), exemplars: toExemplars(counter.exemplar) }];
  if (summary !== undefined) {
    const { sampleCount, sampleSum, quantile = [] } = summary;
    const values = quantile.map((one) => toSample('', one.value, { quantile: String(one.quantile) }));
    return [...values, toSample('_sum', sampleSum), toSample('_count', Number(sampleCount))];
  }
  if (histogram === undefined) return [];
  if (histogram.schema !== undefined) return [{ ...toSample('', ''), ...fromNative(histogram) }];
  const buckets = (histogram.bucket ?? []).map(({ upperBound, cumulativeCount, exemplar }) => ({
    ...toSample('_bucket', Number(cumulativeCount), { le: numberText(upperBound) }),
    exemplars: toExemplars(exemplar),
  }));
  const { sampleSum = 0, sampleCount = '0' } = histogram;
  return [...buckets, toSample('_sum', sampleSum), toSample('_count', Number(sampleCount))];
}

function fromNative(message: HistogramMessage) {
  const { schema, zeroThreshold, zeroCount, sampleCount, sampleSum = NaN, exemplars = [] } = message;
  return {
    // Prometheus takes no exemplar of a native histogram that has no time.
    exemplars: exemplars.filter(({ timestamp }) => timestamp !== undefined).flatMap(toExemplars),
    histogram: {
      ...{
        schema,
        zeroThreshold,
        zeroCount: Number(zeroCount),
        count: Number(sampleCount),
        sum: numberText(sampleSum),
      },
      positive: fromDeltas(message.positiveSpan, message.positiveDelta),
      negative: fromDeltas(message.negativeSpan, message.negativeDelta),
    },
  };
}

function fromDeltas(spans: readonly SpanMessage[] = [], deltas: readonly string[] = []) {
  let count = 0;
  const counts = deltas.map((delta) => (count += Number(delta)));
  return filled(
    spans.map(({ offset, length }) => [offset, length]),
    counts,
  );
}

function toExemplars(exemplar: ExemplarMessage | undefined) {
  if (exemplar === undefined) return [];
  const { label = [], value = 0, timestamp } = exemplar;
  const labels = Object.fromEntries(label.map((one) => [one.name, one.value]));
  return [{ labels, value: numberText(value), ...(timestamp && { timeMs: timeOf(timestamp) }) }];
}

function timeOf({ seconds = '0', nanos = 0 }: NonNullable<ExemplarMessage['timestamp']>): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** Bounds and quantiles are numbers, however they are written. */
function sorted(labels: Readonly<Record<string, string>>): (readonly [string, string])[] {
  const isStep = (key: string): boolean => key === 'le' || key === 'quantile';
  return Object.entries(labels)
    .map(([key, value]) => [key, isStep(key) ? stepText(value) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function stepText(text: string): string {
  const step = Number(text.replace('Inf', 'Infinity'));
  return Number.isNaN(step) ? text : numberText(step + 0); // A bound -0 is 0.
}

/** As JavaScript writes it, and so the judge. */
function numberText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Math.abs(value) === Infinity) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
