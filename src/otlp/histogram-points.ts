import { latestExemplar } from '../metric/latest-exemplar.ts';
import type { Exemplar, HistogramPoints } from '../metric/model.ts';
import { FIXED64 } from '../std/protobuf-fields.ts';
import { readAttribute } from './attributes.ts';
import { addExemplar } from './exemplars.ts';
import { columns, isRecorded, type Row } from './points.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

export interface HistogramRow extends Row {
  count: number;
  sum: number;
  min: number;
  max: number;
  bucketCounts: number[];
  bounds: number[];
  exemplars: Exemplar[];
}

/**
 * Reads one HistogramDataPoint and adds it to `rows`, unless it has no value or neither buckets, count nor time, in which case it
 * says nothing. One without buckets gets the one that holds its count.
 *
 * @throws ProtobufError also where bounds do not ascend or do not fit the bucket counts.
 */
export function readHistogramPoint(reader: ProtobufReader, rows: HistogramRow[]): void {
  const row: HistogramRow = {
    attributes: {},
    startTimeMs: 0,
    timeMs: 0,
    flags: 0,
    count: 0,
    sum: NaN,
    min: NaN,
    max: NaN,
    bucketCounts: [],
    bounds: [],
    exemplars: [],
  };
  const onField = (field: number): void => {
    if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) row.count = reader.fixed64();
    else if (field === 5) row.sum = reader.double();
    else if (field === 6) reader.repeated(FIXED64, () => row.bucketCounts.push(reader.fixed64()));
    else if (field === 7) reader.repeated(FIXED64, () => row.bounds.push(reader.double()));
    else if (field === 8) addExemplar(row.exemplars, reader);
    else if (field === 9) readAttribute(reader, row.attributes);
    else if (field === 10) row.flags = reader.int64();
    else if (field === 11) row.min = reader.double();
    else if (field === 12) row.max = reader.double();
  };
  reader.message(onField);
  if (!isRecorded(row)) return;
  if (row.bucketCounts.length + row.bounds.length === 0) {
    if (row.count === 0 && row.timeMs === 0) return;
    row.bucketCounts = [row.count];
  }
  if (!areBounds(row.bounds) || row.bucketCounts.length !== row.bounds.length + 1) {
    throw new ProtobufError('invalid_buckets', reader.offset);
  }
  rows.push(row);
}

/** Whether they ascend and are finite. */
export function areBounds(bounds: readonly number[]): boolean {
  return bounds.every((bound, i) => bound < Infinity && bound > (bounds[i - 1] ?? -Infinity));
}

/** One entry per set of bounds, in the order in which they first come. Of the exemplars of a bucket the latest is kept. */
export function histogramPoints(rows: readonly HistogramRow[]): HistogramPoints[] {
  return Array.from(Map.groupBy(rows, (row) => row.bounds.join()).values(), (block) => {
    const bounds = block[0]?.bounds ?? [];
    const width = bounds.length + 1;
    const bucketCounts = new Float64Array(block.length * width);
    block.forEach((row, i) => bucketCounts.set(row.bucketCounts, i * width));
    const counts = Float64Array.from(block, (row) => row.count);
    const sums = Float64Array.from(block, (row) => row.sum);
    const mins = Float64Array.from(block, (row) => row.min);
    const maxs = Float64Array.from(block, (row) => row.max);
    return {
      ...columns(block),
      bounds,
      bucketCounts,
      counts,
      sums,
      ...(mins.every(Number.isNaN) ? {} : { mins }),
      ...(maxs.every(Number.isNaN) ? {} : { maxs }),
      ...(block.every((row) => row.exemplars.length === 0) ? {} : { exemplars: placeExemplars(block, bounds) }),
    };
  });
}

function placeExemplars(block: readonly HistogramRow[], bounds: readonly number[]): (Exemplar | undefined)[] {
  const width = bounds.length + 1;
  const placed = new Array<Exemplar | undefined>(block.length * width).fill(undefined);
  for (const [row, { exemplars }] of block.entries()) {
    for (const exemplar of exemplars) {
      const at = row * width + bucketOf(exemplar.value, bounds);
      placed[at] = latestExemplar(placed[at], exemplar);
    }
  }
  return placed;
}

/** By bisection: a message may hold a hundred thousand bounds and as many exemplars. */
function bucketOf(value: number, bounds: readonly number[]): number {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (bounds[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
