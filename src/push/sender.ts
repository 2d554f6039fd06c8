import { setImmediate } from 'node:timers/promises';
import { BEGINNING, splitOff, type Piece, type Place } from '../otlp/split.ts';
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
  readonly batch: Batch;
  readonly tally: Tally;
  /** What is to be sent next; undefined = it is to be split off what is left. */
  piece: Piece | undefined;
  /** What is left, with `piece`, begins there; undefined = nothing is. */
  from: Place | undefined;
  /** Of the pieces that it is cut into; Infinity = it is whole. */
  bytesMax: number;
  /** Of the last one that was too large, and not a single point. */
  refusedBytes: number;
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
/** A little more, so that two pieces of what was too large still hold it when it has grown a little. */
const HALF = 9 / 16;

export function startDelivery(batch: Batch): Delivery {
  const { payload: bytes, points } = batch;
  return {
    batch,
    tally: { sent: 0, partial: 0, rejected: 0, tooLarge: 0, failure: undefined },
    piece: { bytes, points, bytesMax: Infinity, end: undefined },
    from: BEGINNING,
    bytesMax: Infinity,
    refusedBytes: Infinity,
  };
}

/** Whether the receiver has a part of it: then it must not be sent anew from its beginning. */
export function hasBegun({ tally: { sent, partial, rejected } }: Delivery): boolean {
  return sent + partial + rejected > 0;
}

/** Sends batches, each again and again while that can help, in pieces if it is too large. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #backOff = new Pause();
  #mayEnd: (() => boolean) | undefined;
  /** Of all attempts that failed together: they count as one. */
  #waiting: Promise<void> | undefined;
  /** Larger ones are split before they are sent: the receiver has refused one, and taken a piece of it when they were cut to this size. */
  #bytesMax = Infinity;

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
    const { timeMs } = delivery.batch;
    while (isWanted()) {
      const { piece } = delivery;
      if (piece === undefined || this.#isTooLarge(piece)) {
        if (delivery.from === undefined) return true;
        await this.#split(delivery, delivery.from);
        continue;
      }
      const { points, bytes: payload } = piece;
      const outcome = throttle.remainingMs() > 0 ? undefined : await attempt({ timeMs, points, payload });
      if (outcome !== undefined && outcome.status !== 'retryable') {
        this.#settle(piece, outcome, delivery);
        continue;
      }
      if (outcome?.retryAfterMs !== undefined) throttle.asked(outcome.retryAfterMs);
      if (this.isToEnd || givesBack(delivery)) return false;
      // Only what was tried is a failure, from which the back-off grows.
      await this.#wait(() => Math.max(throttle.remainingMs(), outcome === undefined ? 0 : retry.failed()));
    }
    return true;
  }

  #settle(piece: Piece, outcome: Exclude<SendOutcome, { status: 'retryable' }>, delivery: Delivery): void {
    const { tally } = delivery;
    const { points, bytes } = piece;
    this.#options.retry.reset();
    delivery.piece = undefined;
    if (outcome.status !== 'sent') tally.failure = outcome;
    if (outcome.status === 'too_large' && points > 1) {
      delivery.refusedBytes = bytes.length;
      return;
    }
    delivery.from = piece.end;
    switch (outcome.status) {
      case 'sent': {
        const rejected = Math.min(outcome.rejectedPoints, points);
        tally.sent += points - rejected;
        tally.partial += rejected;
        if (rejected > 0) tally.failure = { code: 'partial_success', message: outcome.message };
        // Only now: a receiver that calls everything too large must not have every later batch taken to pieces.
        this.#bytesMax = Math.min(this.#bytesMax, Math.max(delivery.bytesMax, SMALL_BYTES));
        return;
      }
      case 'permanent':
        tally.rejected += points;
        return;
      case 'too_large':
        tally.tooLarge += points;
        // It calls a small single point too large, and has taken nothing: it would say so of every other one.
        if (bytes.length < SMALL_BYTES && !hasBegun(delivery)) giveUp(delivery);
    }
  }

  #isTooLarge({ points, bytes }: Piece): boolean {
    return points > 1 && bytes.length > this.#bytesMax;
  }

  async #split(delivery: Delivery, from: Place): Promise<void> {
    const { refusedBytes } = delivery;
    const knownBytes = Math.min(delivery.bytesMax, this.#bytesMax);
    const size = refusedBytes > knownBytes ? { bytesMax: knownBytes } : { bytesMax: refusedBytes, share: HALF };
    delivery.piece = await inSlices(splitOff(delivery.batch.payload, from, size));
    if (delivery.piece === undefined) giveUp(delivery);
    else delivery.bytesMax = delivery.piece.bytesMax;
  }

  /** Whoever comes while others wait does so with them. */
  #wait(timeoutMs: () => number): Promise<void> {
    this.#waiting ??= this.#backOff.wait(timeoutMs()).finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }
}

/** What is left of it is not sent. */
function giveUp(delivery: Delivery): void {
  const { batch, tally } = delivery;
  tally.tooLarge = batch.points - tally.sent - tally.partial - tally.rejected;
  delivery.from = undefined;
}

async function inSlices<T>(work: Generator<undefined, T, undefined>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await setImmediate();
  }
}
