import { randomInt } from 'node:crypto';
import { createBackoff } from '../../std/backoff.ts';
import { acquireLock } from './disk/lock.ts';
import { nodeFileSystem } from './disk/node-file-system.ts';
import { createPlaces, limitedTo, type Places } from './disk/places.ts';
import type { Queue, QueueOptions } from './queue.ts';
import { SegmentedQueue, type QueueParts } from './segmented-queue.ts';

/** Calls to the file system of one folder at one time: who writes and who reads do not wait for each other. */
const CALLS_MAX = 2;

/**
 * Opens a queue, with what its folder holds. Where the disk does not allow it the queue begins in memory, says so by `onFault`, and later takes
 * what the folder holds.
 *
 * @param within the places that the calls to all file systems have together. @param parts for tests.
 * @throws LockHeldError if another process owns the folder.
 */
export async function openQueue(
  options: QueueOptions,
  { within, ...parts }: Partial<QueueParts> & { readonly within?: Places } = {},
): Promise<Queue> {
  const places = createPlaces(CALLS_MAX, within);
  const queue = new SegmentedQueue(options, {
    fileSystem: limitedTo(places, nodeFileSystem),
    // One of its own: who is slow is not dead.
    acquireLock: (lock) => acquireLock({ ...lock, places: createPlaces(1, within) }),
    randomInt,
    nowMs: Date.now,
    createBackoff,
    ...parts,
  });
  await queue.open();
  return queue;
}
