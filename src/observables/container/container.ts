import type { ObservableName } from '../../telemetry/instruments.ts';

export type ContainerField = keyof typeof containerFields;

/** In the unit of the instrument. What is not there is left out, or NaN. */
export type ContainerValues = Readonly<Partial<Record<ContainerField, number>>>;

/** What files of either version tell; the rest of the values follows from these. */
export interface CgroupValues extends ContainerValues {
  /** Of both modes: CPU seconds. */
  readonly cpuTime?: number;
  /** Page cache that is not in use: bytes. */
  readonly inactiveFile?: number;
  /** Major and minor ones. */
  readonly faults?: number;
}

/** Everything that is read of a container, and where it is shown. */
export const containerFields = {
  cpuUser: { instrument: 'container.cpu.time', attributes: { 'cpu.mode': 'user' } },
  cpuSystem: { instrument: 'container.cpu.time', attributes: { 'cpu.mode': 'system' } },
  cpuUsage: { instrument: 'container.cpu.usage' },
  cpuLimit: { instrument: 'container.cpu.limit' },
  cpuPeriods: { instrument: 'container.cpu.periods' },
  throttledPeriods: { instrument: 'container.cpu.throttling.periods' },
  throttledTime: { instrument: 'container.cpu.throttling.time' },
  memoryUsage: { instrument: 'container.memory.usage' },
  workingSet: { instrument: 'container.memory.working_set' },
  rss: { instrument: 'container.memory.rss' },
  memoryLimit: { instrument: 'container.memory.limit' },
  memoryAvailable: { instrument: 'container.memory.available' },
  oomKills: { instrument: 'container.memory.oom_kills' },
  swap: { instrument: 'container.paging.usage' },
  majorFaults: { instrument: 'container.paging.faults', attributes: { 'system.paging.fault.type': 'major' } },
  minorFaults: { instrument: 'container.paging.faults', attributes: { 'system.paging.fault.type': 'minor' } },
  diskRead: { instrument: 'container.disk.io', attributes: { 'disk.io.direction': 'read' } },
  diskWritten: { instrument: 'container.disk.io', attributes: { 'disk.io.direction': 'write' } },
  tasks: { instrument: 'container.task.count' },
  taskLimit: { instrument: 'container.task.limit' },
  ...pressure('cpu'),
  ...pressure('memory'),
  ...pressure('io'),
} as const satisfies Readonly<
  Record<string, { instrument: ObservableName; attributes?: Readonly<Record<string, string>> }>
>;

function pressure<R extends 'cpu' | 'memory' | 'io'>(resource: R) {
  const of = (stall: 'some' | 'full') => ({
    instrument: 'container.pressure.time' as const,
    attributes: { 'metergate.pressure.resource': resource, 'metergate.pressure.stall': stall },
  });
  return { [`${resource}Some`]: of('some'), [`${resource}Full`]: of('full') } as Record<
    `${R}${'Some' | 'Full'}`,
    ReturnType<typeof of>
  >;
}
