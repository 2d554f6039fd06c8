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

/** How far a batch has come. */
export interface Delivery {
  readonly tally: Tally;
  /** What is still to be sent, the next one last. */
  readonly pieces: Piece[];
}

interface Piece extends Batch {
  /** Of the request that it is a half of. */
  readonly wholeBytes?: number;
}

export interface SenderOptions {
  /** One attempt; it counts what comes of it. */
  readonly attempt: (batch: Batch) => Promise<SendOutcome>;
  readonly retry: Retry;
  readonly throttle: Throttle;
  /** Whether what could not be sent at once is given back. */
  readonly givesBack: (delivery: Delivery) => boolean;
}

/** Nobody's limit is below it. */
const SMALL_BYTES = 4096;

export function startDelivery(batch: Batch): Delivery {
  return { tally: { sent: 0, partial: 0, rejected: 0, tooLarge: 0, failure: undefined }, pieces: [batch] };
}

/** Whether the receiver has a part of it: then it must not be sent anew from its beginning. */
export function hasBegun({ tally: { sent, partial, rejected } }: Delivery): boolean {
  return sent + partial + rejected > 0;
}

/** Sends batches, each again and again while that can help, in halves if it is too large. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #backOff = new Pause();
  #mayEnd: (() => boolean) | undefined;
  /** Of all attempts that failed together: they count as one. */
  #waiting: Promise<void> | undefined;
  /** Requests of this size are split before they are sent: the receiver has refused one, and taken a half of it. */
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

  /** @returns whether nothing is left to be done: it is delivered, refused for good, or nobody wants it any more. */
  async send(delivery: Delivery, isWanted: () => boolean): Promise<boolean> {
    const { attempt, retry, throttle, givesBack } = this.#options;
    const { pieces } = delivery;
    while (isWanted()) {
      const piece = pieces.pop();
      if (piece === undefined) return true;
      if (piece.payload.length >= this.#tooLargeBytes) {
        this.#split(piece, delivery);
        continue;
      }
      const outcome = throttle.remainingMs() > 0 ? undefined : await attempt(piece);
      if (outcome !== undefined && outcome.status !== 'retryable') {
        this.#settle(piece, outcome, delivery);
        continue;
      }
      pieces.push(piece);
      if (outcome?.retryAfterMs !== undefined) throttle.asked(outcome.retryAfterMs);
      if (this.isToEnd || givesBack(delivery)) return false;
      // Only what was tried is a failure, from which the back-off grows.
      await this.#wait(() => Math.max(throttle.remainingMs(), outcome === undefined ? 0 : retry.failed()));
    }
    return true;
  }

  #settle(piece: Piece, outcome: Exclude<SendOutcome, { status: 'retryable' }>, delivery: Delivery): void {
    const { tally } = delivery;
    this.#options.retry.reset();
    switch (outcome.status) {
      case 'sent': {
        const rejected = Math.min(outcome.rejectedPoints, piece.points);
        tally.sent += piece.points - rejected;
        tally.partial += rejected;
        if (rejected > 0) tally.failure = { code: 'partial_success', message: outcome.message };
        // Only now: a receiver that calls everything too large must not have every later batch taken to pieces.
        this.#tooLargeBytes = Math.min(this.#tooLargeBytes, piece.wholeBytes ?? Infinity);
        return;
      }
      case 'permanent':
        tally.rejected += piece.points;
        tally.failure = outcome;
        return;
      case 'too_large':
        tally.failure = outcome;
        this.#split(piece, delivery);
    }
  }

  #split({ timeMs, points, payload }: Piece, delivery: Delivery): void {
    const { tally, pieces } = delivery;
    const halves = splitRequest(payload);
    if (halves !== undefined) {
      const wholeBytes = payload.length;
      const toPiece = (half: (typeof halves)[number]): Piece => ({
        timeMs,
        wholeBytes,
        points: half.points,
        payload: half.bytes,
      });
      pieces.push(toPiece(halves[1]), toPiece(halves[0]));
      return;
    }
    tally.tooLarge += points;
    if (payload.length >= SMALL_BYTES || hasBegun(delivery)) return;
    // It calls a small single point too large, and has taken nothing: it would say so of every other one.
    for (const piece of pieces.splice(0)) tally.tooLarge += piece.points;
  }

  /** Whoever comes while others wait does so with them. */
  #wait(timeoutMs: () => number): Promise<void> {
    this.#waiting ??= this.#backOff.wait(timeoutMs()).finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }
}
