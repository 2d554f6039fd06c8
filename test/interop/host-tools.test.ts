// The host's readings beside what people would ask a machine with: free, df, vmstat, nproc, uptime, and files of the kernel that we do not read.
import { execFile, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { HostSources } from '../../src/observables/host/host.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';
import { assertAgrees, isExcluded, openHost, type Expected } from './host-readings.ts';

interface Tool {
  readonly program: string;
  readonly args: readonly string[];
  readonly read: (output: string, sources: HostSources) => Expected[];
}

/** Memory, and filesystems on which others work, go up and down by this much within milliseconds. */
const MOVING_BYTES = 8 * 2 ** 20;
const MOVING_INODES = 200;
/** Of a mode; idle is computed when it is read. */
const CPU_SECONDS = 0.05;
const TICKS_PER_SECOND = 100;
/** df shows whole percents, rounded up; this is the middle of one, and half of it. */
const PERCENT = { middle: 0.005, margin: 0.0051 };
const SECTOR_BYTES = 512;

const tools: Readonly<Record<string, Tool>> = {
  'free, of memory': { program: 'sh', args: ['-c', 'free --bytes --wide && grep SRecl /proc/meminfo'], read: memory },
  'free, of swap': { program: 'free', args: ['--bytes'], read: swap },
  'df, of space': { program: 'df', args: ['--block-size=1', '--portability', '--print-type'], read: space },
  'df, of inodes': { program: 'df', args: ['--inodes', '--portability', '--print-type'], read: inodes },
  'vmstat, of CPU time': { program: 'vmstat', args: ['--stats'], read: cpuTime },
  'vmstat, of swapping': { program: 'vmstat', args: ['--stats'], read: swapping },
  'nproc, of CPUs': {
    program: 'nproc',
    args: ['--all'],
    read: (output) => [expected('system.cpu.logical.count', {}, Number(output))],
  },
  'uptime, of load': { program: 'uptime', args: [], read: load },
  'uptime, of itself': { program: 'sh', args: ['-c', 'date +%s.%N && uptime --since'], read: uptime },
  '/sys/class/net, of network interfaces': {
    program: 'sh',
    args: ['-c', 'grep --with-filename . /sys/class/net/*/statistics/*'],
    read: network,
  },
  '/sys/block, of disks': { program: 'sh', args: ['-c', 'grep --with-filename . /sys/block/*/stat'], read: disks },
};

describe('beside the tools of the machine', () => {
  for (const [name, { program, args, read }] of Object.entries(tools)) {
    const skip = spawnSync(program, ['--version']).error !== undefined && `${program} not found`;
    it(`the same as by ${name}`, { skip }, async (t) => {
      const host = openHost();
      const ask = async (): Promise<Expected[]> => {
        const { stdout } = await run(program, args, { env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } });
        return read(stdout, host.sources);
      };
      if ((await ask()).length === 0) t.skip('it knows of none here');
      else await assertAgrees({ host, expected: ask });
    });
  }
});

const run = promisify(execFile);

function expected(name: ObservableName, attributes: Expected['attributes'], value: number, margin = 0): Expected {
  return { name, attributes, value, margin };
}

/** What free calls cache has the slabs that can be reclaimed, which are in used here, and apart. */
function memory(output: string): Expected[] {
  const [total = NaN, , free = NaN, shared = NaN, buffers = NaN, cache = NaN, available = NaN] = numbersOf(
    output,
    'Mem:',
  );
  const [kibibytes = NaN] = numbersOf(output, 'SReclaimable:');
  const cached = cache - kibibytes * 1024;
  const states = { free, buffers, cached, used: total - free - buffers - cached };
  return [
    expected('system.memory.limit', {}, total),
    ...Object.entries(states).map(([state, bytes]) =>
      expected('system.memory.usage', { 'system.memory.state': state }, bytes, MOVING_BYTES),
    ),
    expected('system.memory.linux.available', {}, available, MOVING_BYTES),
    expected('system.memory.linux.shared', {}, shared, MOVING_BYTES),
  ];
}

function swap(output: string): Expected[] {
  const [, used = NaN, free = NaN] = numbersOf(output, 'Swap:');
  return Object.entries({ used, free }).map(([state, bytes]) =>
    expected('system.paging.usage', { 'system.paging.state': state }, bytes, MOVING_BYTES),
  );
}

function space(output: string, sources: HostSources): Expected[] {
  return mountsOf(output, sources).flatMap(({ mount, limit, used, available, percent }) => [
    expected('system.filesystem.limit', mount, limit),
    ...Object.entries({ used, free: available, reserved: limit - used - available }).map(([state, bytes]) =>
      expected('system.filesystem.usage', { ...mount, 'system.filesystem.state': state }, bytes, MOVING_BYTES),
    ),
    expected('system.filesystem.utilization', mount, percent / 100 - PERCENT.middle, PERCENT.margin),
  ]);
}

function inodes(output: string, sources: HostSources): Expected[] {
  return mountsOf(output, sources).flatMap(({ mount, used, available: free }) =>
    Object.entries({ used, free }).map(([state, count]) =>
      expected(
        'metergate.host.filesystem.inode.usage',
        { ...mount, 'system.filesystem.state': state },
        count,
        MOVING_INODES,
      ),
    ),
  );
}

