import type { Exemplar, ExponentialBuckets, ExponentialHistogram } from '../../src/metric/model.ts';
import type { ExemplarMessage, FamilyMessage, HistogramMessage, MetricMessage } from './metric-family.ts';
import {
  at,
  exemplarLabels,
  isTime,
  toBuckets,
  type Reference,
  type ReferenceFamily,
  type ReferenceOptions,
  type ReferenceRow,
} from './reference-page.ts';

/** The families of a protobuf page, as another library reads them. */
export function referenceMessages({ families }: Reference, options: ReferenceOptions): FamilyMessage[] {
  return families.map(({ family, rows }: ReferenceFamily) => {
    const metric = rows.map((row) => ({ ...toLabels(row.labels), ...toMetric(row, family.type, options) }));
    return {
      name: family.name,
      ...(family.help !== '' && { help: family.help }),
      type: (family.type === 'info' ? 'gauge' : family.type).toUpperCase() as FamilyMessage['type'],
      ...(metric.length > 0 && { metric }),
      ...(family.unit !== '' && { unit: family.unit }),
    };
  });
}

function toMetric({ block, row }: ReferenceRow, type: string, options: ReferenceOptions): MetricMessage {
  const created = toTimestamp('createdTimestamp', at(block.points.startTimesMs, row));
  switch (block.kind) {
    case 'number': {
      const value = at(block.points.values, row);
      if (type !== 'counter') return { gauge: { value } };
      const exemplar = block.points.exemplars?.[row];
      return { counter: { value, ...(exemplar && { exemplar: toExemplar(exemplar, options) }), ...created } };
    }
    case 'summary': {
      const { quantiles, quantileValues, sums, counts } = block.points;
      const quantile = quantiles.map((own, i) => ({
        quantile: own,
        value: at(quantileValues, row * quantiles.length + i),
      }));
      const sample = { sampleCount: toText(at(counts, row)), sampleSum: at(sums, row) };
      return { summary: { ...sample, ...(quantile.length > 0 && { quantile }), ...created } };
    }
    case 'histogram': {
      const { bounds, below, sum, exemplars } = toBuckets(block, row, [block]);
      const bucket = [...bounds, Infinity].map((upperBound, i) => {
        const exemplar = exemplars[i];
        const own = { cumulativeCount: toText(at(below, i)), upperBound };
        return exemplar === undefined ? own : { ...own, exemplar: toExemplar(exemplar, options) };
      });
      return { histogram: { sampleCount: toText(at(below, bounds.length)), sampleSum: sum, bucket, ...created } };
    }
    case 'exponential_histogram': {
      const exemplars = block.points.exemplars?.[row]?.map((own) => toExemplar(own, options)) ?? [];
      const histogram = toNative(at(block.points.histograms, row));
      return { histogram: { ...histogram, ...created, ...(exemplars.length > 0 && { exemplars }) } };
    }
  }
}

function toNative({
  scale,
  sum,
  zeroCount,
  zeroThreshold,
  positive,
  negative,
}: ExponentialHistogram): HistogramMessage {
  const schema = Math.min(8, scale);
  const [positives, negatives] = [coarser(positive, scale - schema), coarser(negative, scale - schema)];
  const total = [zeroCount, ...positives.values(), ...negatives.values()].reduce((all, own) => all + own, 0);
  const { span: positiveSpan, delta: positiveDelta } = toSpans(positives);
  const { span: negativeSpan, delta: negativeDelta } = toSpans(negatives);
  return {
    sampleCount: toText(total),
    sampleSum: sum,
    schema,
    zeroThreshold: zeroThreshold > 0 ? zeroThreshold : 1e-128,
    zeroCount: toText(zeroCount),
    ...(negativeSpan.length > 0 && { negativeSpan, negativeDelta }),
    ...(positiveSpan.length > 0 && { positiveSpan, positiveDelta }),
  };
}

/** Counts by native index, which is that of the upper bound, ascending. */
function coarser({ offset, counts }: ExponentialBuckets, shift: number): ReadonlyMap<number, number> {
  const merged = new Map<number, number>();
  for (const [i, count] of counts.entries()) {
    const index = Math.ceil((offset + i + 1) / 2 ** shift);
    if (count > 0) merged.set(index, (merged.get(index) ?? 0) + count);
  }
  return merged;
}

function toSpans(counts: ReadonlyMap<number, number>) {
  const span: { offset: number; length: number }[] = [];
  const delta: string[] = [];
  let [before, end] = [0, 0];
  for (const [index, count] of counts) {
    const last = span.at(-1);
    if (last !== undefined && index === end) last.length++;
    else span.push({ offset: index - end, length: 1 });
    delta.push(toText(count - before));
    [before, end] = [count, index + 1];
  }
  return { span, delta };
}

function toExemplar(exemplar: Exemplar, options: ReferenceOptions): ExemplarMessage {
  const { value, timeMs } = exemplar;
  return { ...toLabels(exemplarLabels(exemplar, options)), value, ...toTimestamp('timestamp', timeMs) };
}

function toLabels(labels: readonly string[]) {
  const label = labels.flatMap((name, i) => (i % 2 === 0 ? [{ name, value: at(labels, i + 1) }] : []));
  return label.length > 0 ? { label } : {};
}

function toTimestamp(key: 'timestamp' | 'createdTimestamp', timeMs: number) {
  if (!isTime(timeMs)) return {};
  const seconds = Math.floor(timeMs / 1000);
  const nanos = Math.floor((timeMs - seconds * 1000) * 1e6);
  return { [key]: { seconds: String(seconds), nanos } };
}

/** 64-bit integers are decimal text. */
function toText(count: number): string {
  return String(BigInt(count));
}
