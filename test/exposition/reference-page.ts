import { classicLayout } from '../../src/exposition/classic-buckets.ts';
import type { Dropped, DropReason, Family } from '../../src/exposition/families.ts';
import { labelNaming } from '../../src/exposition/family-naming.ts';
import { toFamilies } from './to-families.ts';
import type { Block } from '../../src/exposition/blocks.ts';
import type { ExpositionOptions, PageOptions } from '../../src/exposition/index.ts';
import { createLabeller, type Labels } from '../../src/exposition/labels.ts';
import type { Exemplar, ExponentialHistogram, Snapshot } from '../../src/metric/model.ts';
import type { Sample } from './read-page.ts';

// What a page must say, worked out slowly and simply from the families of the snapshot: no bytes, no caches, no slices. Names, labels and
// grouping are the program's own and have tests of their own.

export type ReferenceOptions = ExpositionOptions & PageOptions;

export interface ReferenceRow {
  readonly block: Block;
  readonly row: number;
  readonly labels: Labels;
}

export interface ReferenceFamily {
  readonly family: Family;
  readonly rows: readonly ReferenceRow[];
}

export interface Reference {
  readonly families: readonly ReferenceFamily[];
  readonly dropped: readonly Dropped[];
}

export function referenceFamilies(snapshot: Snapshot, options: ReferenceOptions): Reference {
  const dropped: Dropped[] = [];
  const families = toFamilies(snapshot, options, (one) => void dropped.push(one));
  return { families: families.map((family) => ({ family, rows: shownRows(family, options, dropped) })), dropped };
}

function shownRows(family: Family, { format }: PageOptions, dropped: Dropped[]): ReferenceRow[] {
  const rows: ReferenceRow[] = [];
  const known = new Set<string>();
  for (const block of family.blocks) {
    for (const [row, attributes] of block.points.attributes.entries()) {
      const drop = (reason: DropReason): void => void dropped.push({ name: block.metric, reason, series: 1 });
      let labels: Labels;
      try {
        labels = [...block.labelsOf(attributes)];
      } catch {
        drop('bad_attributes');
        continue;
      }
      const key = JSON.stringify(labels);
      const reason = known.has(key) ? 'duplicate_series' : reasonOf(block, row, format);
      known.add(key);
      if (reason === undefined) rows.push({ block, row, labels });
      else drop(reason);
    }
  }
  return rows;
}

