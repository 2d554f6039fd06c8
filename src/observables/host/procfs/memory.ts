import { join } from 'node:path';
import type { ObservableGroup } from '../../observable.ts';
import { hostGroups } from '../host.ts';
import { writeMemory } from '../memory-states.ts';
import { fieldsOf, toNumber } from '../../procfs/fields.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** Without one of them, `used` is not known. */
const OF_EVERY_KERNEL: readonly string[] = ['MemFree', 'Cached', 'Buffers'];

/** Memory and swap from /proc/meminfo (proc_meminfo(5)). Kernels before 3.14 have no MemAvailable. */
export function createMemoryGroup({ root }: { readonly root: string }): ObservableGroup {
  const path = join(root, 'proc/meminfo');
  return {
    ...hostGroups.memory,
    sample: (into) => {
      const text = readProcFile(path);
      const unknown: string[] = [];
      const bytes = (key: string): number | undefined => {
        const value = bytesOf(text, key) ?? (OF_EVERY_KERNEL.includes(key) ? NaN : undefined);
        if (Number.isNaN(value)) unknown.push(key);
        return value;
      };
      const limit = bytesOf(text, 'MemTotal') ?? NaN;
      if (Number.isNaN(limit)) throw malformed(path, 'has no MemTotal');
      writeMemory(into, {
        limit,
        free: bytes('MemFree'),
        cached: bytes('Cached'),
        buffers: bytes('Buffers'),
        available: bytes('MemAvailable'),
        shared: bytes('Shmem'),
        slabReclaimable: bytes('SReclaimable'),
        slabUnreclaimable: bytes('SUnreclaim'),
        swapLimit: bytes('SwapTotal'),
        swapFree: bytes('SwapFree'),
      });
      if (unknown.length > 0) into.report(malformed(path, `has no number of kB for ${unknown.join(', ')}`));
    },
  };
}

/** @returns undefined without such a line, NaN if it is not whole, which the unit says. */
function bytesOf(text: string, key: string): number | undefined {
  const fields = fieldsOf(text, `${key}:`);
  if (fields === undefined) return undefined;
  const [kibibytes, unit] = fields;
  return unit === 'kB' ? (toNumber(kibibytes) ?? NaN) * 1024 : NaN;
}
