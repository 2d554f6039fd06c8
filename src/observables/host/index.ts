import { platform } from 'node:os';
import type { ObservableGroup } from '../observable.ts';
import { createCpuGroup } from './cpu.ts';
import { createMemoryGroup } from './memory.ts';

/**
 * The host through `systeminformation`, which works on every platform. It is loaded with the first sample. It knows nothing of
 * cgroups: in a container these are the readings of the machine around it.
 */
export function createHostGroups(): ObservableGroup<object>[] {
  return [
    createCpuGroup(async () => (await import('systeminformation')).currentLoad()),
    createMemoryGroup(async () => (await import('systeminformation')).mem(), platform()),
  ];
}
