import { isCount } from '../metric/counts.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import type { Block } from './blocks.ts';
import type { ClassicLayout } from './classic-buckets.ts';
import { createExemplarLabels } from './exemplar-labels.ts';
import { bucketsOf } from './explicit-buckets.ts';
import { NUMBER_BYTES_MAX, writeNumber } from './number-bytes.ts';
import { boundText, canonicalText, valueText } from './number-text.ts';
import { isTime, type Rows, type WriteRow, type WriterOptions } from './page-writer.ts';
import type { LabelBytes } from './series-labels.ts';
import { SampleLines, sampleStart, SteppedLines, createLabelWriter, type WriteEnd } from './text-lines.ts';

export interface TextOptions extends WriterOptions {
  /** Else Prometheus' own format, 0.0.4 or 1.0.0, which differ only in the names that they have room for. */
  readonly openMetrics: boolean;
}

const LINE_FEED = 0x0a;

/** Counters, gauges and `target_info`: the labels are all of the line before the value. */
export function numberRows(
  out: ByteWriter,
  { family, block, labels, first, drop }: Rows<Block & { kind: 'number' }>,
  options: TextOptions,
): WriteRow {
  const { values, startTimesMs, exemplars } = block.points;
  const isCounter = block.monotonic;
  const canHaveMore = options.openMetrics && family.type === 'counter';
  const isShown = isWanted(family.sample, options);
  const writeExemplar = canHaveMore && exemplars !== undefined ? exemplarWriter(out, options) : undefined;
  const created = canHaveMore ? createdLines(out, family.name, options) : undefined;
  const { bare, open } = sampleStart(family.sample);
  const [bareBytes, openBytes] = [Buffer.byteLength(bare), Buffer.byteLength(open)];

  return (row) => {
    const value = values[row]!;
    if (isCounter && !(value >= 0)) return drop('bad_value');
    const own = labels.of(first + row);
    const { bytes, from, to } = own;
    if (isShown) {
      out.reserve(to - from + NUMBER_BYTES_MAX + 1);
      out.copy(bytes, from, to);
      writeNumber(out, value);
      const exemplar = exemplars?.[row];
      if (exemplar !== undefined) writeExemplar?.(exemplar);
      out.byte(LINE_FEED);
    }
    if (created === undefined || !isTime(startTimesMs[row]!)) return;
    const isBare = to - from === bareBytes + 1;
    // Without the braces and the space.
    const inner = isBare ? { from, to: from } : { from: from + openBytes, to: to - 2 };
    created.write({ bytes, ...inner }, startTimesMs[row]! / 1e3);
  };
}

/** Explicit buckets, and exponential ones as such. */
export function histogramRows(
  out: ByteWriter,
  { family, block, labels, first, drop }: Rows<Block & { kind: 'histogram' | 'exponential_histogram' }>,
  options: TextOptions & { readonly layoutOf: () => ClassicLayout },
): WriteRow {
  const { bounds, load } = bucketsOf(block, options.layoutOf);
  const les = [...bounds, Infinity].map((bound) => `le="${stepText(bound, options)}"`);
  const name = `${family.sample}_bucket`;
  const lines = isWanted(name, options)
    ? new SteppedLines(out, {
        name,
        steps: les,
        ...(options.openMetrics && { writeEnd: exemplarWriter(out, options) }),
      })
    : undefined;
  const writeTotals = totalsWriter(out, family, options);
  // OpenMetrics has sums only where they can do nothing but grow.
  const hasSum = (sum: number): boolean => !options.openMetrics || (sum >= 0 && !(bounds[0]! < 0));

  return (row) => {
    const loaded = load(row);
    if (loaded === undefined) return drop('bad_value');
    const { counts, at, sum, exemplars } = loaded;
    const own = labels.of(first + row);
    let below = 0;
    for (let i = 0; i < les.length; i++) {
      below += counts[at + i]!;
      lines?.write(i, own, below, exemplars?.[at + i]);
    }
    writeTotals(own, { sum: hasSum(sum) ? sum : NaN, count: below, startTimeMs: block.points.startTimesMs[row]! });
  };
}

/** Quantiles, sum and count. */
export function summaryRows(
  out: ByteWriter,
  { family, block, labels, first, drop }: Rows<Block & { kind: 'summary' }>,
  options: TextOptions,
): WriteRow {
  const { quantiles, quantileValues, sums, counts, startTimesMs } = block.points;
  const steps = quantiles.map((quantile) => `quantile="${stepText(quantile, options)}"`);
  const lines = isWanted(family.sample, options) ? new SteppedLines(out, { name: family.sample, steps }) : undefined;
  const writeTotals = totalsWriter(out, family, options);
  // OpenMetrics has none that are negative.
  const isKnown = (value: number): boolean => !(options.openMetrics && value < 0);

  return (row) => {
    if (!isCount(counts[row]!)) return drop('bad_value');
    const own = labels.of(first + row);
    for (let i = 0; i < steps.length; i++) {
      const value = quantileValues[row * steps.length + i]!;
      if (isKnown(value)) lines?.write(i, own, value);
    }
    const sum = sums[row]!;
    writeTotals(own, { sum: isKnown(sum) ? sum : NaN, count: counts[row]!, startTimeMs: startTimesMs[row]! });
  };
}

interface Totals {
  /** NaN = not known. */
  readonly sum: number;
  readonly count: number;
  /** 0 = not known. */
  readonly startTimeMs: number;
}

function totalsWriter(
  out: ByteWriter,
  { type, name, sample }: Rows['family'],
  options: TextOptions,
): (labels: LabelBytes, totals: Totals) => void {
  const linesOf = (of: string) => (isWanted(of, options) ? new SampleLines(out, of) : undefined);
  const [sums, counts] = [linesOf(`${sample}_sum`), linesOf(`${sample}_count`)];
  const created = options.openMetrics ? createdLines(out, name, options) : undefined;
  // OpenMetrics has a histogram's count if and only if it has the sum; the last bucket says it anyway.
  const countNeedsSum = options.openMetrics && type === 'histogram';
  return (labels, { sum, count, startTimeMs }) => {
    const hasSum = !Number.isNaN(sum);
    if (hasSum) sums?.write(labels, sum);
    if (hasSum || !countNeedsSum) counts?.write(labels, count);
    if (isTime(startTimeMs)) created?.write(labels, startTimeMs / 1e3);
  };
}

function createdLines(out: ByteWriter, name: string, options: TextOptions): SampleLines | undefined {
  const created = `${name}_created`;
  return options.created && isWanted(created, options) ? new SampleLines(out, created) : undefined;
}

function isWanted(name: string, { names }: WriterOptions): boolean {
  return names === undefined || names.has(name);
}

function stepText(step: number, { openMetrics }: TextOptions): string {
  return openMetrics ? canonicalText(step) : boundText(step);
}

function exemplarWriter(out: ByteWriter, { nameOf }: WriterOptions): WriteEnd {
  const labelsOf = createExemplarLabels(nameOf);
  const writeLabels = createLabelWriter();
  return (exemplar) => {
    const { value, timeMs } = exemplar;
    out.utf8(' # {');
    writeLabels(out, labelsOf(exemplar));
    out.utf8(`} ${valueText(value)}${isTime(timeMs) ? ` ${timeMs / 1e3}` : ''}`);
    out.reserve(1);
  };
}
