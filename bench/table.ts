import type { Report } from './bench.ts';

const WALL = /_wall_(?=[a-z]+$)/;
const TIMED = /_(?=(ns|ms|rps)$)/;
/** There is no other time than that of the wall. */
const LATENCY = '_p99_ms';

/** Ratios, then figures; the wall time of a figure stands beside its processor time. */
export function formatTable({ ratios, figures }: Report): string {
  const names = Object.keys(figures).filter((name) => !WALL.test(name));
  return lines([
    ['ratio (the peer’s cost over ours)', '', ''],
    ...Object.entries(ratios).map(([name, ratio]) => [name, format(ratio), '']),
    ['', '', ''],
    ['figure', 'CPU', 'wall'],
    ...names.map((name) => [name, ...cellsOf(name, figures)]),
  ]);
}

function cellsOf(name: string, figures: Report['figures']): string[] {
  const figure = format(figures[name]);
  if (name.endsWith(LATENCY)) return ['', figure];
  const wall = name.replace(TIMED, '_wall_');
  return [figure, wall === name ? '' : format(figures[wall])];
}

function format(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function lines(rows: readonly (readonly string[])[]): string {
  const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [first, ...others] = [0, 1, 2].map(widthOf);
  return rows
    .map(([name = '', ...cells]) =>
      `${name.padEnd(first ?? 0)}  ${cells.map((cell, i) => cell.padStart(others[i] ?? 0)).join('  ')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
