import { platform as currentPlatform } from 'node:os';
import { createSysteminformation, type SysteminformationClient } from '../../systeminformation/client.ts';
import type { ObservableGroup } from '../../observable.ts';
import type { HostSources } from '../host.ts';
import { createCpuGroup } from './cpu.ts';
import { createFilesystemGroup } from './filesystem.ts';
import { createLoadGroup } from './load.ts';
import { createMemoryGroup } from './memory.ts';
import { createNetworkGroup } from './network.ts';

export interface SysteminformationGroupsOptions {
  readonly platform?: NodeJS.Platform;
  readonly open?: typeof createSysteminformation;
}

/**
 * The groups of the host as the package `systeminformation` reads them, on any platform. Those that it does not have here: disks, of which
 * it only has the operations of all together; paging; pressure.
 *
 * Filesystems have a process of systeminformation of their own: a dead server hangs `df`, which then costs nothing but filesystems.
 */
export function createSysteminformationGroups(
  sources: HostSources,
  { platform = currentPlatform(), open = createSysteminformation }: SysteminformationGroupsOptions = {},
): ObservableGroup[] {
  const machine = open();
  const disks = open();
  const network = NETWORK_PLATFORMS.includes(platform)
    ? [createNetworkGroup(machine, platform, sources.networkInterfaces)]
    : [];
  return [
    createLoadGroup(platform),
    ...closedTogether(machine, [createCpuGroup(machine, platform), createMemoryGroup(machine, platform), ...network]),
    ...closedTogether(disks, [createFilesystemGroup(disks, platform, sources.filesystems)]),
  ];
}

/** The last of them that is closed closes what they share: until then, another one may be in a sample. */
function closedTogether(shared: SysteminformationClient, groups: readonly ObservableGroup[]): ObservableGroup[] {
  const open = new Set(groups);
  return groups.map((group) => ({
    ...group,
    close: async (deadline) => {
      open.delete(group);
      if (open.size === 0) await shared.close(deadline);
    },
  }));
}

/** On the BSDs it adds the bytes of an interface to those of its addresses, which are the same. */
const NETWORK_PLATFORMS: readonly NodeJS.Platform[] = ['linux', 'darwin', 'win32'];
