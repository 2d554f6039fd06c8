import type { HostSources } from '../../src/observables/host/host.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';
import type { Sample } from '../exposition/read-page.ts';
import { isExcluded, type Expected } from './host-readings.ts';

/** Readings of ours, made of theirs. */
export interface Row {
  readonly ours: ObservableName;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Added up, those behind a minus taken off; over all labels that are not in `by`. */
  readonly theirs: readonly string[];
  /** Only samples with these labels. */
  readonly where?: Readonly<Record<string, string>>;
  /** Their labels, and our attributes of the same values. */
  readonly by?: Readonly<Record<string, string>>;
  /** Divides the sum. */
  readonly over?: readonly string[];
  /** 0 if not given: a counter is not less than in our sample before and not more than in the one behind. */
  readonly margin?: number;
}

/** Each CPU's time is cut off to hundredths of a second there, that of all of them here; idle is computed when it is read. */
const CPU_SECONDS = 0.1;
/** They go up and down by this much within the milliseconds of a comparison, and may be outside of both samples of ours then. */
const MEMORY_BYTES = 8 * 2 ** 20;
const MEMORY_SHARE = 0.002;
const FILESYSTEM_BYTES = 8 * 2 ** 20;
const FILESYSTEM_SHARE = 0.002;
const INODES = 200;
/** The time at which the host started is cut off to seconds. */
const UPTIME_SECONDS = 1.1;
/** While disks are slow there are faults that have begun, and are not yet major ones. */
const FAULTS = 100;

const MODES = {
  user: 'user',
  nice: 'nice',
  system: 'system',
  idle: 'idle',
  iowait: 'iowait',
  irq: 'interrupt',
  softirq: 'softirq',
  steal: 'steal',
} as const;

const DEVICE = { device: 'system.device.name' };
const MOUNT = { ...DEVICE, mountpoint: 'system.filesystem.mountpoint', fstype: 'system.filesystem.type' };
const SIZE = 'node_filesystem_size_bytes';
const FREE = 'node_filesystem_free_bytes';
const AVAILABLE = 'node_filesystem_avail_bytes';

export const cpu: readonly Row[] = Object.entries(MODES).map(([mode, ours]) => ({
  ours: 'system.cpu.time',
  attributes: { 'cpu.mode': ours },
  theirs: ['node_cpu_seconds_total'],
  where: { mode },
  margin: CPU_SECONDS,
}));

export const filesystems: readonly Row[] = [
  { ours: 'system.filesystem.limit', theirs: [SIZE], by: MOUNT },
  filesystemUsage('used', [SIZE, `-${FREE}`]),
  filesystemUsage('free', [AVAILABLE]),
  filesystemUsage('reserved', [FREE, `-${AVAILABLE}`]),
  {
    ours: 'system.filesystem.utilization',
    theirs: [SIZE, `-${FREE}`],
    over: [SIZE, `-${FREE}`, AVAILABLE],
    by: MOUNT,
    margin: FILESYSTEM_SHARE,
  },
  inodes('used', ['node_filesystem_files', '-node_filesystem_files_free']),
  inodes('free', ['node_filesystem_files_free']),
];

