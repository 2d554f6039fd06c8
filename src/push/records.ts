import type { Attributes } from '@opentelemetry/api';
import type { Instruments } from '../telemetry/instruments.ts';
import type { LogFields } from '../telemetry/logger.ts';
import type { Batch } from './batch.ts';
import type { IntakeFailure, IntakeStats } from './intake.ts';
import type { QueueDrop, QueueDropReason, QueueFault } from './queue/queue.ts';
import { createReceiverHealth, type ReceiverHealth, type ReceiverHealthOptions } from './receiver-health.ts';
import type { Tally } from './sender.ts';
import { timeText } from './time-text.ts';
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

/** The official exporter does not say whether trying again could help, and it is not done. */
export type AttemptOutcome = SendOutcome | (Failure & { readonly status: 'send_failed' });

export interface RecordsOptions extends ReceiverHealthOptions {
  readonly instruments: Instruments;
}

/** A folder may have any number of files that are not ours. */
const FAULTS_LOGGED_MAX = 20;
const WARNINGS_EVERY_MS = 10_000;

/** What one destination counts, logs and shows of itself. */
export class Records {
  readonly #options: RecordsOptions;
  readonly #attributes: Attributes;
  readonly health: ReceiverHealth;
  #faults = 0;
  #lostAtShutdown = 0;
  readonly #onLoss = new Set<(loss: Loss) => void>();
  #diskError = 'the disk has failed a moment ago';
  #warned = { text: '', atMs: -Infinity };

  constructor(options: RecordsOptions) {
    this.#options = options;
    this.health = createReceiverHealth(options);
    this.#attributes = { 'metergate.destination': options.name };
    // What has not happened yet is 0, so that the first time can be seen.
    this.sent(0);
  }

  /** Batches that were in memory at the end. */
  get lostAtShutdown(): number {
    return this.#lostAtShutdown;
  }

  /** @param listener is told of batches of which nothing was or will be sent. @returns ends that. */
  watchLosses(listener: (loss: Loss) => void): () => void {
    this.#onLoss.add(listener);
    return () => this.#onLoss.delete(listener);
  }

  attempted({ points }: Pick<Batch, 'points'>, outcome: AttemptOutcome, seconds: number): void {
    const attributes = { ...this.#attributes, 'metergate.push.outcome': outcome.status };
    this.#options.instruments.histogram('metergate.push.export.duration').record(seconds, attributes);
    switch (outcome.status) {
      case 'sent':
        this.health.sent();
        if (outcome.message !== '' && outcome.rejectedPoints === 0) this.#warn(outcome.message);
        return;
      case 'retryable':
      case 'send_failed':
        this.health.failed(points, outcome);
        return;
      case 'permanent':
      case 'too_large':
        this.health.erred(textOf(outcome));
    }
  }

  sent(points: number): void {
    this.#options.instruments.counter('metergate.push.points.sent').add(points, this.#attributes);
  }

  settled({ timeMs }: Batch, { sent, partial, rejected, tooLarge, failure }: Tally): void {
    this.sent(sent);
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
    const { events, instruments, endpoint } = this.#options;
    const attributes = { ...this.#attributes, 'metergate.reason': reason };
    instruments.counter('metergate.push.batches.dropped').add(batches, attributes);
    events.emit('batches dropped', { attributes, amount: points, fields: { endpoint, ...fields, points, batches } });
  }

  notQueued({ points, timeMs }: Batch, { code, message }: IntakeFailure): void {
    const { events, endpoint } = this.#options;
    this.#lose({ fromMs: timeMs, toMs: timeMs });
    events.emit('batch not queued', {
      attributes: { ...this.#attributes, 'error.type': code },
      amount: points,
      fields: { endpoint, points, collected: timeText(timeMs), error: message },
    });
  }

  /** A batch is kept in memory, since the folder fails, or has done so a moment ago. */
  notPersisted(): void {
    const { events } = this.#options;
    events.emit('batch not on disk', { attributes: this.#attributes, fields: { error: this.#diskError } });
  }

  /** It cannot be started yet. */
  refused(error: string): void {
    const isNew = error !== this.health.status().lastError?.message;
    this.health.erred(error);
    if (isNew) this.#options.logger.error('the queue cannot be opened', { ...this.#attributes, error });
  }

  /** The files of its certificates have changed. @param problem of the new ones; those before go on. */
  certificatesRead(problem: string | undefined): void {
    const { logger } = this.#options;
    if (problem === undefined) logger.info('certificates renewed', this.#attributes);
    else logger.warn('certificates not renewed', { ...this.#attributes, problem });
  }

  /** Nothing moves. */
  standsStill({ batches, points }: IntakeStats): void {
    this.#options.logger.warn('queue stands still', { ...this.#attributes, batches, points });
  }

  faulty({ code, message }: QueueFault): void {
    const { logger } = this.#options;
    if (code === 'not_persisted') this.#diskError = message;
    else if (++this.#faults <= FAULTS_LOGGED_MAX) {
      logger.warn('queue folder', { ...this.#attributes, code, problem: message });
    }
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
