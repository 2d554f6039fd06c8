import type { MemoryAnswer } from '../../systeminformation/answers.ts';
import type { SysteminformationClient } from '../../systeminformation/client.ts';
import { SampleError, type ObservableGroup } from '../../observable.ts';
import { hostGroups } from '../host.ts';
import { writeMemory, type Memory } from '../memory-states.ts';

/** Elsewhere systeminformation says 0 for swap that it did not look at. */
const SWAP_PLATFORMS: readonly NodeJS.Platform[] = ['linux', 'darwin', 'win32'];

export function createMemoryGroup(
  systeminformation: SysteminformationClient,
  platform: NodeJS.Platform,
): ObservableGroup {
  return {
    ...hostGroups.memory,
    sample: async (into) => writeMemory(into, toMemory(await systeminformation.ask('memory'), platform)),
  };
}

/** `mem().used` is not used: it counts the page cache. */
function toMemory(memory: MemoryAnswer, platform: NodeJS.Platform): Memory {
  const { total, free, cached, buffers, available, slab, reclaimable, swaptotal, swapfree } = memory;
  const swap = SWAP_PLATFORMS.includes(platform) ? { swapLimit: swaptotal, swapFree: swapfree } : {};
  if (platform !== 'linux') return { limit: total, free, ...swap };
  if (memory.writeback === null) {
    throw new SampleError('unreadable', 'systeminformation could not read /proc/meminfo');
  }
  return {
    limit: total,
    free,
    cached,
    buffers,
    // Kernels before 3.14 do not tell; what it says in place of it is another thing.
    available: available === free + cached + buffers + slab ? undefined : available,
    slabReclaimable: reclaimable,
    slabUnreclaimable: slab - reclaimable,
    ...swap,
  };
}
