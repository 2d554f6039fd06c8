import type { Batch } from '../batch.ts';

/** A batch in its place. */
export interface Entry {
  /** Greater than that of every batch that was appended before. Of this process only. */
  readonly number: number;
  readonly batch: Batch;
}

/** Why a batch that had been taken will not be delivered. */
export type QueueDropReason = 'queue_full' | 'expired' | 'corrupt' | 'shutdown';

export interface QueueDrop {
  readonly reason: QueueDropReason;
  readonly batches: number;
  /** 0 where what is damaged does not tell. */
  readonly points: number;
  readonly bytes: number;
  /** Unix ms of the oldest and of the newest of them; 0 = not known. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Something is wrong with the folder, and the queue goes on. */
export interface QueueFault {
  readonly code: 'foreign_file' | 'damaged' | 'not_persisted' | 'not_marked' | 'lock_lost';
  /** A whole sentence, with the path and what is wrong. */
  readonly message: string;
}

export interface QueueOptions {
  /** The folder of this queue alone; it is made (mode 0700) if it is not there. Not given = the queue is in memory. */
  readonly directory?: string | undefined;
  /** Of what is kept, with what the queue adds to it; when there is no more room the oldest go, some at a time. */
  readonly bytesMax: number;
  readonly batchesMax: number;
  /** By the time of the batch; not given = however old. */
  readonly maxAgeMs?: number | undefined;
  /** What an `append` waits for; `every_second` and `never` may lose to a power cut what was appended, but not to a crash of the process. */
  readonly fsync: 'every_batch' | 'every_second' | 'never';
  /** Called once for each batch, or run of batches, that is lost: never again for what was reported. */
  readonly onDrop: (drop: QueueDrop) => void;
  readonly onFault: (fault: QueueFault) => void;
  /** Batches that had been in memory only, since the disk had failed, are on it now. */
  readonly onPersisted?: () => void;
}

/** A batch could not be taken; it is nowhere. */
export class QueueError extends Error {
  readonly code: 'too_large' | 'closed';
  constructor(code: QueueError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Batches that wait for their destination, in the order in which they came, and, where there is a folder, until they are delivered,
 * whatever happens to the process or the machine.
 *
 * Who appended a batch has it delivered, or reported by `onDrop`. A batch may be read again after a crash though it had been removed.
 * Where the folder fails, batches are kept in memory until it works again; that is a fault, and `append` says so. With the next `append`
 * after that, or by `close`, they come to where they belong, with the same numbers.
 */
export interface Queue {
  /**
   * Calls may overlap; batches are in the order of the calls.
   *
   * @returns when the batch would survive what `fsync` says: whether it is on disk.
   * @throws QueueError
   */
  append(batch: Batch): Promise<{ readonly onDisk: boolean }>;
  /**
   * The oldest batch with a number from `from` on and below `to`. What cannot be read any more is dropped on the way; what cannot be read for
   * now is waited for (undefined), and after a while passed over, until it can be.
   *
   * @param from 0 = the oldest of all. @param to not given = no end.
   */
  read(from: number, to?: number): Promise<Entry | undefined>;
  /** Whether a batch that was read is still kept; not, if it was removed or dropped since. */
  has(number: number): boolean;
  /** It is delivered, or nobody wants it. Never throws. @returns whether it was still kept: else it was dropped, and reported. */
  remove(number: number): Promise<boolean>;
  /** The number that the next batch will have. */
  readonly end: number;
  stats(): QueueStats;
  /** Lets the folder go; what is in memory only, and cannot be written either, is dropped with reason `shutdown`. Idempotent. @returns how many batches are on disk. */
  close(): Promise<number>;
}

export interface QueueStats {
  /**
   * What is kept, in bytes on disk or in memory; never more than `bytesMax`, except when the size of a file is known only after the start, and then until the next
   * `append`. What `append` has not taken yet does not count.
   */
  readonly bytes: number;
  /** Waiting. A file that could not be read at the start is one, of no points and of the time of the start, until it can be read. */
  readonly batches: number;
  readonly points: number;
  /** Of those that are waiting, how many are only in memory. */
  readonly batchesInMemory: number;
  /** Unix ms of the oldest; undefined = none is waiting. */
  readonly oldestMs: number | undefined;
}
