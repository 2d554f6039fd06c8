import { setTimeout as sleep } from 'node:timers/promises';
import type { Systeminformation } from 'systeminformation';
import { known, observeKnown, type ObservableGroup } from '../observable.ts';

/**
 * What is right in `currentLoad()`: milliseconds that all CPUs together spent in a mode. Its `Steal` and `Guest` are in
 * jiffies, and I/O wait and softirq it does not have.
 */
const fields = {
  user: 'rawCurrentLoadUser',
  nice: 'rawCurrentLoadNice',
  system: 'rawCurrentLoadSystem',
  idle: 'rawCurrentLoadIdle',
  interrupt: 'rawCurrentLoadIrq',
} as const;

type Mode = keyof typeof fields;
type Load = Pick<Systeminformation.CurrentLoadData, (typeof fields)[Mode]> & { readonly cpus: readonly unknown[] };

const series = (Object.keys(fields) as Mode[]).map((mode) => ({ mode, attributes: { 'cpu.mode': mode } }));

export interface CpuReadings {
  /** Since the first sample. A mode whose growth was not known is left out. */
  readonly timeSeconds: Partial<Record<Mode, number>>;
  /** 0 to 1, adding up to 1; empty until there are two samples. */
  readonly utilization: Partial<Record<Mode, number>>;
  readonly logicalCount: number;
}

/** Within 200 ms of a call on the wall clock, `currentLoad()` answers with the same increments again; the rest is margin. */
const REFRESH_MS = 250;

/**
 * CPU time by mode. The raw fields of `currentLoad()` are increments since the call before, whoever made it, so they are added
 * up here from 0, and time that another caller in this process took is missing. What it calls percentages is not used: its
 * total adds jiffies to milliseconds and counts guests twice.
 *
 * @param currentLoad of systeminformation 5.33. Its first call takes half a second.
 * @param nowMs the wall clock, as systeminformation reads it.
 */
export function createCpuGroup(
  currentLoad: () => Promise<Load>,
  nowMs = () => Date.now(),
): ObservableGroup<CpuReadings> {
  const totalMs: Record<Mode, number> = { user: 0, nice: 0, system: 0, idle: 0, interrupt: 0 };
  let lastCallMs: number | undefined;

  return {
    name: 'host.cpu',
    sample: async () => {
      const waitMs = lastCallMs === undefined ? 0 : lastCallMs + REFRESH_MS - nowMs();
      if (waitMs > REFRESH_MS) throw new Error(`the clock was set back by ${waitMs - REFRESH_MS} ms`);
      if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
      const load = await currentLoad();
      const isFirst = lastCallMs === undefined;
      lastCallMs = nowMs();
      if (load.cpus.length === 0) throw new Error('systeminformation found no CPU');

      const grownMs: Partial<Record<Mode, number>> = {};
      const timeSeconds: Partial<Record<Mode, number>> = {};
      for (const { mode } of series) {
        const ms = known(load[fields[mode]]);
        if (ms === undefined) continue;
        // What the first call covers began before us: it only says where the counting starts.
        grownMs[mode] = isFirst ? 0 : ms;
        totalMs[mode] += grownMs[mode];
        timeSeconds[mode] = totalMs[mode] / 1000;
      }
      return { timeSeconds, utilization: shares(grownMs), logicalCount: load.cpus.length };
    },
    register: (instruments, latest) => {
      instruments.observe('system.cpu.time', (observe) => {
        for (const { mode, attributes } of series) observeKnown(observe, latest()?.timeSeconds[mode], attributes);
      });
      instruments.observe('system.cpu.utilization', (observe) => {
        for (const { mode, attributes } of series) observeKnown(observe, latest()?.utilization[mode], attributes);
      });
      instruments.observe('system.cpu.logical.count', (observe) => observeKnown(observe, latest()?.logicalCount));
    },
  };
}

/** Of the whole; empty when a part of it is not known or there is nothing to share. */
function shares(parts: Partial<Record<Mode, number>>): Partial<Record<Mode, number>> {
  const values = Object.values(parts);
  const sum = values.reduce((total, value) => total + value, 0);
  if (values.length < series.length || sum === 0) return {};
  return Object.fromEntries(Object.entries(parts).map(([mode, value]) => [mode, value / sum]));
}
