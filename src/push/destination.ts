import { readPems } from '../http/pem.ts';
import type { EncodeDrop } from '../otlp/encode.ts';
import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Batch } from './batch.ts';
import type { Taker } from './feed.ts';
import { Intake, type Placed } from './intake.ts';
import { openDestination, type OpenDestination } from './open-destination.ts';
import type { DestinationOptions } from './options.ts';
import { Pause } from './pause.ts';
import type { DiskPlaces } from './queue/disk/places.ts';
import type { Queue, QueueStats } from './queue/queue.ts';
import { NOTHING_WAITS, queueStatus, withPending } from './queue-figures.ts';
import type { Records } from './records.ts';
import type { SendOutcome, Transport } from './transports/transport.ts';

export interface DestinationParts {
  readonly options: DestinationOptions;
  readonly records: Records;
  /** Of metergate, for the receiver. */
  readonly userAgent: string;
  /** For the disks of all destinations. */
  readonly places: DiskPlaces;
}

/** What a shutdown could not send, in batches. */
export interface Leftover {
  readonly onDisk: number;
  readonly lost: number;
}

/** That may be on their way to the disk at one time. */
const PENDING_BYTES_MAX = 64 * 1024 ** 2;
/** After the deadline, for what ends in no time if it ends at all. */
const CLOSE_TIMEOUT_MS = 500;

/** One receiver: its queue, and the lanes that send from there. Nothing here waits for another destination, or is waited for. */
export class Destination implements Taker {
  readonly name: string;
  readonly records: Records;
  readonly #parts: DestinationParts;
  readonly #opened = Promise.withResolvers<Queue>();
  readonly #intake: Intake;
  readonly #abort = new AbortController();
  #isStarted = false;
  /** It is too late to be opened. */
  #isOver = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<Leftover> | undefined;
  #open: OpenDestination | undefined;
  /** That is: has left the queue, or is on disk. */
  readonly #untilSafe = new Pause();

  constructor(parts: DestinationParts) {
    const { options, records } = parts;
    this.name = options.name;
    this.records = records;
    this.#parts = parts;
    this.#intake = new Intake({
      queue: this.#opened.promise,
      bytesMax: Math.min(options.queue.bytesMax, PENDING_BYTES_MAX),
      onFailed: (batch, failure) => records.notQueued(batch, failure),
      onStill: () => records.standsStill(this.#intake.pending),
    });
  }

  /** Whether it takes what is collected: it has been started, and is not at its end. */
  get isStarted(): boolean {
    return this.#isStarted && this.#stopping === undefined;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  get queue(): DestinationOptions['queue'] {
    return this.#parts.options.queue;
  }

  /** With what is on its way to the disk, or waits for the queue to be open. */
  stats(): QueueStats {
    return withPending(this.#open?.queue.stats() ?? NOTHING_WAITS, this.#intake.pending);
  }

  /** May be called again when it has failed. @throws if a certificate cannot be read, or if another process owns the folder of the queue. */
  start(): Promise<void> {
    this.#isStarted = true;
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Sends what can be sent until then. What is on disk is not waited for once an attempt has failed. */
  shutdown(deadline: Deadline): Promise<Leftover> {
    return (this.#stopping ??= this.#shutdown(deadline));
  }

  async room(bytes: number, deadline: Deadline): Promise<void> {
    await this.#intake.room(bytes, deadline);
  }

  async offer(batch: Batch): Promise<Placed> {
    const placed = await this.#intake.offer(batch);
    if (placed === 'in_memory' && this.queue.directory !== undefined) this.records.notPersisted();
    if (placed !== 'failed') this.#open?.lanes.wake();
    this.#untilSafe.end();
    return placed;
  }

  unfit({ metric, points }: EncodeDrop): void {
    this.records.dropped({ reason: 'bad_value', batches: 0, points, fields: { metric } });
  }

  collectionFailed(error: unknown): void {
    this.records.health.failed(0, { code: 'collection', message: errorText(error) });
  }

  /** Waits until what is in the queue is sent or on disk. @returns which; `in_memory` = there was no time for it. */
  async secure(deadline: Deadline): Promise<'sent' | 'on_disk' | 'in_memory'> {
    this.#open?.lanes.hurry();
    for (;;) {
      const { batches, batchesInMemory } = this.stats();
      if (batchesInMemory === 0) return batches === 0 ? 'sent' : 'on_disk';
      if (deadline.remainingMs() === 0) return 'in_memory';
      await this.#untilSafe.wait(deadline.remainingMs());
    }
  }

  status(): Readonly<Record<string, unknown>> {
    const { protocol } = this.#parts.options;
    return {
      protocol,
      ...this.records.health.status(),
      queue: { open: this.isOpen, ...queueStatus(this.queue, this.stats()) },
    };
  }

  async #start(): Promise<void> {
    const { options, ...parts } = this.#parts;
    const { name, endpoint } = options;
    const tls = endpoint.startsWith('https://') ? await readPems(`push ${name}`, options.tls ?? {}) : {};
    const open = await openDestination({
      ...parts,
      options,
      tls,
      attempt: (transport, batch) => this.#attempt(transport, batch),
      onLeft: () => this.#untilSafe.end(),
    });
    if (this.#isOver) {
      await open.queue.close();
      return;
    }
    this.#open = open;
    open.lanes.start();
    this.#opened.resolve(open.queue);
  }

  async #attempt(transport: Transport, batch: Batch): Promise<SendOutcome> {
    const { signal } = this.#abort;
    const startMs = performance.now();
    const outcome = await transport.send(batch.payload, signal);
    // What we gave up ourselves is not a failure of the receiver.
    if (signal.aborted && outcome.status !== 'sent') return outcome;
    this.records.attempted(batch, outcome, (performance.now() - startMs) / 1000);
    return outcome;
  }

  async #shutdown(deadline: Deadline): Promise<Leftover> {
    // When the start of another destination failed, this one may still be reading its certificates, and would start after its end.
    await within(deadline, Promise.allSettled([this.#starting]));
    if (this.#open === undefined) {
      this.#isOver = true;
      return { onDisk: 0, lost: this.#intake.abandon() };
    }
    const { queue, lanes, transport } = this.#open;
    await within(deadline, this.#intake.settled());
    await within(
      deadline,
      lanes.stop(() => queue.stats().batchesInMemory === 0),
    );
    this.#abort.abort();
    // A disk that stands still must not hold up the end of the process.
    const close = async (): Promise<number> => {
      await lanes.stop(() => true);
      await transport.close();
      return queue.close();
    };
    const { batches, batchesInMemory } = queue.stats();
    const closed = await within(deadlineIn(Math.max(CLOSE_TIMEOUT_MS, deadline.remainingMs())), close());
    const abandoned = this.#intake.abandon();
    // What was in memory may have found its place on the disk at last.
    if (closed.done) return { onDisk: closed.value, lost: this.records.lostAtShutdown + abandoned };
    return { onDisk: batches - batchesInMemory, lost: batchesInMemory + abandoned };
  }
}
