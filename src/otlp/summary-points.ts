import type { SummaryPoints } from '../metric/model.ts';
import { readAttribute } from './attributes.ts';
import { columns, isRecorded, type Row } from './points.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

export interface SummaryRow extends Row {
  count: number;
  sum: number;
  readonly quantiles: number[];
  readonly values: number[];
}

/**
 * Reads one SummaryDataPoint and adds it to `rows`, unless it has no value or neither count nor time, in which case it says nothing.
 *
 * @throws ProtobufError also where quantiles do not ascend or are not between 0 and 1.
 */
export function readSummaryPoint(reader: ProtobufReader, rows: SummaryRow[]): void {
  const quantiles: number[] = [];
  const values: number[] = [];
  const row = { attributes: {}, startTimeMs: 0, timeMs: 0, flags: 0, count: 0, sum: 0, quantiles, values };
  const readQuantile = (): void => {
    let [quantile, value] = [0, 0];
    reader.message((field) => {
      if (field === 1) quantile = reader.double();
      else if (field === 2) value = reader.double();
    });
    // At once, so that a point made of empty quantiles, of two bytes each, does not fill the memory first.
    if (!isQuantile(quantile, quantiles.at(-1))) throw new ProtobufError('invalid_quantiles', reader.offset);
    quantiles.push(quantile);
    values.push(value);
  };
  reader.message((field) => {
    if (field === 2) row.startTimeMs = reader.nanosecondsAsMs();
    else if (field === 3) row.timeMs = reader.nanosecondsAsMs();
    else if (field === 4) row.count = reader.fixed64();
    else if (field === 5) row.sum = reader.double();
    else if (field === 6) readQuantile();
    else if (field === 7) readAttribute(reader, row.attributes);
    else if (field === 8) row.flags = reader.int64();
  });
  if (isRecorded(row) && (row.count !== 0 || row.timeMs !== 0)) rows.push(row);
}

/** Whether they ascend and are between 0 and 1. */
export function areQuantiles(quantiles: readonly number[]): boolean {
  return quantiles.every((quantile, i) => isQuantile(quantile, quantiles[i - 1]));
}

function isQuantile(quantile: number, before = -1): boolean {
  return quantile >= 0 && quantile <= 1 && quantile > before;
}

/** One entry per set of quantiles, in the order in which they first come. */
export function summaryPoints(rows: readonly SummaryRow[]): SummaryPoints[] {
  return Array.from(Map.groupBy(rows, (row) => row.quantiles.join()).values(), (block) => ({
    ...columns(block),
    counts: Float64Array.from(block, (row) => row.count),
    sums: Float64Array.from(block, (row) => row.sum),
    quantiles: block[0]?.quantiles ?? [],
    quantileValues: Float64Array.from(block.flatMap((row) => row.values)),
  }));
}