/** All that both have. */
export const rows: readonly Row[] = [
  ...cpu,
  load('1m', 'node_load1'),
  load('5m', 'node_load5'),
  load('15m', 'node_load15'),
  { ours: 'system.uptime', theirs: ['node_time_seconds', '-node_boot_time_seconds'], margin: UPTIME_SECONDS },
  ...memory('used', ['MemTotal', '-MemFree', '-Cached', '-Buffers']),
  ...memory('free', ['MemFree']),
  ...memory('cached', ['Cached']),
  ...memory('buffers', ['Buffers']),
  { ours: 'system.memory.limit', theirs: ['node_memory_MemTotal_bytes'] },
  { ours: 'system.memory.linux.available', theirs: ['node_memory_MemAvailable_bytes'], margin: MEMORY_BYTES },
  { ours: 'system.memory.linux.shared', theirs: ['node_memory_Shmem_bytes'], margin: MEMORY_BYTES },
  slab('reclaimable', 'node_memory_SReclaimable_bytes'),
  slab('unreclaimable', 'node_memory_SUnreclaim_bytes'),
  ...swap('used', ['SwapTotal', '-SwapFree']),
  ...swap('free', ['SwapFree']),
  paged('in', 'node_vmstat_pswpin'),
  paged('out', 'node_vmstat_pswpout'),
  { ...faults('minor', ['node_vmstat_pgfault', '-node_vmstat_pgmajfault']), margin: FAULTS },
  faults('major', ['node_vmstat_pgmajfault']),
  { ours: 'metergate.host.oom_kills', theirs: ['node_vmstat_oom_kill'] },
  ...disk('read', { bytes: 'read_bytes', operations: 'reads_completed', merged: 'reads_merged', time: 'read_time' }),
  ...disk('write', {
    bytes: 'written_bytes',
    operations: 'writes_completed',
    merged: 'writes_merged',
    time: 'write_time',
  }),
  { ours: 'system.disk.io_time', theirs: ['node_disk_io_time_seconds_total'], by: DEVICE },
  ...filesystems,
  ...network('receive'),
  ...network('transmit'),
  pressure('cpu', 'some', 'node_pressure_cpu_waiting_seconds_total'),
  pressure('memory', 'some', 'node_pressure_memory_waiting_seconds_total'),
  pressure('memory', 'full', 'node_pressure_memory_stalled_seconds_total'),
  pressure('io', 'some', 'node_pressure_io_waiting_seconds_total'),
  pressure('io', 'full', 'node_pressure_io_stalled_seconds_total'),
];

/** node_exporter does not read the line `full` of the CPU, which kernels have since 5.13. */
export const onlyOurs: readonly Pick<Expected, 'name' | 'attributes'>[] = [
  {
    name: 'metergate.host.pressure.time',
    attributes: { 'metergate.pressure.resource': 'cpu', 'metergate.pressure.stall': 'full' },
  },
];

function load(period: string, theirs: string): Row {
  return {
    ours: 'metergate.host.load_average',
    attributes: { 'metergate.host.load.period': period },
    theirs: [theirs],
  };
}

function memory(state: string, keys: readonly string[]): Row[] {
  const theirs = keys.map((key) => (key.startsWith('-') ? `-${meminfo(key.slice(1))}` : meminfo(key)));
  const attributes = { 'system.memory.state': state };
  const over = [meminfo('MemTotal')];
  return [
    { ours: 'system.memory.usage', attributes, theirs, margin: MEMORY_BYTES },
    { ours: 'system.memory.utilization', attributes, theirs, over, margin: MEMORY_SHARE },
  ];
}

function meminfo(key: string): string {
  return `node_memory_${key}_bytes`;
}

function slab(state: string, theirs: string): Row {
  const attributes = { 'system.memory.linux.slab.state': state };
  return { ours: 'system.memory.linux.slab.usage', attributes, theirs: [theirs], margin: MEMORY_BYTES };
}

/** Without swap the share is 0 / 0, which is nothing. */
function swap(state: string, keys: readonly string[]): Row[] {
  const [usage, utilization] = memory(state, keys);
  const attributes = { 'system.paging.state': state };
  return [
    { ...usage, ours: 'system.paging.usage', attributes } as Row,
    { ...utilization, ours: 'system.paging.utilization', attributes, over: [meminfo('SwapTotal')] } as Row,
  ];
}

function paged(direction: string, theirs: string): Row {
  return { ours: 'system.paging.operations', attributes: { 'system.paging.direction': direction }, theirs: [theirs] };
}

function faults(type: string, theirs: readonly string[]): Row {
  return { ours: 'system.paging.faults', attributes: { 'system.paging.fault.type': type }, theirs };
}

function disk(direction: string, names: Readonly<Record<'bytes' | 'operations' | 'merged' | 'time', string>>): Row[] {
  const row = (ours: ObservableName, name: string): Row => ({
    ours,
    attributes: { 'disk.io.direction': direction },
    theirs: [`node_disk_${name}_total`],
    by: DEVICE,
  });
  return [
    row('system.disk.io', names.bytes),
    row('system.disk.operations', names.operations),
    row('system.disk.merged', names.merged),
    row('system.disk.operation_time', `${names.time}_seconds`),
  ];
}

