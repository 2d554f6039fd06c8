import type { Batch } from '../batch.ts';
import { Contents } from './contents.ts';
import type { ReadResult, Segment, SegmentLimits } from './segment.ts';

/** What a batch takes in memory besides its bytes: measured, 200 for one of 1 KiB. */
export const MEMORY_BATCH_BYTES = 256;

/** Batches in memory. What waits no longer takes no room. */
export class MemorySegment implements Segment {
  readonly first: number;
  readonly onDisk = false;
  readonly name = 'memory';
  readonly contents = new Contents();
  readonly #limits: SegmentLimits;
  readonly #batches: (Batch | undefined)[] = [];
  #bytes = 0;

  constructor(first: number, limits: SegmentLimits) {
    this.first = first;
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** By their index; undefined = it waits no longer. */
  get batches(): readonly (Batch | undefined)[] {
    return this.#batches.map((batch, index) => (this.contents.isWaiting(index) ? batch : undefined));
  }

  hasRoom({ bytes, batches }: { bytes: number; batches: number }): boolean {
    const { bytesMax, batchesMax } = this.#limits;
    const { length } = this.contents;
    return length === 0 || (this.#bytes + bytes <= bytesMax && length + batches <= batchesMax);
  }

  append(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) {
      this.#batches.push(batch);
      this.#bytes += MEMORY_BATCH_BYTES + batch.payload.length;
      this.contents.add({ ...batch, bytes: batch.payload.length });
    }
    return Promise.resolve();
  }

  read(index: number): Promise<ReadResult> {
    const batch = this.#batches[index];
    return Promise.resolve(batch === undefined ? { damage: 'it waits no longer' } : { batch });
  }

  mark(index: number): Promise<void> {
    const batch = this.#batches[index];
    if (batch !== undefined) this.#bytes -= MEMORY_BATCH_BYTES + batch.payload.length;
    this.#batches[index] = undefined;
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.#batches.length = 0;
    this.#bytes = 0;
    return Promise.resolve();
  }
}
