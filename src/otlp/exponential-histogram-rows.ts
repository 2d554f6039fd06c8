import { hasCounts, isCount } from '../metric/counts.ts';
import type { ExponentialBuckets, ExponentialHistogram, ExponentialHistogramPoints } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage, sintField, varint } from '../std/protobuf-fields.ts';
import type { AttributeBytes } from './attribute-bytes.ts';
import { createExemplarWriter } from './exemplar-field.ts';
import { writeCount, writeKnown } from './number-field.ts';
import { createPointWriter, rowsOf, type RowWriter } from './row-writer.ts';

const COUNT = 4;
const SUM = 5;
const SCALE = 6;
const ZERO_COUNT = 7;
const POSITIVE = 8;
const NEGATIVE = 9;
const EXEMPLARS = 11;
const MIN = 12;
const MAX = 13;
const ZERO_THRESHOLD = 14;

/** ExponentialHistogramDataPoint. Source: opentelemetry/proto/metrics/v1/metrics.proto */
export function exponentialHistogramRows(
  out: ByteWriter,
  points: ExponentialHistogramPoints,
  attributes: AttributeBytes,
): RowWriter {
  const { histograms, exemplars } = points;
  const point = createPointWriter(out, points, attributes);
  const writeExemplar = createExemplarWriter(out, { field: EXEMPLARS, integer: false });
  return {
    attributes,
    rows: rowsOf(points, histograms),
    write: (row) => {
      const histogram = histograms[row]!;
      if (!isValid(histogram) || !point.begin(row)) return false;
      const { count, sum, scale, zeroCount, positive, negative, min, max, zeroThreshold } = histogram;
      writeCount(out, COUNT, count);
      writeKnown(out, SUM, sum);
      if (scale !== 0) sintField(out, SCALE, scale);
      writeCount(out, ZERO_COUNT, zeroCount);
      writeBuckets(out, POSITIVE, positive);
      writeBuckets(out, NEGATIVE, negative);
      for (const exemplar of exemplars?.[row] ?? []) writeExemplar(exemplar);
      writeKnown(out, MIN, min);
      writeKnown(out, MAX, max);
      if (zeroThreshold !== 0) writeKnown(out, ZERO_THRESHOLD, zeroThreshold);
      point.end();
      return true;
    },
  };
}

function isValid(histogram: ExponentialHistogram): boolean {
  const { count, scale, positive, negative } = histogram;
  const areIntegers = isInt32(scale) && isInt32(positive.offset) && isInt32(negative.offset);
  return areIntegers && isCount(count) && hasCounts(histogram);
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

function writeBuckets(out: ByteWriter, field: number, { offset, counts }: ExponentialBuckets): void {
  const begin = beginMessage(out, field);
  if (offset !== 0) sintField(out, 1, offset);
  if (counts.length > 0) {
    const inner = beginMessage(out, 2);
    for (const count of counts) varint(out, count);
    endMessage(out, inner);
  }
  endMessage(out, begin);
}
