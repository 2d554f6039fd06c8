import { splitRequest } from '../otlp/split.ts';
import type { Batch } from './batch.ts';
import { Pause } from './pause.ts';
import type { Entry, Queue } from './queue/queue.ts';
import type { Retry } from './retry.ts';
import type { Failure, SendOutcome } from './transports/transport.ts';

/** What became of the points of one batch. */
export interface Tally {
  sent: number;
  /** Rejected in a partial success. */
  partial: number;
  /** Refused for good. */
  rejected: number;
  /** Single points that are larger than what the receiver takes. */
  tooLarge: number;
  /** What the receiver said last about those that it did not take. */
  failure: Failure | undefined;
}

export interface LaneOptions {
  readonly queue: Queue;
  /** One attempt; it counts what comes of it. */
  readonly send: (batch: Batch) => Promise<SendOutcome>;
  /** A batch has left the queue. */
  readonly settled: (entry: Entry, tally: Tally) => void;
  /** Attempts at one time. */
  readonly exportsMax: number;
  readonly retry: Retry;
  /** Below which number batches are its own; undefined = all. */
  readonly to: () => number | undefined;
  /** Given, only batches from here on are its own, and what could not be sent at once is left to another lane, which is told so. */
  readonly fresh?: { readonly from: number; readonly leave: () => void };
}

/**
 * Sends batches of a queue in their order. Several are on their way at one time only if they are of one collection, so that no series
 * overtakes itself.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #idle = new Pause();
  readonly #backOff = new Pause();
  #next: number;
  #wakes = 0;
  #running: Promise<void> | undefined;
  #stopping: (() => boolean) | undefined;
  /** Requests of this size are split before they are sent: the receiver has refused one, and taken its halves. */
  #tooLargeBytes = Infinity;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#next = options.fresh?.from ?? 0;
  }

  /** What is below is not its own any more, or is done. */
  get next(): number {
    return this.#next;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is a batch more. */
  wake(): void {
    this.#wakes++;
    this.#idle.end();
  }

  /** The receiver is there: whoever waits before an attempt need not. */
  hurry(): void {
    this.#options.retry.reset();
    this.#backOff.end();
  }

  /**
   * Ends when nothing is waiting any more, or when an attempt fails and `mayEnd` says so. @returns when it has ended. Called again, the last
   * `mayEnd` counts.
   */
  async stop(mayEnd: () => boolean): Promise<void> {
    this.#stopping = mayEnd;
    this.#idle.end();
    this.#backOff.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      const wakes = this.#wakes;
      const [first, ...others] = await this.#read();
      if (first !== undefined) {
        if (!(await this.#deliverAll([first, ...others]))) return;
      } else if (this.#stopping !== undefined) return;
      // What came while it read, it may not have seen.
      else if (wakes === this.#wakes) await this.#idle.wait();
    }
  }

  /** The next batches of one collection. */
  async #read(): Promise<Entry[]> {
    const { queue, exportsMax, to, fresh } = this.#options;
    const entries: Entry[] = [];
    // Always the oldest: a folder that can be read only later comes with batches that are older than what was sent already.
    let from = fresh === undefined ? 0 : this.#next;
    while (entries.length < exportsMax) {
      const entry = await queue.read(from, to());
      if (entry === undefined) break;
      const [first = entry] = entries;
      if (entry.batch.timeMs !== first.batch.timeMs) break;
      entries.push(entry);
      from = entry.number + 1;
    }
    return entries;
  }

  /** @returns whether to go on. */
  async #deliverAll(entries: readonly [Entry, ...Entry[]]): Promise<boolean> {
    const { queue, fresh } = this.#options;
    this.#next = entries[0].number;
    const delivered = await Promise.all(entries.map((entry) => this.#deliver(entry)));
    if (delivered.every(Boolean)) this.#next = Math.max(...entries.map(({ number }) => number)) + 1;
    else if (this.#isToEnd()) return false;
    else if (fresh !== undefined) {
      this.#next = queue.end;
      fresh.leave();
    }
    return true;
  }

  /** @returns whether nothing is left to be done about it. */
  async #deliver(entry: Entry): Promise<boolean> {
    const { queue, settled } = this.#options;
    const tally: Tally = { sent: 0, partial: 0, rejected: 0, tooLarge: 0, failure: undefined };
    if (!(await this.#send(entry.batch, tally, () => queue.has(entry.number)))) return false;
    // What was dropped meanwhile is counted as that.
    if (await queue.remove(entry.number)) settled(entry, tally);
    return true;
  }

  /** @returns whether nothing is left to be done: it is delivered, refused for good, or nobody wants it any more. */
  async #send(batch: Batch, tally: Tally, isWanted: () => boolean): Promise<boolean> {
    const { send, retry, fresh } = this.#options;
    if (batch.payload.length >= this.#tooLargeBytes) return this.#sendHalves(batch, tally, isWanted);
    while (isWanted()) {
      const outcome = await send(batch);
      switch (outcome.status) {
        case 'sent': {
          retry.reset();
          const rejected = Math.min(outcome.rejectedPoints, batch.points);
          tally.sent += batch.points - rejected;
          tally.partial += rejected;
          if (rejected > 0) tally.failure = { code: 'partial_success', message: outcome.message };
          return true;
        }
        case 'permanent':
          retry.reset();
          tally.rejected += batch.points;
          tally.failure = outcome;
          return true;
        case 'too_large':
          tally.failure = outcome;
          return this.#sendHalves(batch, tally, isWanted);
        case 'retryable':
          if (fresh !== undefined || this.#isToEnd()) return false;
          await this.#backOff.wait(retry.failed(outcome.retryAfterMs));
      }
    }
    return true;
  }

  async #sendHalves(batch: Batch, tally: Tally, isWanted: () => boolean): Promise<boolean> {
    const halves = splitRequest(batch.payload);
    if (halves === undefined) {
      tally.tooLarge += batch.points;
      return true;
    }
    const before = tally.sent;
    for (const { bytes: payload, points } of halves) {
      if (!(await this.#send({ timeMs: batch.timeMs, points, payload }, tally, isWanted))) return false;
    }
    // Only now: a receiver that calls everything too large must not have every later batch taken to pieces.
    if (tally.sent > before) this.#tooLargeBytes = Math.min(this.#tooLargeBytes, batch.payload.length);
    return true;
  }

  #isToEnd(): boolean {
    return this.#stopping?.() === true;
  }
}
