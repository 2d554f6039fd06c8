import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { least, type CgroupFiles } from './cgroup-files.ts';
import type { Cgroup } from './cgroups.ts';
import type { CgroupValues } from './container.ts';
import { sumServiceBytes } from './disk-io.ts';
import type { IsStacked } from './stacked-disks.ts';

export interface ReadOptions {
  readonly files: CgroupFiles;
  readonly isStacked: IsStacked;
}

type Read = (cgroup: Cgroup, options: ReadOptions) => CgroupValues;

/** By controller. */
const readers: Readonly<Record<string, Read>> = { cpu, cpuacct, memory, blkio, pids };

/** Source: Documentation/admin-guide/cgroup-v1/, Documentation/scheduler/sched-bwc.rst */
export function readCgroupV1(cgroup: Cgroup, options: ReadOptions): CgroupValues {
  return Object.assign({}, ...cgroup.controllers.map((name) => readers[name]?.(cgroup, options))) as CgroupValues;
}

function cpu({ directory, directories }: Cgroup, { files }: ReadOptions): CgroupValues {
  const stat = files.keyed(join(directory, 'cpu.stat'));
  const limits = directories.map((parent) => {
    const quota = files.number(join(parent, 'cpu.cfs_quota_us'));
    return Number.isNaN(quota) ? NaN : quota / files.number(join(parent, 'cpu.cfs_period_us'));
  });
  return {
    cpuLimit: least(limits),
    cpuPeriods: stat.get('nr_periods'),
    throttledPeriods: stat.get('nr_throttled'),
    throttledTime: stat.get('throttled_time') / 1e9,
  };
}

function cpuacct({ directory }: Cgroup, { files }: ReadOptions): CgroupValues {
  // Hundredths of a second, which the kernel makes agree with the usage; the finer cpuacct.usage_user and _sys do not.
  const stat = files.keyed(join(directory, 'cpuacct.stat'));
  return {
    cpuTime: files.number(join(directory, 'cpuacct.usage')) / 1e9,
    cpuUser: stat.get('user') / 100,
    cpuSystem: stat.get('system') / 100,
  };
}

function memory({ directory }: Cgroup, { files }: ReadOptions): CgroupValues {
  const stat = files.keyed(join(directory, 'memory.stat'));
  return {
    memoryUsage: files.number(join(directory, 'memory.usage_in_bytes')),
    // The least of its own and its parents', also of those that this process does not see.
    memoryLimit: stat.get('hierarchical_memory_limit'),
    inactiveFile: stat.get('total_inactive_file'),
    rss: stat.get('total_rss'),
    swap: stat.get('total_swap'),
    faults: stat.get('total_pgfault'),
    majorFaults: stat.get('total_pgmajfault'),
    // Of this control group alone, without its children; since Linux 4.13.
    oomKills: files.keyed(join(directory, 'memory.oom_control')).find('oom_kill'),
  };
}

function blkio({ directory }: Cgroup, { files, isStacked }: ReadOptions): CgroupValues {
  const alone = join(directory, 'blkio.throttle.io_service_bytes');
  // Counts children too, since Linux 4.19. Where it is there and cannot be read, the other one would be too small.
  const all = `${alone}_recursive`;
  const io = files.parsed(existsSync(all) ? all : alone, (text) => sumServiceBytes(text, isStacked));
  return io === undefined ? {} : { diskRead: io.read, diskWritten: io.written };
}

function pids({ directory, directories }: Cgroup, { files }: ReadOptions): CgroupValues {
  return {
    tasks: files.number(join(directory, 'pids.current')),
    taskLimit: least(directories.map((parent) => files.number(join(parent, 'pids.max')))),
  };
}
