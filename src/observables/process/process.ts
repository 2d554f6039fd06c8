import { availableParallelism, platform } from 'node:os';
import type { ObservableGroup, Sample } from '../observable.ts';
import { readMemoryUsage } from './memory-usage.ts';
import { writeProcSelf } from './proc-self.ts';

const USER = { 'cpu.mode': 'user' } as const;
const SYSTEM = { 'cpu.mode': 'system' } as const;
const VOLUNTARY = { 'process.context_switch.type': 'voluntary' } as const;
const INVOLUNTARY = { 'process.context_switch.type': 'involuntary' } as const;
const MAJOR = { 'system.paging.fault.type': 'major' } as const;
const MINOR = { 'system.paging.fault.type': 'minor' } as const;

/** This process, as getrusage(2) and, on Linux, /proc/self tell it. */
export function createProcessGroup(): ObservableGroup {
  const writeCpu = createCpuReadings();

  return {
    name: 'process',
    instruments: [
      'process.cpu.time',
      'process.cpu.utilization',
      'process.memory.usage',
      'process.memory.virtual',
      'process.thread.count',
      'process.unix.file_descriptor.count',
      'metergate.process.file_descriptor.limit',
      'process.context_switches',
      'process.paging.faults',
      'process.uptime',
    ],
    sample: (into) => {
      const usage = process.resourceUsage();
      writeCpu(into, { user: usage.userCPUTime / 1e6, system: usage.systemCPUTime / 1e6 });
      into.write(
        'process.memory.usage',
        readMemoryUsage(into, () => process.memoryUsage.rss()),
      );
      into.write('process.uptime', process.uptime());
      // Windows counts no context switches, and minor faults as major ones.
      if (platform() !== 'win32') {
        into.write('process.context_switches', usage.voluntaryContextSwitches, VOLUNTARY);
        into.write('process.context_switches', usage.involuntaryContextSwitches, INVOLUNTARY);
        into.write('process.paging.faults', usage.majorPageFault, MAJOR);
        into.write('process.paging.faults', usage.minorPageFault, MINOR);
      }
      if (platform() === 'linux') writeProcSelf(into);
    },
  };
}

interface CpuSeconds {
  readonly user: number;
  readonly system: number;
}

function createCpuReadings(): (into: Sample, seconds: CpuSeconds) => void {
  let before: (CpuSeconds & { readonly at: number }) | undefined;
  return (into, { user, system }) => {
    const at = performance.now() / 1000;
    into.write('process.cpu.time', user, USER);
    into.write('process.cpu.time', system, SYSTEM);
    if (before !== undefined) {
      const available = (at - before.at) * availableParallelism();
      into.write('process.cpu.utilization', (user - before.user) / available, USER);
      into.write('process.cpu.utilization', (system - before.system) / available, SYSTEM);
    }
    before = { user, system, at };
  };
}
