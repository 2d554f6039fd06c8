import { complete } from '../observables/gpu/index.ts';
import type { Gpu } from '../observables/gpu/gpu.ts';

const HEAD = ['index', 'model', 'id', 'utilization', 'memory', 'power', 'temperature', 'state'];

/** A line for each GPU; what is not known is `-`. */
export function gpuTable(gpus: readonly Gpu[]): string {
  const rows = [HEAD, ...gpus.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function cellsOf(gpu: Gpu): string[] {
  const { utilization, memoryUsed, memoryLimit, power, powerLimit, temperature } = complete(gpu);
  return [
    gpu.name,
    gpu.model ?? '-',
    gpu.id,
    withUnit('%', utilization && utilization * 100),
    withUnit('GiB', memoryUsed && memoryUsed / 1024 ** 3, memoryLimit && memoryLimit / 1024 ** 3),
    withUnit('W', power, powerLimit),
    withUnit('°C', temperature),
    gpu.state,
  ];
}

/** `3.2 of 80 GiB`; each of both may be unknown. */
function withUnit(unit: string, ...values: readonly (number | undefined)[]): string {
  if (values.every((value) => value === undefined)) return '-';
  return `${values.map((value) => (value === undefined ? '-' : String(Math.round(value * 10) / 10))).join(' of ')} ${unit}`;
}
