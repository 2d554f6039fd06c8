import type { Limits } from './limits.ts';
import type { QueueDrop, QueueDropReason } from './queue.ts';
import type { Segment } from './segment.ts';
import type { Place, SegmentList } from './segment-list.ts';

export interface RetentionOptions {
  readonly segments: SegmentList;
  readonly limits: Limits;
  readonly maxAgeMs: number | undefined;
  /** The wall clock. */
  readonly nowMs: () => number;
  readonly onDrop: (drop: QueueDrop) => void;
}

/** What a queue takes. */
export interface Need {
  readonly bytes: number;
  readonly batches: number;
}

/** Decides which batches are dropped, and reports them. They wait no longer at once; where they are kept, others have to clear away. */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Drops the oldest segments until there is room. @returns those that left the list. */
  makeRoom(need: Need): Segment[] {
    const { segments, limits } = this.#options;
    return this.#dropWhile(() => {
      const { bytes, batches } = segments.stats();
      if (bytes + need.bytes <= limits.bytesMax && batches + need.batches <= limits.batchesMax) return undefined;
      // What is empty costs nothing.
      return segments.filter(({ contents }) => contents.waiting === 0)[0] ?? segments.first;
    });
  }

  /** The same for what is in memory. */
  makeRoomInMemory(need: Need): Segment[] {
    const { segments, limits } = this.#options;
    return this.#dropWhile(() => {
      const inMemory = segments.filter(({ onDisk }) => !onDisk);
      const bytes = inMemory.reduce((sum, segment) => sum + segment.bytes, need.bytes);
      return bytes > limits.memoryBytesMax ? inMemory[0] : undefined;
    });
  }

  /** Drops the batches at the front of each segment that are too old. @returns where they were. */
  expire(): Place[] {
    const places: Place[] = [];
    for (const segment of this.#options.segments.filter(({ contents }) => contents.waiting > 0)) {
      const { contents } = segment;
      for (let index = contents.firstWaiting(0); index !== undefined; index = contents.firstWaiting(index + 1)) {
        if (!this.isExpired({ segment, index })) break;
        places.push({ segment, index });
      }
    }
    this.drop(places, 'expired');
    return places;
  }

  isExpired({ segment, index }: Place): boolean {
    const { maxAgeMs = Infinity, nowMs } = this.#options;
    return nowMs() - segment.contents.at(index).timeMs > maxAgeMs;
  }

  /** Drops these, in one report. */
  drop(places: readonly Place[], reason: QueueDropReason): void {
    if (places.length === 0) return;
    let [points, bytes, fromMs, toMs] = [0, 0, Infinity, -Infinity];
    for (const { segment, index } of places) {
      const batch = segment.contents.at(index);
      points += batch.points;
      bytes += batch.bytes;
      fromMs = Math.min(fromMs, batch.timeMs);
      toMs = Math.max(toMs, batch.timeMs);
      segment.contents.settle(index);
    }
    this.#options.onDrop({ reason, batches: places.length, points, bytes, fromMs, toMs });
  }

  /** Drops what a power-off would take. */
  dropMemory(): void {
    const inMemory = this.#options.segments.filter(({ onDisk }) => !onDisk);
    this.drop(inMemory.flatMap(placesOf), 'shutdown');
    this.#options.segments.deleteAll(({ onDisk }) => !onDisk);
  }

  #dropWhile(next: () => Segment | undefined): Segment[] {
    const { segments } = this.#options;
    const gone: Segment[] = [];
    for (let segment = next(); segment !== undefined; segment = next()) {
      segments.delete(segment);
      gone.push(segment);
    }
    this.drop(gone.flatMap(placesOf), 'queue_full');
    return gone;
  }
}

/** Of all that is waiting in it. */
export function placesOf(segment: Segment): Place[] {
  return segment.contents.allWaiting().map((index) => ({ segment, index }));
}
