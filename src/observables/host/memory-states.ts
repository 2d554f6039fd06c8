import type { Sample } from '../observable.ts';

/** In bytes. What is not known is undefined, or NaN. */
export interface Memory {
  readonly limit: number | undefined;
  readonly free: number | undefined;
  /** The page cache, without slabs (`Cached` of /proc/meminfo). Undefined where the platform has no such state: it is in used then; NaN where it is not known, nor is used then. */
  readonly cached?: number | undefined;
  readonly buffers?: number | undefined;
  readonly available?: number | undefined;
  readonly shared?: number | undefined;
  readonly slabReclaimable?: number | undefined;
  readonly slabUnreclaimable?: number | undefined;
  /** Undefined where it is not known; 0 is a host without swap. */
  readonly swapLimit?: number | undefined;
  readonly swapFree?: number | undefined;
}

/**
 * Writes the memory instruments of a host. Used is what is in no other state, so that the states add up to the limit. Slabs are in
 * used, also those that could be reclaimed: the kernel does not count them as cache, and they have an instrument of their own.
 */
export function writeMemory(into: Sample, memory: Memory): void {
  const { limit = NaN, free = NaN, cached, buffers, swapLimit = NaN, swapFree = NaN } = memory;
  const states = { used: limit - free - (cached ?? 0) - (buffers ?? 0), free, cached, buffers };
  for (const [state, bytes = NaN] of Object.entries(states)) {
    into.write('system.memory.usage', bytes, { 'system.memory.state': state });
    into.write('system.memory.utilization', bytes / limit, { 'system.memory.state': state });
  }
  into.write('system.memory.limit', limit);
  into.write('system.memory.linux.available', memory.available);
  into.write('system.memory.linux.shared', memory.shared);
  const slabs = { reclaimable: memory.slabReclaimable, unreclaimable: memory.slabUnreclaimable };
  for (const [state, bytes] of Object.entries(slabs)) {
    into.write('system.memory.linux.slab.usage', bytes, { 'system.memory.linux.slab.state': state });
  }
  for (const [state, bytes] of Object.entries({ used: swapLimit - swapFree, free: swapFree })) {
    into.write('system.paging.usage', bytes, { 'system.paging.state': state });
    // Without swap this is 0 / 0, which the sampler leaves out.
    into.write('system.paging.utilization', bytes / swapLimit, { 'system.paging.state': state });
  }
}
