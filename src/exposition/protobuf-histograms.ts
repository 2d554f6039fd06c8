import { areCounts, hasCounts, totalOf } from '../metric/counts.ts';
import type { Exemplar } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, doubleField, endMessage, sintField, uintField, varint, zigzag } from '../std/protobuf-fields.ts';
import type { Block } from './blocks.ts';
import { SCHEMA_MIN, toNative, type NativeBuckets } from './native-histogram.ts';
import { badUnless, createTimeWriter, type RowWriters, type WriteExemplar } from './protobuf-parts.ts';

/** The field of `Metric`. */
const HISTOGRAM = 7;

export function explicitHistograms(
  out: ByteWriter,
  { points }: Block & { kind: 'histogram' },
  writeExemplar: WriteExemplar,
): RowWriters {
  const { bucketCounts, sums, exemplars, startTimesMs } = points;
  const bounds = [...points.bounds, Infinity];
  const width = bounds.length;
  const writeStart = createTimeWriter(out, 15);
  const writeBucket = (below: number, bound: number, exemplar: Exemplar | undefined): void => {
    const begin = beginMessage(out, 3);
    uintField(out, 1, below);
    doubleField(out, 2, bound);
    writeExemplar(3, exemplar);
    endMessage(out, begin);
  };
  return {
    check: (row) => badUnless(areCounts(bucketCounts, row * width, (row + 1) * width)),
    write: (row) => {
      const begin = beginMessage(out, HISTOGRAM);
      let below = 0;
      for (let i = 0; i < width; i++) {
        below += bucketCounts[row * width + i]!;
        writeBucket(below, bounds[i]!, exemplars?.[row * width + i]);
      }
      uintField(out, 1, below);
      // The format has no way to leave a sum out: without one Prometheus would take it to be 0.
      doubleField(out, 2, sums[row]!);
      writeStart(startTimesMs[row]!);
      endMessage(out, begin);
    },
  };
}

export function nativeHistograms(
  out: ByteWriter,
  { points: { histograms, exemplars, startTimesMs } }: Block & { kind: 'exponential_histogram' },
  writeExemplar: WriteExemplar,
): RowWriters {
  const writeStart = createTimeWriter(out, 15);
  return {
    check: (row) => {
      const histogram = histograms[row]!;
      if (Number.isNaN(histogram.sum)) return 'no_sum';
      return badUnless(histogram.scale >= SCHEMA_MIN && hasCounts(histogram));
    },
    write: (row) => {
      const histogram = histograms[row]!;
      const { zeroCount, positive, negative, sum } = histogram;
      const native = toNative(histogram);
      const begin = beginMessage(out, HISTOGRAM);
      // Not the count that the source says: one that differs has Prometheus refuse the whole page.
      uintField(out, 1, zeroCount + totalOf(positive.counts) + totalOf(negative.counts));
      doubleField(out, 2, sum);
      sintField(out, 5, native.schema);
      doubleField(out, 6, native.zeroThreshold);
      uintField(out, 7, zeroCount);
      writeBuckets(out, { span: 9, delta: 10 }, native.negative);
      writeBuckets(out, { span: 12, delta: 13 }, native.positive);
      writeStart(startTimesMs[row]!);
      for (const exemplar of exemplars?.[row] ?? []) writeExemplar(16, exemplar);
      endMessage(out, begin);
    },
  };
}

function writeBuckets(
  out: ByteWriter,
  fields: { readonly span: number; readonly delta: number },
  { spans, deltas }: NativeBuckets,
): void {
  for (let i = 0; i < spans.length; i += 2) {
    const begin = beginMessage(out, fields.span);
    sintField(out, 1, spans[i]!);
    uintField(out, 2, spans[i + 1]!);
    endMessage(out, begin);
  }
  if (deltas.length === 0) return;
  // The field is declared without packing, but every parser reads both.
  const begin = beginMessage(out, fields.delta);
  for (const delta of deltas) varint(out, zigzag(delta));
  endMessage(out, begin);
}
