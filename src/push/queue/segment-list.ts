import type { QueueStats } from './queue.ts';
import type { Segment } from './segment.ts';

/** A batch in its segment. */
export interface Place {
  readonly segment: Segment;
  readonly index: number;
}

/** The segments of a queue, in the order of their numbers. */
export class SegmentList {
  #segments: Segment[] = [];

  get first(): Segment | undefined {
    return this.#segments[0];
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1);
  }

  add(segment: Segment): void {
    const before = this.#segments.findLastIndex(({ first }) => first <= segment.first);
    this.#segments.splice(before + 1, 0, segment);
  }

  delete(segment: Segment): void {
    const at = this.#segments.indexOf(segment);
    if (at !== -1) this.#segments.splice(at, 1);
  }

  deleteAll(which: (segment: Segment) => boolean): void {
    this.#segments = this.#segments.filter((segment) => !which(segment));
  }

  has(segment: Segment): boolean {
    return this.#segments.includes(segment);
  }

  filter(keep: (segment: Segment) => boolean): Segment[] {
    return this.#segments.filter(keep);
  }

  /** Where the batch with that number waits. */
  find(number: number): Place | undefined {
    const segment = this.#segments.findLast(({ first }) => first <= number);
    const index = number - (segment?.first ?? 0);
    return segment?.contents.isWaiting(index) === true ? { segment, index } : undefined;
  }

  /** The first batch that waits, with a number from `from` on and below `to`. */
  firstWaiting(from: number, to: number): Place | undefined {
    for (const segment of this.#segments) {
      if (segment.first >= to) return undefined;
      const index = segment.contents.firstWaiting(from - segment.first);
      if (index !== undefined) return segment.first + index < to ? { segment, index } : undefined;
    }
    return undefined;
  }

  stats(): QueueStats {
    let [bytes, batches, points, batchesInMemory] = [0, 0, 0, 0];
    let oldestMs: number | undefined;
    for (const segment of this.#segments) {
      const { contents } = segment;
      const { waiting, pointsWaiting } = contents;
      bytes += segment.bytes;
      batches += waiting;
      points += pointsWaiting;
      if (!segment.onDisk) batchesInMemory += waiting;
      const first = contents.firstWaiting(0);
      // A file that cannot be read yet seems to be of the time at which it was found.
      if (first !== undefined) oldestMs = Math.min(oldestMs ?? Infinity, contents.at(first).timeMs);
    }
    return { bytes, batches, points, batchesInMemory, oldestMs };
  }
}