function filesystemUsage(state: string, theirs: readonly string[]): Row {
  const attributes = { 'system.filesystem.state': state };
  return { ours: 'system.filesystem.usage', attributes, theirs, by: MOUNT, margin: FILESYSTEM_BYTES };
}

function inodes(state: string, theirs: readonly string[]): Row {
  const attributes = { 'system.filesystem.state': state };
  return { ours: 'metergate.host.filesystem.inode.usage', attributes, theirs, by: MOUNT, margin: INODES };
}

function network(direction: string): Row[] {
  const row = (ours: ObservableName, name: string): Row => ({
    ours,
    attributes: { 'network.io.direction': direction },
    theirs: [`node_network_${direction}_${name}_total`],
    by: { device: 'network.interface.name' },
  });
  return [
    row('system.network.io', 'bytes'),
    row('system.network.packet.count', 'packets'),
    row('system.network.packet.dropped', 'drop'),
    row('system.network.errors', 'errs'),
  ];
}

function pressure(resource: string, stall: string, theirs: string): Row {
  const attributes = { 'metergate.pressure.resource': resource, 'metergate.pressure.stall': stall };
  return { ours: 'metergate.host.pressure.time', attributes, theirs: [theirs] };
}

/** One of ours for each that their labels `by` tell apart; 0 / 0 is none. */
export function expectedOf(row: Row, page: readonly Sample[]): Expected[] {
  const { ours: name, attributes = {}, where = {}, by = {}, theirs, over, margin = 0 } = row;
  const sums = new Map<string, { sum: number; divisor: number; own: Record<string, string> }>();
  for (const sample of page) {
    if (Object.entries(where).some(([label, value]) => sample.labels.get(label) !== value)) continue;
    const [sign, divides] = [signOf(theirs, sample.name), signOf(over ?? [], sample.name)];
    if (sign === 0 && divides === 0) continue;
    const own = Object.fromEntries(Object.entries(by).map(([label, key]) => [key, sample.labels.get(label) ?? '']));
    const key = JSON.stringify(own);
    const { sum = 0, divisor = 0 } = sums.get(key) ?? {};
    sums.set(key, { sum: sum + sign * sample.value, divisor: divisor + divides * sample.value, own });
  }
  return Array.from(sums.values(), ({ sum, divisor, own }) => ({
    name,
    attributes: { ...attributes, ...own },
    value: over ? sum / divisor : sum,
    margin,
  })).filter(({ value }) => !Number.isNaN(value));
}

function signOf(names: readonly string[], name: string): number {
  if (names.includes(name)) return 1;
  return names.includes(`-${name}`) ? -1 : 0;
}

/** What of their page we have, too: partitions are left out by both, and of the mounts of one device we have the shortest, as df. */
export function shownOf(page: readonly Sample[], sources: HostSources): Sample[] {
  const shown = page.filter((sample) => isShown(sample, sources));
  const depth = ({ labels }: Sample): number => labels.get('mountpoint')?.length ?? 0;
  const isSameSpace = (a: Sample, b: Sample): boolean =>
    a.name === b.name && a.labels.get('device') === b.labels.get('device') && !!a.labels.get('device')?.startsWith('/');
  return shown.filter((sample) => !shown.some((other) => isSameSpace(sample, other) && depth(other) < depth(sample)));
}

function isShown({ name, labels }: Sample, { disks, filesystems, networkInterfaces }: HostSources): boolean {
  const device = labels.get('device') ?? '';
  if (name.startsWith('node_disk_')) return !isExcluded(disks.excluded, device);
  if (name.startsWith('node_network_')) return !isExcluded(networkInterfaces.excluded, device);
  if (!name.startsWith('node_filesystem_')) return true;
  const type = labels.get('fstype') ?? '';
  return filesystems.types.includes(type) && !isExcluded(filesystems.excluded, labels.get('mountpoint') ?? '');
}
