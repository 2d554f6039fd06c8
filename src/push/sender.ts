import { splitRequest } from '../otlp/split.ts';
import type { Batch } from './batch.ts';
import { Pause } from './pause.ts';
import type { Retry, Throttle } from './retry.ts';
import type { Failure, SendOutcome } from './transports/transport.ts';

/** What became of the points of one batch. */
export interface Tally {
  sent: number;
  /** Rejected in a partial success. */
  partial: number;
  /** Refused for good. */
  rejected: number;
  /** In points that are larger than what the receiver takes. */
  tooLarge: number;
  /** What the receiver said last about those that it did not take. */
  failure: Failure | undefined;
}

export interface SenderOptions {
  /** One attempt; it counts what comes of it. */
  readonly attempt: (batch: Batch) => Promise<SendOutcome>;
  readonly retry: Retry;
  readonly throttle: Throttle;
  /** What could not be sent at once is given back, unless the receiver has a part of it. */
  readonly triesOnce: boolean;
}

/** One batch on its way. */
interface Delivery {
  readonly tally: Tally;
  readonly isWanted: () => boolean;
  /** The receiver calls a small single point too large, and has taken nothing: it would say so of every other one. */
  isHopeless: boolean;
}

/** Nobody's limit is below it. */
const SMALL_BYTES = 4096;

/** Sends batches, each again and again while that can help, in halves if it is too large. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #backOff = new Pause();
  #mayEnd: (() => boolean) | undefined;
  /** Of all attempts that failed together: they count as one. */
  #waiting: Promise<void> | undefined;
  /** Requests of this size are split before they are sent: the receiver has refused one, and taken its halves. */
  #tooLargeBytes = Infinity;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Whoever waits before an attempt need not. */
  hurry(): void {
    this.#options.retry.reset();
    this.#backOff.end();
  }

  /** Whoever waits before an attempt need not, and gives up if that fails and `mayEnd` says so. */
  stop(mayEnd: () => boolean): void {
    this.#mayEnd = mayEnd;
    this.#backOff.end();
  }

  get isToEnd(): boolean {
    return this.#mayEnd?.() === true;
  }

  /** @returns undefined if something is still to be done about it, which somebody else will have to. */
  async send(batch: Batch, isWanted: () => boolean): Promise<Tally | undefined> {
    const tally: Tally = { sent: 0, partial: 0, rejected: 0, tooLarge: 0, failure: undefined };
    return (await this.#send(batch, { tally, isWanted, isHopeless: false })) ? tally : undefined;
  }

  /** @returns whether nothing is left to be done: it is delivered, refused for good, or nobody wants it any more. */
  async #send(batch: Batch, delivery: Delivery): Promise<boolean> {
    const { attempt, retry, throttle } = this.#options;
    const { tally, isWanted } = delivery;
    if (delivery.isHopeless) {
      tally.tooLarge += batch.points;
      return true;
    }
    if (batch.payload.length >= this.#tooLargeBytes) return this.#sendHalves(batch, delivery);
    while (isWanted()) {
      if (throttle.remainingMs() > 0 && !(await this.#wait(throttle.remainingMs(), tally))) return false;
      const outcome = await attempt(batch);
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
          return this.#sendHalves(batch, delivery);
        case 'retryable':
          if (outcome.retryAfterMs !== undefined) throttle.asked(outcome.retryAfterMs);
          if (!(await this.#wait(undefined, tally))) return false;
      }
    }
    return true;
  }

  async #sendHalves(batch: Batch, delivery: Delivery): Promise<boolean> {
    const { tally } = delivery;
    const halves = splitRequest(batch.payload);
    if (halves === undefined) {
      tally.tooLarge += batch.points;
      delivery.isHopeless = batch.payload.length < SMALL_BYTES && !hasTaken(tally);
      return true;
    }
    const before = tally.sent;
    for (const { bytes: payload, points } of halves) {
      if (!(await this.#send({ timeMs: batch.timeMs, points, payload }, delivery))) return false;
    }
    // Only now: a receiver that calls everything too large must not have every later batch taken to pieces.
    if (tally.sent > before) this.#tooLargeBytes = Math.min(this.#tooLargeBytes, batch.payload.length);
    return true;
  }

  /** @param ms not given = by the back-off. @returns whether to try again. */
  async #wait(ms: number | undefined, tally: Tally): Promise<boolean> {
    const { retry, triesOnce } = this.#options;
    // A batch of which the receiver has a part is not given back: it would be sent anew from its beginning.
    if (this.isToEnd || (triesOnce && !hasTaken(tally))) return false;
    this.#waiting ??= this.#backOff.wait(ms ?? retry.failed());
    await this.#waiting;
    this.#waiting = undefined;
    return true;
  }
}

function hasTaken({ sent, partial, rejected }: Tally): boolean {
  return sent + partial + rejected > 0;
}
