import type { SysteminformationClient } from '../../systeminformation/client.ts';
import { SampleError, type ObservableGroup } from '../../observable.ts';
import { createCpuShares, type CpuMode } from '../cpu-shares.ts';
import { hostGroups } from '../host.ts';

/** What libuv, which systeminformation asks, fills in with 0 because the platform does not count it. */
const UNKNOWN: Partial<Record<NodeJS.Platform, CpuMode>> = { darwin: 'interrupt', win32: 'nice' };

/**
 * CPU time since the machine started. Shares are of the time in the modes that there are: on Linux, that of iowait, softirq and steal is in
 * no mode, for systeminformation does not read the first two, and the third not rightly.
 */
export function createCpuGroup(systeminformation: SysteminformationClient, platform: NodeJS.Platform): ObservableGroup {
  const write = createCpuShares();
  return {
    ...hostGroups.cpu,
    sample: async (into) => {
      const { logicalCount, timeMs } = await systeminformation.ask('cpu');
      if (logicalCount === 0) throw new SampleError('missing', 'systeminformation finds no CPU');
      const known = Object.entries(timeMs).filter(([mode]) => mode !== UNKNOWN[platform]);
      write(into, { seconds: Object.fromEntries(known.map(([mode, ms]) => [mode, ms / 1000])), logicalCount });
    },
  };
}
