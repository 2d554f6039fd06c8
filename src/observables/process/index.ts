import { cpus } from 'node:os';
import { observeKnown, type ObservableGroup } from '../observable.ts';

const modes = (['user', 'system'] as const).map((mode) => ({ mode, attributes: { 'cpu.mode': mode } }));

interface CpuTime {
  readonly user: number;
  readonly system: number;
}

export interface ProcessReadings {
  /** Of all threads, since the process started. */
  readonly cpuSeconds: CpuTime;
  /** 0 to 1 of all logical CPUs since the sample before; absent in the first. */
  readonly cpuUtilization?: CpuTime;
  readonly residentBytes: number;
  readonly uptimeSeconds: number;
}

/** The gateway's own process, as Node.js tells it: exact and without a child process. */
export function createProcessGroup(): ObservableGroup<ProcessReadings> {
  let previous: { atSeconds: number; cpuSeconds: CpuTime } | undefined;

  return {
    name: 'process',
    sample: () => {
      const usage = process.cpuUsage();
      const atSeconds = performance.now() / 1000;
      const cpuSeconds = { user: usage.user / 1e6, system: usage.system / 1e6 };
      const readings = { cpuSeconds, residentBytes: process.memoryUsage.rss(), uptimeSeconds: process.uptime() };
      const before = previous;
      previous = { atSeconds, cpuSeconds };
      if (before === undefined) return Promise.resolve(readings);

      const availableSeconds = (atSeconds - before.atSeconds) * cpus().length;
      const user = (cpuSeconds.user - before.cpuSeconds.user) / availableSeconds;
      const system = (cpuSeconds.system - before.cpuSeconds.system) / availableSeconds;
      return Promise.resolve({ ...readings, cpuUtilization: { user, system } });
    },
    register: (instruments, latest) => {
      instruments.observe('process.cpu.time', (observe) => {
        for (const { mode, attributes } of modes) observeKnown(observe, latest()?.cpuSeconds[mode], attributes);
      });
      instruments.observe('process.cpu.utilization', (observe) => {
        for (const { mode, attributes } of modes) observeKnown(observe, latest()?.cpuUtilization?.[mode], attributes);
      });
      instruments.observe('process.memory.usage', (observe) => observeKnown(observe, latest()?.residentBytes));
      instruments.observe('process.uptime', (observe) => observeKnown(observe, latest()?.uptimeSeconds));
    },
  };
}
