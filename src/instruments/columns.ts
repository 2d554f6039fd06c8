type Column = Float64Array | Uint32Array | Uint8Array;

/** A longer column with the same rows, the new ones `fill`. */
export function grown<C extends Column>(column: C, length: number, fill = 0): C {
  const longer = new (column.constructor as new (length: number) => C)(length);
  longer.set(column);
  if (fill !== 0) longer.fill(fill, column.length);
  return longer;
}

/** @param width of a row. @returns a copy of the rows, one after the other. */
export function gathered(column: Float64Array, rows: Int32Array, width = 1): Float64Array<ArrayBuffer> {
  // Nearly always the rows are the first ones without a gap: then it is one copy of memory.
  if (rows.length === 0 || rows[rows.length - 1] === rows.length - 1) return column.slice(0, rows.length * width);
  const out = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    for (let j = 0; j < width; j++) out[i * width + j] = column[from + j]!;
  }
  return out;
}

/** What has been added to each row since it was last `shown`, which is brought up to date. */
export function grownBy(column: Float64Array, shown: Float64Array, rows: Int32Array, width = 1): Float64Array {
  const out = gathered(column, rows, width);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    for (let j = 0; j < width; j++) {
      out[i * width + j] = out[i * width + j]! - shown[from + j]!;
      shown[from + j] = column[from + j]!;
    }
  }
  return out;
}

/** What has not been `shown` of one row is from now on missing in what has been shown of another. */
export function owe(
  column: Float64Array,
  shown: Float64Array,
  { from, to, width = 1 }: { from: number; to: number; width?: number },
): void {
  for (let i = 0; i < width; i++) {
    const [source, target] = [from * width + i, to * width + i];
    shown[target] = shown[target]! - (column[source]! - shown[source]!);
  }
}

/** The sum of each row. @param width of a row. */
export function rowTotals(column: Float64Array, width: number): Float64Array {
  const totals = new Float64Array(column.length / width);
  for (let row = 0; row < totals.length; row++) {
    let total = 0;
    for (let i = row * width; i < (row + 1) * width; i++) total += column[i]!;
    totals[row] = total;
  }
  return totals;
}
