import { join } from 'node:path';
import { matcher } from '../../../std/wildcards.ts';
import { SampleError, type ObservableGroup, type Sample } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';
import { createMounts, type Mount } from './mounts.ts';
import { decodeName, encodeName } from './names.ts';
import { asExpected, settle } from '../../procfs/parts.ts';
import { createStatfs, type Space, type StatfsOptions } from './statfs.ts';

export interface FilesystemOptions extends Pick<HostSources, 'root' | 'filesystems'> {
  readonly statfs?: StatfsOptions;
}

/** Each subvolume has a number of its own in stat(2), which no mount has. */
const WITHOUT_DEV: readonly string[] = ['btrfs'];

/** Space and inodes of the mounted filesystems; one that fails costs its own readings. */
export function createFilesystemGroup({ root, filesystems: wanted, statfs = {} }: FilesystemOptions): ObservableGroup {
  const isExcluded = matcher(wanted.excluded);
  const readMounts = createMounts(root);
  const { space, close } = createStatfs(statfs);
  const isShown = ({ type, mountPoint }: Mount) => wanted.types.includes(type) && !isExcluded(decodeName(mountPoint));

  /** Mounts that have been seen to be there for us: as long as they are, only a mount of our own could hide them. */
  let known: ReadonlySet<string> = new Set();

  /** @param mounts of one filesystem. The first that leads to it is shown; when none does, the first says why. */
  const sampleOne = async (into: Sample, mounts: readonly Mount[]): Promise<string | undefined> => {
    let failure: SampleError | undefined;
    for (const mount of mounts) {
      const path = join(encodeName(root), mount.mountPoint);
      const key = `${mount.id} ${mount.dev} ${mount.mountPoint}`;
      const found = await space(path, { dev: !known.has(key) });
      if (found.dev === undefined || found.dev === mount.dev || WITHOUT_DEV.includes(mount.type)) {
        writeFilesystem(into, mount, found);
        return key;
      }
      // We see others than the host: systemd hides some from us, or ours were taken before it was mounted.
      const where = decodeName(path);
      failure ??= new SampleError('missing', `the filesystem at ${where} is not there for us, but another one`);
    }
    if (failure !== undefined) throw failure;
    return undefined;
  };

  return {
    ...hostGroups.filesystem,
    sample: async (into) => {
      const filesystems = byDevice(readMounts((error) => into.report(error)).filter(isShown));
      const errors: SampleError[] = [];
      const seen = new Set<string>();
      // One after the other: each takes microseconds, and those that hang must not take all threads at once.
      for (const mounts of filesystems) {
        try {
          const key = await sampleOne(into, mounts);
          if (key !== undefined) seen.add(key);
        } catch (error) {
          errors.push(asExpected(error));
        }
      }
      known = seen;
      settle(into, { errors, parts: filesystems.length });
    },
    close,
  };
}

/**
 * A filesystem that is mounted at several places (bind mounts, subvolumes of btrfs) is the same space each time, and sums over them would
 * be wrong. As df does, the shortest mount point is shown, unless it is hidden from us.
 */
function byDevice(mounts: readonly Mount[]): readonly (readonly Mount[])[] {
  const ascending = (a: Mount, b: Mount): number => a.mountPoint.length - b.mountPoint.length;
  return Array.from(Map.groupBy(mounts, ({ dev }) => dev).values(), (places) => places.sort(ascending));
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
