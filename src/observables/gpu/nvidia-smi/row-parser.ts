import type { GpuField } from '../gpu.ts';
import type { Column, Unit } from './columns.ts';
import { cellsOf, parseRow, SEPARATOR, valueOf, type Row } from './row.ts';

/** The last row of a GPU. */
interface Last {
  row: Row;
  readonly cells: readonly Cell[];
}

interface Cell {
  /** With the separator behind it. */
  text: string;
  /** Only of a measurement that has a value. */
  readonly unit: Unit | undefined;
  /** Only if it is this column that the value is from. */
  readonly field: GpuField | undefined;
}

/** So many GPUs are remembered. */
const KNOWN_MAX = 256;

/**
 * Parses the rows of one run of the program, to what `parseRow` makes of them. As a rule only a few numbers are others than they were in the
 * last row of a GPU: then nothing else is looked at.
 *
 * @returns undefined for a line that is no row.
 */
export function createRowParser(columns: readonly Column[]): (line: string) => Row | undefined {
  const known = new Map<string, Last>();
  return (line) => {
    const index = line.slice(0, line.indexOf(SEPARATOR));
    const last = known.get(index);
    if (last !== undefined && update(last, line)) return last.row;
    known.delete(index);
    const row = parseRow(line, columns);
    if (row !== undefined && known.size < KNOWN_MAX) known.set(index, { row, cells: rememberCells(line, columns) });
    return row;
  };
}

/** @returns false if anything but a measurement is another one. What is left of the last row is of no use then. */
function update(last: Last, line: string): boolean {
  const { gpu } = last.row;
  let values: Partial<Record<GpuField, number>> | undefined;
  let start = 0;
  for (const cell of last.cells) {
    if (!line.startsWith(cell.text, start)) {
      const end = line.indexOf(SEPARATOR, start);
      const value = cell.unit === undefined || end === -1 ? undefined : valueOf(line.slice(start, end), cell.unit);
      if (value === undefined) return false;
      cell.text = line.slice(start, end + SEPARATOR.length);
      if (cell.field !== undefined) (values ??= { ...gpu.values })[cell.field] = value;
    }
    start += cell.text.length;
  }
  if (values !== undefined) last.row = { ...last.row, gpu: { ...gpu, values } };
  return start === line.length;
}

function rememberCells(line: string, columns: readonly Column[]): Cell[] {
  const seen = new Set<GpuField>();
  const texts = cellsOf(line, columns.length) ?? [];
  return texts.map((text, at) => {
    const column = columns[at];
    const isMeasured = column !== undefined && 'field' in column && valueOf(text, column.unit) !== undefined;
    const isFirst = isMeasured && !seen.has(column.field);
    if (isMeasured) seen.add(column.field);
    return {
      text: at < columns.length - 1 ? text + SEPARATOR : text,
      unit: isMeasured ? column.unit : undefined,
      field: isFirst ? column.field : undefined,
    };
  });
}
