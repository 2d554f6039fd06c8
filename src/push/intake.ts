import type { Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Batch } from './batch.ts';
import { Pause } from './pause.ts';
import { QueueError, type Queue } from './queue/queue.ts';

/** Where a batch is. */
export type Placed = 'on_disk' | 'in_memory' | 'failed';

export interface IntakeFailure {
  readonly code: QueueError['code'] | 'stuck' | 'error';
  readonly message: string;
}

export interface IntakeOptions {
  /** Until it is open, what comes waits here. */
  readonly queue: Promise<Queue>;
  /** What may be on its way to the disk at one time. */
  readonly bytesMax: number;
  readonly onFailed: (batch: Batch, failure: IntakeFailure) => void;
  /** Called once, when nothing has moved for some seconds though something waits, until it does. */
  readonly onStill: () => void;
}

/** What is on its way. */
export interface IntakeStats {
  readonly batches: number;
  readonly points: number;
  readonly bytes: number;
  /** Unix ms; undefined = nothing is. */
  readonly oldestMs: number | undefined;
}

const STILL_MS = 5_000;

/**
 * The way into a queue, whose disk may be slow or stand still: then what comes is refused, and counted, and neither memory grows nor does
 * another destination wait for it.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #pending = new Set<Batch>();
  #pendingBytes = 0;
  /** Nobody waits for it again until it has moved. */
  #stuck = false;
  #isAbandoned = false;
  #stillTimer: NodeJS.Timeout | undefined;
  readonly #untilMoved = new Pause();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get pending(): IntakeStats {
    let [points, oldestMs]: [number, number | undefined] = [0, undefined];
    for (const batch of this.#pending) {
      points += batch.points;
      oldestMs ??= batch.timeMs;
    }
    return { batches: this.#pending.size, points, bytes: this.#pendingBytes, oldestMs };
  }

  /** Resolves when there is room for a batch of that size; also when there is none by the deadline. */
  async room(bytes: number, deadline: Deadline): Promise<void> {
    while (!this.#stuck && !this.#fits(bytes)) {
      await this.#untilMoved.wait(deadline.remainingMs());
      this.#stuck = deadline.remainingMs() === 0 && !this.#fits(bytes);
    }
  }

  /** @returns when it is where it stays; never throws. */
  async offer(batch: Batch): Promise<Placed> {
    const { queue, onFailed } = this.#options;
    const { length } = batch.payload;
    if (this.#isAbandoned) {
      onFailed(batch, { code: 'closed', message: 'the process has to end' });
      return 'failed';
    }
    if (!this.#fits(length)) {
      onFailed(batch, {
        code: 'stuck',
        message: `the queue still writes ${this.#pendingBytes} bytes that came before`,
      });
      return 'failed';
    }
    this.#pendingBytes += length;
    this.#pending.add(batch);
    this.#stillTimer ??= setTimeout(this.#options.onStill, STILL_MS).unref();
    try {
      return (await (await queue).append(batch)).onDisk ? 'on_disk' : 'in_memory';
    } catch (error) {
      if (this.#pending.has(batch)) onFailed(batch, failureOf(error));
      return 'failed';
    } finally {
      this.#pending.delete(batch);
      this.#pendingBytes -= length;
      this.#stuck = false;
      clearTimeout(this.#stillTimer);
      this.#stillTimer = this.#pending.size > 0 ? setTimeout(this.#options.onStill, STILL_MS).unref() : undefined;
      this.#untilMoved.end();
    }
  }

  /** When nothing is on its way. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await this.#untilMoved.wait();
  }

  /** What is still on its way will not be waited for, and nothing more is taken. @returns how many batches. */
  abandon(): number {
    this.#isAbandoned = true;
    const { size } = this.#pending;
    for (const batch of this.#pending) {
      this.#options.onFailed(batch, {
        code: 'closed',
        message: 'it was still being written when the process had to end',
      });
    }
    this.#pending.clear();
    clearTimeout(this.#stillTimer);
    return size;
  }

  /** One always does, however large it is. */
  #fits(bytes: number): boolean {
    return this.#pendingBytes === 0 || this.#pendingBytes + bytes <= this.#options.bytesMax;
  }
}

function failureOf(error: unknown): IntakeFailure {
  if (error instanceof QueueError) return { code: error.code, message: error.message };
  return { code: 'error', message: errorText(error) };
}
