import type { Attributes } from '@opentelemetry/api';
import { matcher } from '../../../std/wildcards.ts';
import type { FilesystemAnswer } from '../../systeminformation/answers.ts';
import type { SysteminformationClient } from '../../systeminformation/client.ts';
import { SampleError, type ObservableGroup } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';

/** What `df` tells. Inodes it is not asked for. */
export function createFilesystemGroup(
  systeminformation: SysteminformationClient,
  platform: NodeJS.Platform,
  { types, excluded }: HostSources['filesystems'],
): ObservableGroup {
  const isExcluded = matcher(excluded);
  // Of macOS it says `APFS`, of Windows `NTFS`.
  const isShown = ({ type, mount }: FilesystemAnswer) => types.includes(type.toLowerCase()) && !isExcluded(mount);
  return {
    ...hostGroups.filesystem,
    sample: async (into) => {
      const found = await systeminformation.ask('filesystems');
      if (found.length === 0) throw new SampleError('missing', 'systeminformation finds no filesystem');
      for (const filesystem of found.filter(isShown)) {
        const attributes = attributesOf(filesystem, platform);
        const states = statesOf(filesystem, platform);
        const { used = NaN, free = NaN } = states;
        for (const [state, bytes] of Object.entries(states)) {
          into.write('system.filesystem.usage', bytes, { ...attributes, 'system.filesystem.state': state });
        }
        into.write('system.filesystem.limit', filesystem.size, attributes);
        into.write('system.filesystem.utilization', used / (used + free), attributes);
      }
    },
  };
}

/** They add up to the size. Volumes of APFS share their space: what one does not use may be in use by another, and none is reserved. */
function statesOf({ size, used, available }: FilesystemAnswer, platform: NodeJS.Platform): Record<string, number> {
  if (platform === 'darwin') return { used: size - available, free: available };
  return { used, free: available, reserved: size - used - available };
}

function attributesOf({ fs, mount, type, rw }: FilesystemAnswer, platform: NodeJS.Platform): Attributes {
  // On Linux it looks the mode up for devices only, and takes whatever else is mounted for read-only.
  const isModeKnown = rw !== null && (platform !== 'linux' || fs.startsWith('/'));
  return {
    'system.device.name': fs,
    'system.filesystem.mountpoint': mount,
    'system.filesystem.type': type.toLowerCase(),
    ...(isModeKnown ? { 'system.filesystem.mode': rw ? 'rw' : 'ro' } : {}),
  };
}
