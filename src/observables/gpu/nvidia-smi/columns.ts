import type { GpuField } from '../gpu.ts';

/** What a row says of a GPU besides its measurements. */
export type Detail =
  | 'index'
  | 'count'
  | 'uuid'
  | 'pciAddress'
  | 'driverVersion'
  | 'firmwareVersion'
  | 'migMode'
  | 'recoveryAction'
  | 'rowsPending'
  | 'rowsFailed'
  | 'model';

/** A column of the answer: a detail, or a measurement. */
export type Column = ({ readonly detail: Detail } | { readonly field: GpuField; readonly unit: Unit }) & {
  /** Of the query, the newest first: a driver that rejects one is asked for the next. */
  readonly names: readonly string[];
};

/** A unit of nvidia-smi. */
export interface Unit {
  /** To that of the catalogue. */
  readonly convert: (value: number) => number;
  /** More is no measurement. */
  readonly most: number;
}

const percent: Unit = { convert: (value) => value / 100, most: 200 };
const celsius: Unit = { convert: (value) => value, most: 1000 };
const watts: Unit = { convert: (value) => value, most: 1e5 };
const mebibytes: Unit = { convert: (value) => value * 2 ** 20, most: 1e9 };
const megahertz: Unit = { convert: (value) => value * 1e6, most: 1e5 };
const microseconds: Unit = { convert: (value) => value / 1e6, most: Number.MAX_SAFE_INTEGER };
const count: Unit = { convert: (value) => value, most: Number.MAX_SAFE_INTEGER };

const measured = (field: GpuField, unit: Unit, ...names: string[]): Column => ({ field, unit, names });

/** Renamed with driver 535. */
const throttledBy = (field: GpuField, reason: string): Column =>
  measured(field, count, `clocks_event_reasons.${reason}`, `clocks_throttle_reasons.${reason}`);

/** Since driver 570. */
const throttledSecondsBy = (field: GpuField, reason: string): Column =>
  measured(field, microseconds, `clocks_event_reasons_counters.${reason}`);

/**
 * All that is asked of `nvidia-smi`; its `--help-query-gpu` is the reference. Of two columns of one field the first that has a value
 * counts. The model is last, since its name may contain the comma that the answer is separated by.
 */
const columns: readonly Column[] = [
  { detail: 'index', names: ['index'] },
  { detail: 'count', names: ['count'] },
  { detail: 'uuid', names: ['uuid', 'gpu_uuid'] },
  { detail: 'pciAddress', names: ['pci.bus_id'] },
  { detail: 'driverVersion', names: ['driver_version'] },
  { detail: 'firmwareVersion', names: ['vbios_version'] },
  { detail: 'migMode', names: ['mig.mode.current'] },
  { detail: 'recoveryAction', names: ['gpu_recovery_action'] },
  { detail: 'rowsPending', names: ['remapped_rows.pending'] },
  { detail: 'rowsFailed', names: ['remapped_rows.failure'] },
  measured('utilization', percent, 'utilization.gpu'),
  measured('memoryCopyUtilization', percent, 'utilization.memory'),
  measured('encoderUtilization', percent, 'utilization.encoder'),
  measured('decoderUtilization', percent, 'utilization.decoder'),
  measured('jpegUtilization', percent, 'utilization.jpeg'),
  measured('opticalFlowUtilization', percent, 'utilization.ofa'),
  measured('memoryUsed', mebibytes, 'memory.used'),
  measured('memoryLimit', mebibytes, 'memory.total'),
  measured('memoryReserved', mebibytes, 'memory.reserved'),
  measured('power', watts, 'power.draw.instant'),
  measured('power', watts, 'power.draw'),
  measured('powerLimit', watts, 'enforced.power.limit'),
  measured('powerLimit', watts, 'power.limit'),
  measured('temperature', celsius, 'temperature.gpu'),
  measured('memoryTemperature', celsius, 'temperature.memory'),
  measured('fanSpeed', percent, 'fan.speed'),
  measured('graphicsClock', megahertz, 'clocks.current.graphics'),
  measured('smClock', megahertz, 'clocks.current.sm'),
  measured('memoryClock', megahertz, 'clocks.current.memory'),
  measured('videoClock', megahertz, 'clocks.current.video'),
  measured('performanceState', count, 'pstate'),
  throttledBy('throttledByPowerCap', 'sw_power_cap'),
  throttledBy('throttledByThermal', 'sw_thermal_slowdown'),
  throttledBy('throttledByHardwareThermal', 'hw_thermal_slowdown'),
  throttledBy('throttledByPowerBrake', 'hw_power_brake_slowdown'),
  throttledBy('throttledBySyncBoost', 'sync_boost'),
  throttledSecondsBy('throttledSecondsByPowerCap', 'sw_power_cap'),
  throttledSecondsBy('throttledSecondsByThermal', 'sw_thermal_slowdown'),
  throttledSecondsBy('throttledSecondsByHardwareThermal', 'hw_thermal_slowdown'),
  throttledSecondsBy('throttledSecondsByPowerBrake', 'hw_power_brake_slowdown'),
  throttledSecondsBy('throttledSecondsBySyncBoost', 'sync_boost'),
  measured('correctedErrors', count, 'ecc.errors.corrected.volatile.total'),
  measured('uncorrectedErrors', count, 'ecc.errors.uncorrected.volatile.total'),
  measured('correctedRows', count, 'remapped_rows.correctable'),
  measured('uncorrectedRows', count, 'remapped_rows.uncorrectable'),
  measured('linkGeneration', count, 'pcie.link.gen.gpucurrent', 'pcie.link.gen.current'),
  measured('linkWidth', count, 'pcie.link.width.current'),
  { detail: 'model', names: ['name', 'gpu_name'] },
];

/** What one run of the program is asked for, in order. */
export interface Query {
  readonly columns: readonly Column[];
  /** The name that each column is asked for by. */
  readonly names: readonly string[];
}

/** @param rejected names that the driver does not know; there is no row without an index, so that one is asked for all the same. */
export function createQuery(rejected: ReadonlySet<string>): Query {
  const asked = columns.flatMap((column) => {
    const name = column.names.find((one) => one === 'index' || !rejected.has(one));
    return name === undefined ? [] : { column, name };
  });
  return { columns: asked.map(({ column }) => column), names: asked.map(({ name }) => name) };
}

/**
 * What nvidia-smi says before it exits with status 2, on standard output, about the first name that its driver does not know. To go by
 * it serves every version without a table of versions.
 */
const REJECTION = /^Field "([^"]+)" is not a valid field to query/;

/** Names that a driver knows all or none of, so that it need not be asked for each. */
const FAMILIES = ['clocks_event_reasons.', 'clocks_event_reasons_counters.', 'remapped_rows.'];

/** @returns those of the names that the line rejects; none when it says something else. */
export function rejectedNames(line: string, names: readonly string[]): string[] {
  const rejected = REJECTION.exec(line)?.[1];
  if (rejected === undefined || !names.includes(rejected)) return [];
  const family = FAMILIES.find((prefix) => rejected.startsWith(prefix));
  return names.filter((name) => (family === undefined ? name === rejected : name.startsWith(family)));
}
