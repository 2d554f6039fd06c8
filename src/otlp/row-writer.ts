import type { Attributes } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage } from '../std/protobuf-fields.ts';
import type { AttributeBytes } from './attribute-bytes.ts';
import { createTimeWriter } from './time-field.ts';

/** Writes the rows of one block as points, which are fields of a metric's data. */
export interface RowWriter {
  readonly attributes: AttributeBytes;
  /** As many as all columns have. */
  readonly rows: number;
  /** @returns whether the point is there: not every row can be one. What was written of it is to be taken back. */
  write(row: number): boolean;
}

/** What points of every kind have. */
export interface PointWriter {
  /** @returns whether attributes and times are written: else the row cannot be a point. */
  begin(row: number): boolean;
  end(): void;
}

export interface PointColumns {
  readonly attributes: readonly Attributes[];
  readonly startTimesMs: Float64Array;
  readonly timesMs: Float64Array;
}

const DATA_POINTS = 1;

export function createPointWriter(
  out: ByteWriter,
  { startTimesMs, timesMs }: PointColumns,
  attributes: AttributeBytes,
): PointWriter {
  const writeStart = createTimeWriter(out, 2);
  const writeTime = createTimeWriter(out, 3);
  // Points of one metric are of nearly the same length.
  let lengthBytes = 1;
  let begun = 0;
  return {
    begin: (row) => {
      begun = beginMessage(out, DATA_POINTS, lengthBytes);
      if (!attributes.copyTo(out, row)) return false;
      writeStart(startTimesMs[row]!);
      writeTime(timesMs[row]!);
      return true;
    },
    end: () => {
      lengthBytes = endMessage(out, begun, lengthBytes);
    },
  };
}

/** The rows that all columns have; foreign ones may be too short. */
export function rowsOf(
  { attributes, startTimesMs, timesMs }: PointColumns,
  ...others: readonly { readonly length: number }[]
): number {
  return Math.min(attributes.length, ...[startTimesMs, timesMs, ...others].map(({ length }) => length));
}
