import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { matcher } from '../../../std/wildcards.ts';
import type { ObservableGroup, Sample } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';
import { lines, split, toNumbers } from '../../procfs/fields.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** Whatever the device says: Documentation/block/stat.rst of the kernel. */
const SECTOR_BYTES = 512;

/** Behind major, minor and name; newer kernels have more (discards, flushes), which are not read. */
const COLUMNS = 11;

/** Disks from /proc/diskstats (Documentation/admin-guide/iostats.rst): all block devices but partitions and the excluded. */
export function createDiskGroup({ root, disks }: Pick<HostSources, 'root' | 'disks'>): ObservableGroup {
  const path = join(root, 'proc/diskstats');
  const isExcluded = matcher(disks.excluded);
  /** By name, of those in the last sample: a partition stays one. */
  let shown = new Map<string, boolean>();

  return {
    ...hostGroups.disk,
    sample: (into) => {
      const before = shown;
      shown = new Map();
      for (const line of lines(readProcFile(path))) {
        const [, , name, ...columns] = split(line);
        if (name === undefined) into.report(malformed(path, 'has a line without a name'));
        if (name === undefined || shown.has(name)) continue;
        const isShown = before.get(name) ?? !(isExcluded(name) || isPartition(root, name));
        shown.set(name, isShown);
        if (!isShown) continue;
        const numbers = toNumbers(columns.slice(0, COLUMNS));
        if (numbers?.length === COLUMNS) writeDisk(into, name, numbers);
        else into.report(malformed(path, `has not ${COLUMNS} numbers for ${name}`));
      }
    },
  };
}

/** Without /sys none can be told from a disk. It has `!` where a name such as `cciss/c0d0` has a slash. */
function isPartition(root: string, name: string): boolean {
  return existsSync(join(root, 'sys/class/block', name.replaceAll('/', '!'), 'partition'));
}

function writeDisk(into: Sample, name: string, numbers: readonly number[]): void {
  const [reads, readsMerged, sectorsRead, readMs, writes, writesMerged, sectorsWritten, writeMs, , ioMs] = numbers;
  const device = { 'system.device.name': name };
  const write = (direction: 'read' | 'write', operations = NaN, merged = NaN, sectors = NaN, ms = NaN): void => {
    const attributes = { ...device, 'disk.io.direction': direction };
    into.write('system.disk.operations', operations, attributes);
    into.write('system.disk.merged', merged, attributes);
    into.write('system.disk.io', sectors * SECTOR_BYTES, attributes);
    into.write('system.disk.operation_time', ms / 1000, attributes);
  };
  write('read', reads, readsMerged, sectorsRead, readMs);
  write('write', writes, writesMerged, sectorsWritten, writeMs);
  into.write('system.disk.io_time', (ioMs ?? NaN) / 1000, device);
}