/** Of df: those that we show; the lines of others may have no numbers. */
function mountsOf(output: string, { filesystems }: HostSources) {
  const lines = output.matchAll(/^(.+?) +(\S+) +(\d+) +(\d+) +(\d+) +(\d+)% +(\/.*)$/gm);
  return Array.from(lines, ([, device = '', type = '', limit, used, available, percent, mountpoint = '']) => ({
    mount: {
      'system.device.name': device,
      'system.filesystem.type': type,
      'system.filesystem.mountpoint': mountpoint,
    },
    limit: Number(limit),
    used: Number(used),
    available: Number(available),
    percent: Number(percent),
  })).filter(
    ({ mount }) =>
      filesystems.types.includes(mount['system.filesystem.type']) &&
      !isExcluded(filesystems.excluded, mount['system.filesystem.mountpoint']),
  );
}

function cpuTime(output: string): Expected[] {
  const modes = {
    'non-nice user': 'user',
    'nice user': 'nice',
    system: 'system',
    idle: 'idle',
    'IO-wait': 'iowait',
    IRQ: 'interrupt',
    softirq: 'softirq',
    stolen: 'steal',
  };
  return Object.entries(modes).map(([theirs, mode]) =>
    expected(
      'system.cpu.time',
      { 'cpu.mode': mode },
      countOf(output, `${theirs} cpu ticks`) / TICKS_PER_SECOND,
      CPU_SECONDS,
    ),
  );
}

function swapping(output: string): Expected[] {
  return ['in', 'out'].map((direction) =>
    expected(
      'system.paging.operations',
      { 'system.paging.direction': direction },
      countOf(output, `pages swapped ${direction}`),
    ),
  );
}

function load(output: string): Expected[] {
  const averages = numbersOf(output.replaceAll(',', ''), 'load average:');
  return ['1m', '5m', '15m'].map((period, i) =>
    expected('metergate.host.load_average', { 'metergate.host.load.period': period }, averages[i] ?? NaN),
  );
}

/** It says since when, to the second. */
function uptime(output: string): Expected[] {
  const [now = '', since = ''] = output.trim().split('\n');
  return [expected('system.uptime', {}, Number(now) - Date.parse(`${since}Z`) / 1000, 1.1)];
}

function network(output: string, { networkInterfaces }: HostSources): Expected[] {
  const lines = output.matchAll(/^\/sys\/class\/net\/([^/]+)\/statistics\/(\w+):(\d+)$/gm);
  const byInterface = Map.groupBy(lines, ([, name = '']) => name);
  return [...byInterface]
    .filter(([name]) => !isExcluded(networkInterfaces.excluded, name))
    .flatMap(([name, own]) => {
      const counts = new Map(own.map(([, , key, value]) => [key, Number(value)]));
      const of = (key: string): number => counts.get(key) ?? NaN;
      const both = (instrument: ObservableName, received: number, transmitted: number): Expected[] =>
        Object.entries({ receive: received, transmit: transmitted }).map(([direction, value]) =>
          expected(instrument, { 'network.interface.name': name, 'network.io.direction': direction }, value),
        );
      return [
        ...both('system.network.io', of('rx_bytes'), of('tx_bytes')),
        ...both('system.network.packet.count', of('rx_packets'), of('tx_packets')),
        // /proc/net/dev, which everybody reads, counts what found no room in the device as dropped, too.
        ...both('system.network.packet.dropped', of('rx_dropped') + of('rx_missed_errors'), of('tx_dropped')),
        ...both('system.network.errors', of('rx_errors'), of('tx_errors')),
      ];
    });
}

/** https://docs.kernel.org/block/stat.html */
function disks(output: string, { disks }: HostSources): Expected[] {
  const lines = Array.from(output.matchAll(/^\/sys\/block\/([^/]+)\/stat:(.*)$/gm));
  return lines
    .filter(([, name = '']) => !isExcluded(disks.excluded, name))
    .flatMap(([, name = '', columns = '']) => {
      const [reads, ...rest] = columns.trim().split(/ +/).map(Number);
      const both = (instrument: ObservableName, read = NaN, written = NaN): Expected[] =>
        Object.entries({ read, write: written }).map(([direction, value]) =>
          expected(instrument, { 'system.device.name': name, 'disk.io.direction': direction }, value),
        );
      const [
        readMerges,
        readSectors = NaN,
        readMs = NaN,
        writes,
        writeMerges,
        writeSectors = NaN,
        writeMs = NaN,
        ,
        ioMs = NaN,
      ] = rest;
      return [
        ...both('system.disk.operations', reads, writes),
        ...both('system.disk.merged', readMerges, writeMerges),
        ...both('system.disk.io', readSectors * SECTOR_BYTES, writeSectors * SECTOR_BYTES),
        ...both('system.disk.operation_time', readMs / 1000, writeMs / 1000),
        expected('system.disk.io_time', { 'system.device.name': name }, ioMs / 1000),
      ];
    });
}

/** @returns the numbers behind a word that a line has. */
function numbersOf(output: string, word: string): number[] {
  const line = output.split('\n').find((each) => each.includes(word)) ?? '';
  return Array.from(line.slice(line.indexOf(word) + word.length).matchAll(/[\d.]+/g), ([number]) => Number(number));
}

/** @returns the number before the words that a line ends with. */
function countOf(output: string, words: string): number {
  return Number(new RegExp(`^ *(\\d+) ${words}$`, 'm').exec(output)?.[1] ?? NaN);
}
