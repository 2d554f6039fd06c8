import { systemError } from '../procfs/proc-file.ts';
import type { Sample } from '../observable.ts';

/**
 * What `process.memoryUsage` tells. On Linux libuv opens a file of /proc for it, and it throws without a descriptor that is free or without
 * /proc: then that is reported.
 *
 * @param read calls it.
 */
export function readMemoryUsage<T>(into: Pick<Sample, 'report'>, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    into.report(systemError('cannot read the memory of this process', cause));
    return undefined;
  }
}
