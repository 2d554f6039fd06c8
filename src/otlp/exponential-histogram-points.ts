import type {
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
  ExponentialHistogramPoints,
} from '../metric/model.ts';
import { VARINT } from '../std/protobuf-fields.ts';
import { readAttribute } from './attributes.ts';
import { addExemplar } from './exemplars.ts';
import { columns, isRecorded, type Row } from './points.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

export interface ExponentialHistogramRow extends Row {
  readonly histogram: ExponentialHistogram;
  readonly exemplars: readonly Exemplar[];
}

interface BucketsDraft {
  offset: number;
  readonly counts: number[];
}

/**
 * Reads one ExponentialHistogramDataPoint and adds it to `rows`, unless it has no value or neither count nor time, in which case it
 * says nothing.
 */
export function readExponentialHistogramPoint(reader: ProtobufReader, rows: ExponentialHistogramRow[]): void {
  const row = { attributes: {}, startTimeMs: 0, timeMs: 0, flags: 0 };
  const histogram = { scale: 0, count: 0, sum: NaN, min: NaN, max: NaN, zeroCount: 0, zeroThreshold: 0 };
  const positive: BucketsDraft = { offset: 0, counts: [] };
  const negative: BucketsDraft = { offset: 0, counts: [] };
  const exemplars: Exemplar[] = [];
  reader.message((field) => {
    if (field === 1) readAttribute(reader, row.attributes);
    else if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) histogram.count = reader.fixed64();
    else if (field === 5) histogram.sum = reader.double();
    else if (field === 6) histogram.scale = reader.sint32();
    else if (field === 7) histogram.zeroCount = reader.fixed64();
    else if (field === 8) readBuckets(reader, positive);
    else if (field === 9) readBuckets(reader, negative);
    else if (field === 10) row.flags = reader.int64();
    else if (field === 11) addExemplar(exemplars, reader);
    else if (field === 12) histogram.min = reader.double();
    else if (field === 13) histogram.max = reader.double();
    else if (field === 14) histogram.zeroThreshold = reader.double();
  });
  if (!isRecorded(row) || (histogram.count === 0 && row.timeMs === 0)) return;
  rows.push({
    ...row,
    histogram: { ...histogram, positive: toBuckets(positive), negative: toBuckets(negative) },
    exemplars,
  });
}

export function exponentialHistogramPoints(rows: readonly ExponentialHistogramRow[]): ExponentialHistogramPoints {
  return {
    ...columns(rows),
    histograms: rows.map((row) => row.histogram),
    ...(rows.every((row) => row.exemplars.length === 0) ? {} : { exemplars: rows.map((row) => row.exemplars) }),
  };
}

function readBuckets(reader: ProtobufReader, buckets: BucketsDraft): void {
  reader.message((field) => {
    if (field === 1) buckets.offset = reader.sint32();
    else if (field === 2) reader.repeated(VARINT, () => buckets.counts.push(reader.uint64()));
  });
}

/** Shared, because an empty typed array takes more memory than a whole point does on the wire. */
const NO_COUNTS = new Float64Array(0);

function toBuckets({ offset, counts }: BucketsDraft): ExponentialBuckets {
  return { offset, counts: counts.length === 0 ? NO_COUNTS : Float64Array.from(counts) };
}
