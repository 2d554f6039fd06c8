import type { Described } from './contents.ts';
import type { QueueDrop, QueueDropReason } from './queue.ts';

/** Batches that are lost for one reason at one time, in one report. */
export class DropRun {
  readonly #reason: QueueDropReason;
  #batches = 0;
  #points = 0;
  #bytes = 0;
  #fromMs = Infinity;
  #toMs = -Infinity;

  constructor(reason: QueueDropReason) {
    this.#reason = reason;
  }

  add({ timeMs, points, bytes }: Described): void {
    this.#batches++;
    this.#points += points;
    this.#bytes += bytes;
    this.#fromMs = Math.min(this.#fromMs, timeMs);
    this.#toMs = Math.max(this.#toMs, timeMs);
  }

  /** Says so, if there is anything to say. */
  report(onDrop: (drop: QueueDrop) => void): void {
    if (this.#batches === 0) return;
    onDrop({
      reason: this.#reason,
      batches: this.#batches,
      points: this.#points,
      bytes: this.#bytes,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
    });
  }
}
