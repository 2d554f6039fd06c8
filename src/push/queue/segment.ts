import type { Batch } from '../batch.ts';
import type { Contents } from './contents.ts';

export type ReadResult =
  | { readonly batch: Batch }
  /** Why there is none any more; `isGone`: neither is any other of the segment. */
  | { readonly damage: string; readonly isGone?: boolean }
  /** It is known now what is in the segment, and this takes its place; undefined = it is none of the queue. */
  | { readonly found: Segment | undefined };

/** What one segment may hold; one batch always has room. */
export interface SegmentLimits {
  readonly bytesMax: number;
  readonly batchesMax: number;
}

/**
 * A run of batches, kept in one place, that is appended to until it is full and goes as a whole. Which of its batches are waiting is what
 * `contents` says, at once; what is done about it where they are kept comes after.
 *
 * Whoever uses it calls what writes (`append`, `mark`, `remove`) one after the other; `read` may overlap with anything.
 */
export interface Segment {
  /** The number of its first batch; the others follow. */
  readonly first: number;
  readonly onDisk: boolean;
  /** For messages. */
  readonly name: string;
  readonly contents: Contents;
  /** What it takes where it is kept. */
  readonly bytes: number;
  /** Whether so much more may be appended. */
  hasRoom(more: { readonly bytes: number; readonly batches: number }): boolean;
  /** All or none. @throws the error of the system; nothing has room from then on. */
  append(batches: readonly Batch[]): Promise<void>;
  /** @throws the error of the system, if it may be another one the next time. */
  read(index: number): Promise<ReadResult>;
  /** Has the place where it is kept know that a batch waits no longer. @throws the error of the system. */
  mark(index: number): Promise<void>;
  /** Gives up its place, whatever is waiting. @throws the error of the system, and may be called again. */
  remove(): Promise<void>;
}
