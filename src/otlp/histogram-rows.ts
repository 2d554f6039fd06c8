import { areCounts, isCount } from '../metric/counts.ts';
import type { HistogramPoints } from '../metric/model.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage } from '../std/protobuf-fields.ts';
import type { AttributeBytes } from './attribute-bytes.ts';
import { createExemplarWriter } from './exemplar-field.ts';
import { areBounds } from './histogram-points.ts';
import { writeCount, writeKnown } from './number-field.ts';
import { createPointWriter, rowsOf, type RowWriter } from './row-writer.ts';

const COUNT = 4;
const SUM = 5;
const BUCKET_COUNTS = 6;
const BOUNDS = 7;
const EXEMPLARS = 8;
const MIN = 11;
const MAX = 12;

/** HistogramDataPoint; none where the bounds are not valid. Source: opentelemetry/proto/metrics/v1/metrics.proto */
export function histogramRows(out: ByteWriter, points: HistogramPoints, attributes: AttributeBytes): RowWriter {
  const { bounds, bucketCounts, counts, sums, mins, maxs, exemplars } = points;
  const width = bounds.length + 1;
  const point = createPointWriter(out, points, attributes);
  const writeExemplar = createExemplarWriter(out, { field: EXEMPLARS, integer: false });
  const boundsField = toBoundsField(bounds);
  return {
    attributes,
    rows: areBounds(bounds) ? Math.min(rowsOf(points, counts, sums), Math.floor(bucketCounts.length / width)) : 0,
    write: (row) => {
      const first = row * width;
      if (!isCount(counts[row]!) || !areCounts(bucketCounts, first, first + width) || !point.begin(row)) return false;
      writeCount(out, COUNT, counts[row]!);
      writeKnown(out, SUM, sums[row]);
      writeBuckets(out, bucketCounts, { first, width });
      out.reserve(boundsField.length);
      out.copy(boundsField, 0, boundsField.length);
      if (exemplars !== undefined) {
        for (let i = first; i < first + width; i++) if (exemplars[i] !== undefined) writeExemplar(exemplars[i]!);
      }
      writeKnown(out, MIN, mins?.[row]);
      writeKnown(out, MAX, maxs?.[row]);
      point.end();
      return true;
    },
  };
}

function writeBuckets(out: ByteWriter, counts: Float64Array, { first, width }: { first: number; width: number }): void {
  const begin = beginMessage(out, BUCKET_COUNTS);
  out.reserve(width * 8);
  for (let i = first; i < first + width; i++) out.fixed64(counts[i]!, Math.floor(counts[i]! / 2 ** 32));
  endMessage(out, begin);
}

/** The same in every point; no bytes where there are no bounds. */
function toBoundsField(bounds: readonly number[]): Buffer {
  const field = new ByteWriter(bounds.length * 8 + 16);
  if (bounds.length === 0) return field.take();
  const begin = beginMessage(field, BOUNDS);
  field.reserve(bounds.length * 8);
  for (const bound of bounds) field.double(bound);
  endMessage(field, begin);
  return field.take();
}
