import { join } from 'node:path';
import { matcher } from '../../../std/wildcards.ts';
import { SampleError, type ObservableGroup, type Sample } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';
import { readMounts, type Mount } from './mounts.ts';
import { decodeName, encodeName } from './names.ts';
import { asExpected, settle } from './parts.ts';
import { createStatfs, type Space, type StatfsOptions } from './statfs.ts';

export interface FilesystemOptions extends Pick<HostSources, 'root' | 'filesystems'> {
  readonly statfs?: StatfsOptions;
}

/** Each subvolume has a number of its own in stat(2), which no mount has. */
const WITHOUT_DEV: readonly string[] = ['btrfs'];

/** Space and inodes of the mounted filesystems; one that fails costs its own readings. */
export function createFilesystemGroup({ root, filesystems, statfs = {} }: FilesystemOptions): ObservableGroup {
  const isExcluded = matcher(filesystems.excluded);
  const { space, close } = createStatfs(statfs);
  const isShown = ({ type, mountPoint }: Mount) =>
    filesystems.types.includes(type) && !isExcluded(decodeName(mountPoint));

  const sampleOne = async (into: Sample, mount: Mount): Promise<void> => {
    const path = join(encodeName(root), mount.mountPoint);
    const found = await space(path);
    // We see others than the host: systemd hides some from us, or ours were taken before it was mounted.
    if (found.dev !== mount.dev && !WITHOUT_DEV.includes(mount.type)) {
      throw new SampleError('missing', `the filesystem at ${decodeName(path)} is not there for us, but another one`);
    }
    writeFilesystem(into, mount, found);
  };

  return {
    ...hostGroups.filesystem,
    sample: async (into) => {
      const mounts = onceEach(readMounts(root, (error) => into.report(error)).filter(isShown));
      const errors: SampleError[] = [];
      // One after the other: each takes microseconds, and those that hang must not take all threads at once.
      for (const mount of mounts) {
        try {
          await sampleOne(into, mount);
        } catch (error) {
          errors.push(asExpected(error));
        }
      }
      settle(into, { errors, parts: mounts.length });
    },
    close,
  };
}

/**
 * A filesystem that is mounted at several places (bind mounts, subvolumes of btrfs) is the same space each time, and sums over them would
 * be wrong. As df does, the shortest mount point is kept.
 */
function onceEach(mounts: readonly Mount[]): Mount[] {
  const kept = new Map<number, Mount>();
  for (const mount of mounts) {
    const other = kept.get(mount.dev);
    if (other === undefined || mount.mountPoint.length < other.mountPoint.length) kept.set(mount.dev, mount);
  }
  return Array.from(kept.values());
}

function writeFilesystem(into: Sample, { source, mountPoint, type, mode }: Mount, space: Space): void {
  const { blocks, bfree, bavail, files, ffree, frsize, bsize } = space;
  const filesystem = {
    'system.device.name': source,
    'system.filesystem.mountpoint': decodeName(mountPoint),
    'system.filesystem.type': type,
    'system.filesystem.mode': mode,
  };
  const used = blocks - bfree;
  for (const [state, count] of Object.entries({ used, free: bavail, reserved: bfree - bavail })) {
    const attributes = { ...filesystem, 'system.filesystem.state': state };
    into.write('system.filesystem.usage', count * (frsize ?? bsize), attributes);
  }
  into.write('system.filesystem.limit', blocks * (frsize ?? bsize), filesystem);
  into.write('system.filesystem.utilization', used / (used + bavail), filesystem);
  // btrfs, say, has no inodes that could run out.
  if (files === 0) return;
  for (const [state, count] of Object.entries({ used: files - ffree, free: ffree })) {
    into.write('metergate.host.filesystem.inode.usage', count, { ...filesystem, 'system.filesystem.state': state });
  }
}
