import { createMinorFaults } from '../procfs/minor-faults.ts';
import type { CgroupValues, ContainerValues } from './container.ts';

/**
 * What follows from the values of one sample and the one before.
 *
 * @param memoryBytes of the machine.
 * @returns to be called once per sample of the same control groups.
 */
export function createDerivation(memoryBytes: number): (values: CgroupValues) => ContainerValues {
  let before: { readonly atSeconds: number; readonly cpuTime: number } | undefined;
  const minorFaults = createMinorFaults();

  const cpuUsage = (cpuTime: number): number => {
    const atSeconds = performance.now() / 1000;
    const usage = before === undefined ? NaN : (cpuTime - before.cpuTime) / (atSeconds - before.atSeconds);
    before = { atSeconds, cpuTime };
    return usage;
  };

  return (values) => {
    const { cpuTime = NaN, memoryUsage = NaN, inactiveFile = NaN, faults = NaN, majorFaults = NaN } = values;
    // More than there is limits nothing, and version 1 writes the greatest number of pages where there is no limit.
    const memoryLimit =
      values.memoryLimit !== undefined && values.memoryLimit <= memoryBytes ? values.memoryLimit : NaN;
    const workingSet = Math.max(0, memoryUsage - inactiveFile);
    return {
      cpuUsage: cpuUsage(cpuTime),
      minorFaults: minorFaults(faults, majorFaults),
      workingSet,
      memoryLimit,
      memoryAvailable: Math.max(0, memoryLimit - workingSet),
    };
  };
}
