import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { least, type CgroupFiles } from './cgroup-files.ts';
import type { ReadOptions } from './cgroup-v1.ts';
import type { Cgroup } from './cgroups.ts';
import type { CgroupValues } from './container.ts';
import { sumIoStat } from './disk-io.ts';

/**
 * Source: Documentation/admin-guide/cgroup-v2.rst
 *
 * @param others controllers that are in hierarchies of version 1. The kernel counts CPU time here even then, of another control group.
 */
export function readCgroupV2(cgroup: Cgroup, options: ReadOptions & { others: ReadonlySet<string> }): CgroupValues {
  const { others, files } = options;
  return {
    ...(others.has('cpu') || others.has('cpuacct') ? {} : cpu(cgroup, files)),
    ...(others.has('memory') ? {} : memory(cgroup, files)),
    ...(others.has('blkio') ? {} : io(cgroup, options)),
    ...(others.has('pids') ? {} : pids(cgroup, files)),
    ...pressure(cgroup, files),
  };
}

function cpu({ directory, directories }: Cgroup, files: CgroupFiles): CgroupValues {
  const stat = files.keyed(join(directory, 'cpu.stat'));
  return {
    cpuTime: stat.get('usage_usec') / 1e6,
    cpuUser: stat.get('user_usec') / 1e6,
    cpuSystem: stat.get('system_usec') / 1e6,
    // There only if the controller is on, which the root has not.
    cpuPeriods: stat.find('nr_periods'),
    throttledPeriods: stat.find('nr_throttled'),
    throttledTime: stat.find('throttled_usec') / 1e6,
    cpuLimit: least(directories.map((parent) => files.parsed(join(parent, 'cpu.max'), parseCpuMax) ?? NaN)),
  };
}

/** `quota period`, or `max period` where there is no limit. */
function parseCpuMax(text: string): number | undefined {
  const [, quota, period] = /^(max|\d+) (\d+)\n$/.exec(text) ?? [];
  if (quota === undefined) return undefined;
  return quota === 'max' ? NaN : Number(quota) / Number(period);
}

function memory({ directory, directories }: Cgroup, files: CgroupFiles): CgroupValues {
  const stat = files.keyed(join(directory, 'memory.stat'));
  return {
    memoryUsage: files.number(join(directory, 'memory.current')),
    memoryLimit: least(directories.map((parent) => files.number(join(parent, 'memory.max')))),
    inactiveFile: stat.get('inactive_file'),
    rss: stat.get('anon'),
    swap: files.number(join(directory, 'memory.swap.current')),
    faults: stat.get('pgfault'),
    majorFaults: stat.get('pgmajfault'),
    oomKills: files.keyed(join(directory, 'memory.events')).get('oom_kill'),
  };
}

function io({ directory }: Cgroup, { files, isStacked }: ReadOptions): CgroupValues {
  const io = files.parsed(join(directory, 'io.stat'), (text) => sumIoStat(text, isStacked));
  return io === undefined ? {} : { diskRead: io.read, diskWritten: io.written };
}

function pids({ directory, directories }: Cgroup, files: CgroupFiles): CgroupValues {
  return {
    tasks: files.number(join(directory, 'pids.current')),
    taskLimit: least(directories.map((parent) => files.number(join(parent, 'pids.max')))),
  };
}

function pressure({ directory }: Cgroup, files: CgroupFiles): CgroupValues {
  // Every control group has this file but the root, which has the pressure of the machine.
  if (!existsSync(join(directory, 'cgroup.events'))) return {};
  const cpu = files.pressure(join(directory, 'cpu.pressure'));
  const memory = files.pressure(join(directory, 'memory.pressure'));
  const io = files.pressure(join(directory, 'io.pressure'));
  return {
    cpuSome: cpu.some,
    cpuFull: cpu.full,
    memorySome: memory.some,
    memoryFull: memory.full,
    ioSome: io.some,
    ioFull: io.full,
  };
}
