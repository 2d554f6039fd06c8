import { randomInt } from 'node:crypto';
import { createBackoff } from '../../std/backoff.ts';
import { acquireLock } from './disk/lock.ts';
import { nodeFileSystem } from './disk/node-file-system.ts';
import type { Queue, QueueOptions } from './queue.ts';
import { SegmentedQueue, type QueueParts } from './segmented-queue.ts';

/**
 * Opens a queue, with what its folder holds. Where the disk does not allow it the queue begins in memory, says so by `onFault`, and later takes
 * what the folder holds.
 *
 * @param parts for tests.
 * @throws LockHeldError if another process owns the folder.
 */
export async function openQueue(options: QueueOptions, parts: Partial<QueueParts> = {}): Promise<Queue> {
  const queue = new SegmentedQueue(options, {
    fileSystem: nodeFileSystem,
    acquireLock,
    randomInt,
    nowMs: Date.now,
    createBackoff,
    ...parts,
  });
  await queue.open();
  return queue;
}