function reasonOf(block: Block, row: number, format: PageOptions['format']): DropReason | undefined {
  const bad = (isBad: boolean): DropReason | undefined => (isBad ? 'bad_value' : undefined);
  switch (block.kind) {
    case 'number':
      return bad(block.monotonic && !(at(block.points.values, row) >= 0));
    case 'histogram':
      return bad(!bucketsOf(block, row).every(isCount));
    case 'summary':
      return bad(!isCount(at(block.points.counts, row)));
    case 'exponential_histogram': {
      const { scale, sum, zeroCount, positive, negative } = at(block.points.histograms, row);
      const counts = [zeroCount, ...positive.counts, ...negative.counts];
      if (format !== 'protobuf') return bad(!counts.every(isCount));
      if (Number.isNaN(sum)) return 'no_sum';
      return bad(scale < -4 || !counts.every(isCount));
    }
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 2 ** 53;
}

function bucketsOf({ points }: Block & { kind: 'histogram' }, row: number): readonly number[] {
  const width = points.bounds.length + 1;
  return [...points.bucketCounts.subarray(row * width, (row + 1) * width)];
}

/** The samples of a text format, in their order. */
export function referenceSamples({ families }: Reference, options: ReferenceOptions): Sample[] {
  return families.flatMap(({ family, rows }) => rows.flatMap((row) => samplesOf(family, row, options)));
}

function samplesOf(family: Family, { block, row, labels }: ReferenceRow, options: ReferenceOptions): Sample[] {
  const { name, sample, type } = family;
  const openMetrics = options.format === 'openmetrics';
  const toSample = (suffix: string, value: number, more: readonly string[] = []): Sample => ({
    name: suffix === '_created' ? `${name}_created` : `${sample}${suffix}`,
    labels: toMap([...labels, ...more]),
    value,
  });
  const startTimeMs = at(block.points.startTimesMs, row);
  const hasStart = openMetrics && options.created && isTime(startTimeMs);
  const created = hasStart ? [toSample('_created', startTimeMs / 1000)] : [];
  const withExemplar = (own: Sample, exemplar: Exemplar | undefined): Sample =>
    openMetrics && exemplar !== undefined ? { ...own, exemplar: toExemplar(exemplar, options) } : own;

  switch (block.kind) {
    case 'number': {
      const total = toSample('', at(block.points.values, row));
      if (type !== 'counter') return [total];
      return [withExemplar(total, block.points.exemplars?.[row]), ...created];
    }
    case 'summary': {
      const { quantiles, quantileValues, sums, counts } = block.points;
      const isKnown = ({ value }: Sample): boolean => !(openMetrics && value < 0);
      const values = quantiles.map((quantile, i) =>
        toSample('', at(quantileValues, row * quantiles.length + i), ['quantile', stepText(quantile, openMetrics)]),
      );
      const sum = at(sums, row);
      const hasSum = !Number.isNaN(sum) && !(openMetrics && sum < 0);
      return [
        ...values.filter(isKnown),
        ...(hasSum ? [toSample('_sum', sum)] : []),
        toSample('_count', at(counts, row)),
        ...created,
      ];
    }
    default: {
      const { bounds, below, sum, exemplars } = toBuckets(block, row, family.blocks);
      const buckets = [...bounds, Infinity].map((bound, i) =>
        withExemplar(toSample('_bucket', at(below, i), ['le', stepText(bound, openMetrics)]), exemplars[i]),
      );
      const hasSum = !Number.isNaN(sum) && !(openMetrics && (sum < 0 || bounds.some((bound) => bound < 0)));
      return [
        ...buckets,
        ...(hasSum ? [toSample('_sum', sum)] : []),
        ...(hasSum || !openMetrics ? [toSample('_count', at(below, bounds.length))] : []),
        ...created,
      ];
    }
  }
}

function exponentialsOf(blocks: readonly Block[]): ExponentialHistogram[] {
  return blocks.flatMap((block) => (block.kind === 'exponential_histogram' ? block.points.histograms : []));
}

/** @param all blocks of the family: exponential ones have the same bounds. */
export function toBuckets(
  block: Block & { kind: 'histogram' | 'exponential_histogram' },
  row: number,
  all: readonly Block[],
) {
  if (block.kind === 'histogram') {
    const { bounds, sums, exemplars } = block.points;
    const counts = bucketsOf(block, row);
    const below = counts.map((_, i) => counts.slice(0, i + 1).reduce((total, count) => total + count, 0));
    const width = bounds.length + 1;
    return { bounds, below, sum: at(sums, row), exemplars: exemplars?.slice(row * width, (row + 1) * width) ?? [] };
  }
  const histogram = at(block.points.histograms, row);
  const { bounds } = classicLayout(exponentialsOf(all));
  const below = [...bounds, Infinity].map((bound) => countUpTo(histogram, bound));
  const sum = histogram.negative.counts.some((count) => count > 0) ? NaN : histogram.sum;
  const exemplars: (Exemplar | undefined)[] = [];
  for (const exemplar of block.points.exemplars?.[row] ?? []) {
    const bucket = bounds.filter((bound) => !(exemplar.value <= bound)).length;
    const latest = exemplars[bucket];
    if (latest === undefined || latest.timeMs <= exemplar.timeMs) exemplars[bucket] = exemplar;
  }
  return { bounds, below, sum, exemplars };
}

/** Of whole buckets that end at or below a bound that is not negative, with all that is negative or zero. */
export function countUpTo({ scale, zeroCount, positive, negative }: ExponentialHistogram, bound: number): number {
  let count = zeroCount;
  for (const own of negative.counts) count += own;
  for (const [i, own] of positive.counts.entries()) {
    // Compared as exponents, which do not overflow.
    if (own > 0 && (positive.offset + i + 1) * 2 ** -scale <= Math.log2(bound)) count += own;
  }
  return count;
}

export function toExemplar(exemplar: Exemplar, options: ReferenceOptions): NonNullable<Sample['exemplar']> {
  const { value, timeMs } = exemplar;
  const labels = toMap(exemplarLabels(exemplar, options));
  return { labels, value, ...(isTime(timeMs) && { timestamp: timeMs / 1000 }) };
}

export function exemplarLabels({ traceId, spanId, attributes = {} }: Exemplar, options: ReferenceOptions): Labels {
  const span = traceId === '' ? [] : ['trace_id', traceId, 'span_id', spanId];
  let others: Labels = [];
  try {
    others = createLabeller({ nameOf: labelNaming(options) })(attributes).map((text) =>
      text.replaceAll('\0', '\ufffd'),
    );
  } catch {
    // What has no text is not there.
  }
  const names = others.filter((_, i) => i % 2 === 0);
  const isLong = Array.from([...span, ...others].join('').replace(/[\\"\n]/g, '__')).length > 128;
  return isLong || names.includes('trace_id') || names.includes('span_id') ? span : [...span, ...others];
}

export function isTime(timeMs: number): boolean {
  return timeMs > 0 && timeMs <= 8.64e15;
}

export function toMap(labels: Labels): ReadonlyMap<string, string> {
  return new Map(labels.flatMap((name, i) => (i % 2 === 0 ? [[name, at(labels, i + 1)]] : [])));
}

/** As Go writes it, in another way than the program does; OpenMetrics' whole numbers have `.0`. */
function stepText(step: number, openMetrics: boolean): string {
  if (step === Infinity) return '+Inf';
  if (step === -Infinity) return '-Inf';
  const magnitude = Math.abs(step);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e6)) {
    return step.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  const text = Object.is(step, -0) ? '-0' : String(step);
  return openMetrics && !text.includes('.') ? `${text}.0` : text;
}

export function at<T>(list: ArrayLike<T>, index: number): T {
  if (!(index < list.length)) throw new Error(`nothing at ${index}`);
  return list[index] as T;
}
