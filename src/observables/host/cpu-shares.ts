import type { Sample } from '../observable.ts';

/** The modes of `cpu.mode` that a host can tell apart; time of guests is in `user` and `nice`, as the kernel counts it. */
export type CpuMode = 'user' | 'nice' | 'system' | 'idle' | 'iowait' | 'interrupt' | 'softirq' | 'steal';

export interface CpuTimes {
  /** Since any fixed moment, of all logical CPUs together. A mode that is not known is not there. */
  readonly seconds: Readonly<Partial<Record<CpuMode, number>>>;
  readonly logicalCount: number | undefined;
}

/**
 * A mode that falls by more is a restart, or a CPU that was taken out. By less it is the kernel's jitter: idle and iowait are
 * computed when they are read. node_exporter has the same limit.
 */
const RESTART_SECONDS = 3;

/** @returns what writes the CPU instruments of a host; it remembers the sample before for the shares. */
export function createCpuShares(): (into: Sample, times: CpuTimes) => void {
  let before: CpuTimes['seconds'] = {};
  return (into, { seconds, logicalCount }) => {
    const fell = entries(seconds).some(([mode, value]) => (before[mode] ?? 0) - value > RESTART_SECONDS);
    const known = fell ? {} : before;
    const held = entries(seconds).map(([mode, value]) => [mode, Math.max(value, known[mode] ?? 0)] as const);
    // Growth of only some of the modes has no shares. A whole that did not grow divides by 0, which the sampler leaves out.
    const growth = new Map(held.map(([mode, value]) => [mode, value - (known[mode] ?? NaN)]));
    const grown = Array.from(growth.values()).reduce((sum, value) => sum + value, 0);
    for (const [mode, value] of held) {
      into.write('system.cpu.time', value, { 'cpu.mode': mode });
      into.write('system.cpu.utilization', (growth.get(mode) ?? NaN) / grown, { 'cpu.mode': mode });
    }
    into.write('system.cpu.logical.count', logicalCount);
    before = Object.fromEntries(held);
  };
}

function entries(seconds: CpuTimes['seconds']): [CpuMode, number][] {
  return (Object.entries(seconds) as [CpuMode, number][]).filter(([, value]) => Number.isFinite(value));
}
