import type { Attributes, HistogramPoints, NumberPoints } from '../metric/model.ts';
import { type AttributesDraft, readAttribute } from './attributes.ts';
import { ProtobufError, type ProtobufReader } from './protobuf-reader.ts';

interface Row {
  attributes: AttributesDraft;
  startTimeMs: number;
  timeMs: number;
  flags: number;
}

export interface NumberRow extends Row {
  value: number | undefined;
}

export interface HistogramRow extends Row {
  count: number;
  sum: number;
  bucketCounts: number[];
  bounds: number[];
}

const NO_RECORDED_VALUE = 1;

/** Reads one NumberDataPoint and adds it to `rows`, unless it has no value. */
export function readNumberPoint(reader: ProtobufReader, rows: NumberRow[]): void {
  const row: NumberRow = { attributes: {}, startTimeMs: 0, timeMs: 0, flags: 0, value: undefined };
  reader.message((field) => {
    if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) row.value = reader.double();
    else if (field === 6) row.value = reader.sfixed64();
    else if (field === 7) readAttribute(reader, row.attributes);
    else if (field === 8) row.flags = reader.int64();
  });
  if (row.value !== undefined && (row.flags & NO_RECORDED_VALUE) === 0) rows.push(row);
}

/**
 * Reads one HistogramDataPoint and adds it to `rows`, unless it has no value. One without buckets gets the one that holds its count.
 *
 * @throws ProtobufError also where bounds do not ascend or do not fit the bucket counts.
 */
export function readHistogramPoint(reader: ProtobufReader, rows: HistogramRow[]): void {
  const bucketCounts: number[] = [];
  const bounds: number[] = [];
  const row = { attributes: {}, startTimeMs: 0, timeMs: 0, flags: 0, count: 0, sum: NaN, bucketCounts, bounds };
  reader.message((field) => {
    if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) row.count = reader.fixed64();
    else if (field === 5) row.sum = reader.double();
    else if (field === 6) reader.repeated64(() => bucketCounts.push(reader.fixed64()));
    else if (field === 7) reader.repeated64(() => bounds.push(reader.double()));
    else if (field === 9) readAttribute(reader, row.attributes);
    else if (field === 10) row.flags = reader.int64();
  });
  if ((row.flags & NO_RECORDED_VALUE) !== 0) return;
  if (bucketCounts.length + bounds.length === 0) bucketCounts.push(row.count);
  const ascending = bounds.every((bound, i) => bound < Infinity && bound > (bounds[i - 1] ?? -Infinity));
  if (!ascending || bucketCounts.length !== bounds.length + 1) {
    throw new ProtobufError('invalid_buckets', reader.offset);
  }
  rows.push(row);
}

export function numberPoints(rows: readonly NumberRow[]): NumberPoints {
  return { ...columns(rows), values: Float64Array.from(rows, (row) => row.value ?? NaN) };
}

/** One entry per set of bounds, in the order in which they first come. */
export function histogramPoints(rows: readonly HistogramRow[]): HistogramPoints[] {
  return Array.from(Map.groupBy(rows, (row) => row.bounds.join()).values(), (block) => {
    const bounds = block[0]?.bounds ?? [];
    const width = bounds.length + 1;
    const bucketCounts = new Float64Array(block.length * width);
    block.forEach((row, i) => bucketCounts.set(row.bucketCounts, i * width));
    const counts = Float64Array.from(block, (row) => row.count);
    const sums = Float64Array.from(block, (row) => row.sum);
    return { ...columns(block), bounds, bucketCounts, counts, sums };
  });
}

function columns(rows: readonly Row[]): {
  attributes: Attributes[];
  startTimesMs: Float64Array;
  timesMs: Float64Array;
} {
  return {
    attributes: rows.map((row) => row.attributes),
    startTimesMs: Float64Array.from(rows, (row) => row.startTimeMs),
    timesMs: Float64Array.from(rows, (row) => row.timeMs),
  };
}
