import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemError } from '../procfs/proc-file.ts';

/**
 * Whether a device (`major:minor`) passes on what it does to others, as LVM, RAID and encryption do: the kernel counts it there again.
 *
 * @throws {SampleError} unreadable; whoever took that for "no" would count twice.
 */
export type IsStacked = (device: string) => boolean;

/** @returns what looks at a device once; what it is made of does not change. */
export function createStackedDisks(root: string): IsStacked {
  const known = new Map<string, boolean>();

  const look = (device: string): boolean => {
    const slaves = join(root, 'sys/dev/block', device, 'slaves');
    try {
      const isStacked = readdirSync(slaves).length > 0;
      known.set(device, isStacked);
      return isStacked;
    } catch (cause) {
      const error = systemError(`cannot read ${slaves}`, cause);
      // A device that is gone, or there is no /sys.
      if (error.reason === 'missing') return false;
      throw error;
    }
  };
  return (device) => known.get(device) ?? look(device);
}
