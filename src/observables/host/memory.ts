import type { Systeminformation } from 'systeminformation';
import { observeKnown, type ObservableGroup } from '../observable.ts';

type Memory = Pick<
  Systeminformation.MemData,
  'total' | 'free' | 'cached' | 'buffers' | 'available' | 'swapused' | 'swapfree'
>;

/** All in bytes; what the platform does not tell is left out. */
export interface MemoryReadings {
  readonly limit: number;
  /** They add up to the limit. */
  readonly usage: { readonly used: number; readonly free: number; readonly cached?: number; readonly buffers?: number };
  readonly linuxAvailable?: number;
  readonly paging?: { readonly used: number; readonly free: number };
}

const states = (['used', 'free', 'cached', 'buffers'] as const).map((state) => ({
  state,
  attributes: { 'system.memory.state': state },
}));
const pagingStates = (['used', 'free'] as const).map((state) => ({
  state,
  attributes: { 'system.paging.state': state },
}));

/** Elsewhere systeminformation says 0 for swap that it did not look at. */
const PAGING_PLATFORMS: readonly NodeJS.Platform[] = ['linux', 'darwin', 'win32'];

/** @param mem of systeminformation 5.33. */
export function createMemoryGroup(
  mem: () => Promise<Memory>,
  platform: NodeJS.Platform,
): ObservableGroup<MemoryReadings> {
  return {
    name: 'host.memory',
    sample: async () => toReadings(await mem(), platform),
    register: (instruments, latest) => {
      instruments.observe('system.memory.limit', (observe) => observeKnown(observe, latest()?.limit));
      instruments.observe('system.memory.usage', (observe) => {
        for (const { state, attributes } of states) observeKnown(observe, latest()?.usage[state], attributes);
      });
      instruments.observe('system.memory.utilization', (observe) => {
        const { usage, limit = NaN } = latest() ?? {};
        for (const { state, attributes } of states) observeKnown(observe, (usage?.[state] ?? NaN) / limit, attributes);
      });
      instruments.observe('system.linux.memory.available', (observe) =>
        observeKnown(observe, latest()?.linuxAvailable),
      );
      instruments.observe('system.paging.usage', (observe) => {
        for (const { state, attributes } of pagingStates) observeKnown(observe, latest()?.paging?.[state], attributes);
      });
    },
  };
}

/** `mem().used` is not used: it counts the page cache. */
function toReadings(memory: Memory, platform: NodeJS.Platform): MemoryReadings {
  const { total, free, cached, buffers, available, swapused, swapfree } = memory;
  const paging = PAGING_PLATFORMS.includes(platform) ? { paging: { used: swapused, free: swapfree } } : {};
  if (platform !== 'linux') return { limit: total, usage: { used: total - free, free }, ...paging };
  const used = total - free - cached - buffers;
  return { limit: total, usage: { used, free, cached, buffers }, linuxAvailable: available, ...paging };
}
