import { openQueue } from '../../../src/push/queue/index.ts';
import type { Queue, QueueOptions } from '../../../src/push/queue/queue.ts';
import { createRandom } from './choices.ts';
import { FIRST_MS, type Ledger } from './ledger.ts';
import type { Disk } from './simulated-disk.ts';
import { createSimulatedFileSystem, type Hooks } from './simulated-file-system.ts';

/** One queue after the other, on one disk. */
export interface Life {
  queue: Queue;
  readonly disk: Disk;
  readonly ledger: Ledger;
  readonly options: Partial<QueueOptions>;
  readonly hooks?: Hooks;
}

/** Segments are so small that two small batches fill one. */
const SEGMENT_BYTES = 120;

/** Opens the queue of a simulated disk. Its clock is a millisecond ahead of the batch that was appended last; its disk never rests. */
export function openOn({ disk, ledger, options, hooks }: Omit<Life, 'queue'>): Promise<Queue> {
  return openQueue(
    {
      directory: '/queue',
      bytesMax: 100_000,
      batchesMax: 100_000,
      fsync: 'every_batch',
      onDrop: ledger.onDrop,
      onFault: () => undefined,
      ...options,
    },
    {
      fileSystem: createSimulatedFileSystem(disk, hooks),
      acquireLock: () => Promise.resolve({ release: () => Promise.resolve() }),
      nowMs: () => FIRST_MS + ledger.length,
      segmentBytes: SEGMENT_BYTES,
      randomInt: createRandom(1),
      createBackoff: () => ({ failed: () => undefined, reset: () => undefined, waits: () => false }),
    },
  );
}

/** After a sudden end: what is there is held against what was promised, and then the same is promised of that. */
export async function revive(life: Omit<Life, 'queue' | 'hooks'>, state: { readonly durable: boolean }): Promise<Life> {
  life.ledger.beginAgain();
  const queue = await openOn(life);
  life.ledger.goOn(await life.ledger.check(queue), state);
  return { ...life, queue };
}
