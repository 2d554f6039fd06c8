import type { Attributes } from '@opentelemetry/api';
import type { EventName, Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { LogFields, Logger } from '../telemetry/logger.ts';
import type { Batch } from './batch.ts';
import type { IntakeFailure, Pending } from './intake.ts';
import type { Tally } from './sender.ts';
import type { QueueDrop, QueueDropReason, QueueFault } from './queue/queue.ts';
import type { Failure, SendOutcome } from './transports/transport.ts';

export type DropReason = QueueDropReason | 'rejected' | 'partial_success' | 'too_large' | 'bad_value';

export interface Drop {
  readonly reason: DropReason;
  readonly batches: number;
  readonly points: number;
  readonly fields: LogFields;
}

/** Of batches, by the time of their collection, Unix ms. */
export interface Loss {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface RecordsOptions {
  /** Of the destination. */
  readonly name: string;
  readonly endpoint: string;
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
}

/** A folder may have any number of files that are not ours. */
const FAULTS_LOGGED_MAX = 20;
const WARNINGS_EVERY_MS = 10_000;

/** What one destination counts, logs and shows of itself. */
export class Records {
  readonly #options: RecordsOptions;
  readonly #attributes: Attributes;
  #faults = 0;
  #lastSentMs: number | undefined;
  #lastError: string | undefined;
  #lostAtShutdown = 0;
  readonly #onLoss = new Set<(loss: Loss) => void>();
  #diskError = 'the disk has failed a moment ago';
  #warned = { text: '', atMs: -Infinity };

  constructor(options: RecordsOptions) {
    this.#options = options;
    this.#attributes = { 'metergate.destination': options.name };
    // What has not happened yet is 0, so that the first time can be seen.
    options.instruments.counter('metergate.push.points.sent').add(0, this.#attributes);
  }

  /** Batches that were in memory at the end. */
  get lostAtShutdown(): number {
    return this.#lostAtShutdown;
  }

  get lastSentMs(): number | undefined {
    return this.#lastSentMs;
  }

  /** @param listener is told of batches of which nothing was or will be sent. @returns ends that. */
  watchLosses(listener: (loss: Loss) => void): () => void {
    this.#onLoss.add(listener);
    return () => this.#onLoss.delete(listener);
  }

  attempted({ points }: Batch, outcome: SendOutcome, seconds: number): void {
    const attributes = { ...this.#attributes, 'metergate.push.outcome': outcome.status };
    this.#options.instruments.histogram('metergate.push.export.duration').record(seconds, attributes);
    switch (outcome.status) {
      case 'sent':
        this.#lastSentMs = Date.now();
        if (outcome.message !== '' && outcome.rejectedPoints === 0) this.#warn(outcome.message);
        return;
      case 'retryable':
        this.failed(points, outcome);
        return;
      case 'permanent':
      case 'too_large':
        this.#lastError = textOf(outcome);
    }
  }

  /** An attempt after which the points are still there. */
  failed(points: number, failure: Failure): void {
    this.#lastError = textOf(failure);
    this.#emit('export failed', { points, failure, fields: {} });
  }

  settled({ timeMs }: Batch, { sent, partial, rejected, tooLarge, failure }: Tally): void {
    this.#options.instruments.counter('metergate.push.points.sent').add(sent, this.#attributes);
    const whole = sent + partial === 0 ? 1 : 0;
    if (whole === 1) this.#lose({ fromMs: timeMs, toMs: timeMs });
    const fields = {
      collected: timeText(timeMs),
      ...(failure && { error: textOf(failure), code: failure.code }),
    };
    let batches = whole;
    const drops = { partial_success: partial, rejected, too_large: tooLarge };
    for (const [reason, points] of Object.entries(drops) as [DropReason, number][]) {
      if (points === 0) continue;
      this.dropped({ reason, batches, points, fields });
      // Of several reasons one has the batch.
      batches = 0;
    }
  }

  /** By the queue. */
  lost({ reason, batches, points, bytes, fromMs, toMs }: QueueDrop): void {
    this.#lose({ fromMs, toMs });
    if (reason === 'shutdown') this.#lostAtShutdown += batches;
    this.dropped({ reason, batches, points, fields: { bytes, from: timeText(fromMs), to: timeText(toMs) } });
  }

  dropped({ reason, batches, points, fields }: Drop): void {
    const { events, instruments } = this.#options;
    const attributes = { ...this.#attributes, 'metergate.reason': reason };
    instruments.counter('metergate.push.batches.dropped').add(batches, attributes);
    events.emit('batches dropped', { attributes, amount: points, fields: { ...fields, points, batches } });
  }

  notQueued({ points, timeMs }: Batch, failure: IntakeFailure): void {
    this.#lose({ fromMs: timeMs, toMs: timeMs });
    this.#emit('batch not queued', { points, failure, fields: { collected: timeText(timeMs) } });
  }

  /** A batch is kept in memory, since the folder fails, or has done so a moment ago. */
  notPersisted(): void {
    const { events } = this.#options;
    events.emit('batch not on disk', { attributes: this.#attributes, fields: { error: this.#diskError } });
  }

  /** It cannot be started yet. */
  refused(error: string): void {
    if (error === this.#lastError) return;
    this.#lastError = error;
    this.#options.logger.error('the queue cannot be opened', { ...this.#attributes, error });
  }

  /** Nothing moves. */
  standsStill({ batches, points }: Pending): void {
    this.#options.logger.warn('queue stands still', { ...this.#attributes, batches, points });
  }

  faulty({ code, message }: QueueFault): void {
    const { logger } = this.#options;
    if (code === 'not_persisted') this.#diskError = message;
    else if (++this.#faults <= FAULTS_LOGGED_MAX) {
      logger.warn('queue folder', { ...this.#attributes, code, problem: message });
    }
  }

  status(): Readonly<Record<string, unknown>> {
    const { endpoint } = this.#options;
    return {
      endpoint,
      lastSent: this.#lastSentMs === undefined ? null : timeText(this.#lastSentMs),
      lastError: this.#lastError ?? null,
    };
  }

  #emit(
    event: EventName,
    { points, failure, fields }: { points: number; failure: Pick<Failure, 'code' | 'message'>; fields: LogFields },
  ): void {
    const { events, endpoint } = this.#options;
    const attributes = { ...this.#attributes, 'error.type': failure.code };
    events.emit(event, { attributes, amount: points, fields: { endpoint, points, ...fields, error: failure.message } });
  }

  /** Some say the same with every batch. */
  #warn(text: string): void {
    const nowMs = performance.now();
    if (text === this.#warned.text || nowMs - this.#warned.atMs < WARNINGS_EVERY_MS) return;
    this.#warned = { text, atMs: nowMs };
    this.#options.logger.warn('receiver warns', { ...this.#attributes, message: text });
  }

  #lose(loss: Loss): void {
    for (const listener of this.#onLoss) listener(loss);
  }
}

function textOf({ code, message }: Failure): string {
  return `${code}: ${message}`;
}

function timeText(timeMs: number): string | null {
  return timeMs > 0 ? new Date(timeMs).toISOString() : null;
}
