import { DropRun } from './drop-run.ts';
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

  /** Drops the batches at the front that are too old. @returns where they were. */
  expire(): Place[] {
    const { segments } = this.#options;
    const run = new DropRun('expired');
    const places: Place[] = [];
    for (;;) {
      const place = segments.firstWaiting(0, Infinity);
      if (place === undefined || !this.isExpired(place)) break;
      this.#drop(place, run);
      places.push(place);
    }
    run.report(this.#options.onDrop);
    return places;
  }

  isExpired({ segment, index }: Place): boolean {
    const { maxAgeMs = Infinity, nowMs } = this.#options;
    return nowMs() - segment.contents.at(index).timeMs > maxAgeMs;
  }

  /** Drops these. */
  drop(places: readonly Place[], reason: QueueDropReason): void {
    const run = new DropRun(reason);
    for (const place of places) this.#drop(place, run);
    run.report(this.#options.onDrop);
  }

  /** Drops what a power-off would take. */
  dropMemory(): void {
    const run = new DropRun('shutdown');
    for (const segment of this.#options.segments.filter(({ onDisk }) => !onDisk)) this.#dropAll(segment, run);
    run.report(this.#options.onDrop);
  }

  #dropWhile(next: () => Segment | undefined): Segment[] {
    const run = new DropRun('queue_full');
    const gone: Segment[] = [];
    for (let segment = next(); segment !== undefined; segment = next()) {
      this.#dropAll(segment, run);
      gone.push(segment);
    }
    run.report(this.#options.onDrop);
    return gone;
  }

  #dropAll(segment: Segment, run: DropRun): void {
    for (let index = segment.contents.firstWaiting(0); index !== undefined;) {
      this.#drop({ segment, index }, run);
      index = segment.contents.firstWaiting(index);
    }
    this.#options.segments.delete(segment);
  }

  #drop({ segment, index }: Place, run: DropRun): void {
    run.add(segment.contents.at(index));
    segment.contents.settle(index);
  }
}

/** Of all that is waiting in it. */
export function* placesOf(segment: Segment): Generator<Place, void, undefined> {
  for (let from = 0; ; from++) {
    const index = segment.contents.firstWaiting(from);
    if (index === undefined) return;
    yield { segment, index };
    from = index;
  }
}
