import { latestExemplar } from '../metric/latest-exemplar.ts';
import type { Attributes, Exemplar, NumberPoints } from '../metric/model.ts';
import { type AttributesDraft, readAttribute } from './attributes.ts';
import { readExemplar } from './exemplars.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

/** What points of every kind have. */
export interface Row {
  attributes: AttributesDraft;
  startTimeMs: number;
  timeMs: number;
  flags: number;
}

export interface NumberRow extends Row {
  value: number | undefined;
  integer: boolean;
  exemplar: Exemplar | undefined;
}

const NO_RECORDED_VALUE = 1;

export function isRecorded({ flags }: Row): boolean {
  return (flags & NO_RECORDED_VALUE) === 0;
}

/** Reads one NumberDataPoint and adds it to `rows`, unless it has no value. Of its exemplars it keeps the latest. */
export function readNumberPoint(reader: ProtobufReader, rows: NumberRow[]): void {
  const unset = { value: undefined, integer: false, exemplar: undefined };
  const row: NumberRow = { attributes: {}, startTimeMs: 0, timeMs: 0, flags: 0, ...unset };
  const setValue = (value: number, integer: boolean): void => {
    row.value = value;
    row.integer = integer;
  };
  reader.message((field) => {
    if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) setValue(reader.double(), false);
    else if (field === 5) row.exemplar = latestExemplar(row.exemplar, readExemplar(reader));
    else if (field === 6) setValue(reader.sfixed64(), true);
    else if (field === 7) readAttribute(reader, row.attributes);
    else if (field === 8) row.flags = reader.int64();
  });
  if (row.value !== undefined && isRecorded(row)) rows.push(row);
}

export function numberPoints(rows: readonly NumberRow[]): NumberPoints {
  const exemplars = rows.map((row) => row.exemplar);
  return {
    ...columns(rows),
    values: Float64Array.from(rows, (row) => row.value ?? NaN),
    ...(exemplars.some((exemplar) => exemplar !== undefined) ? { exemplars } : {}),
  };
}

export function columns(rows: readonly Row[]): {
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
