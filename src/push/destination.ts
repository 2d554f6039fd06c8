import { readPems } from '../http/pem.ts';
import type { EncodeDrop } from '../otlp/encode.ts';
import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Batch } from './batch.ts';
import type { Taker } from './feed.ts';
import { Intake, type Placed } from './intake.ts';
import { createLanes, type Lanes } from './lanes.ts';
import type { DestinationOptions } from './options.ts';
import { openQueue } from './queue/index.ts';
import type { Queue, QueueStats } from './queue/queue.ts';
import { queueStatus } from './queue-status.ts';
import type { Records } from './records.ts';
import { createTransport } from './transports/index.ts';
import type { SendOutcome, Transport } from './transports/transport.ts';

export interface DestinationParts {
  readonly options: DestinationOptions;
  readonly records: Records;
  /** Of metergate, for the receiver. */
  readonly userAgent: string;
}

/** What a shutdown could not send, in batches. */
export interface Leftover {
  readonly onDisk: number;
  readonly lost: number;
}

interface Open {
  readonly queue: Queue;
  readonly transport: Transport;
  readonly lanes: Lanes;
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
  #starting: Promise<void> | undefined;
  #stopping: Promise<Leftover> | undefined;
  #open: Open | undefined;
  /** Resolved whenever a batch has left the queue. */
  #left = Promise.withResolvers<undefined>();

  constructor(parts: DestinationParts) {
    const { options, records } = parts;
    this.name = options.name;
    this.records = records;
    this.#parts = parts;
    this.#intake = new Intake({
      queue: this.#opened.promise,
      bytesMax: Math.min(options.queue.bytesMax, PENDING_BYTES_MAX),
      onFailed: (batch, failure) => records.notQueued(batch, failure),
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

  stats(): QueueStats | undefined {
    return this.#open?.queue.stats();
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
    if (placed !== 'failed') this.#open?.lanes.wake();
    return placed;
  }

  unfit({ metric, points }: EncodeDrop): void {
    this.records.dropped({ reason: 'bad_value', batches: 0, points, fields: { metric } });
  }

  collectionFailed(error: unknown): void {
    this.records.failed(0, { code: 'collection', message: errorText(error) });
  }

  /** Waits until what is in the queue is sent or on disk. @returns which; `in_memory` = there was no time for it. */
  async secure(deadline: Deadline): Promise<'sent' | 'on_disk' | 'in_memory'> {
    this.#open?.lanes.hurry();
    for (let isInTime = true; isInTime; isInTime = (await within(deadline, this.#left.promise)).done) {
      const { batches = 0, batchesInMemory = 0 } = this.stats() ?? {};
      if (batchesInMemory === 0) return batches === 0 ? 'sent' : 'on_disk';
    }
    return 'in_memory';
  }

  status(): Readonly<Record<string, unknown>> {
    const { protocol } = this.#parts.options;
    return { protocol, ...this.records.status(), queue: queueStatus(this.queue, this.stats()) };
  }

  async #start(): Promise<void> {
    const { options, records, userAgent } = this.#parts;
    const { name, endpoint, protocol } = options;
    const tls = endpoint.startsWith('https://') ? await readPems(`push ${name}`, options.tls ?? {}) : {};
    const queue = await openQueue({
      ...options.queue,
      onDrop: (drop) => {
        records.lost(drop);
        this.#hasLeft();
      },
      onFault: (fault) => records.faulty(fault),
    });
    if (!this.isStarted) return queue.close();
    const transport = createTransport(protocol, { ...options, tls, userAgent });
    const lanes = createLanes({
      ...options,
      queue,
      order: options.queue.order,
      attempt: (batch) => this.#attempt(transport, batch),
      settled: (batch, tally) => {
        records.settled(batch, tally);
        this.#hasLeft();
      },
    });
    this.#open = { queue, transport, lanes };
    lanes.start();
    this.#opened.resolve(queue);
  }

  async #attempt(transport: Transport, batch: Batch): Promise<SendOutcome> {
    const { signal } = this.#abort;
    const startMs = performance.now();
    const outcome = await transport.send(batch.payload, signal);
    // What we gave up ourselves is not a failure of the receiver.
    if (signal.aborted && outcome.status !== 'sent') return outcome;
    this.records.attempted(batch, outcome, (performance.now() - startMs) / 1000);
    if (outcome.status === 'sent') this.#open?.lanes.isThere();
    return outcome;
  }

  async #shutdown(deadline: Deadline): Promise<Leftover> {
    // When the start of another destination failed, this one may still be reading its certificates, and would start after its end.
    await within(deadline, Promise.allSettled([this.#starting]));
    if (this.#open === undefined) return { onDisk: 0, lost: this.#intake.abandon() };
    const { queue, lanes, transport } = this.#open;
    await within(
      deadline,
      lanes.stop(() => queue.stats().batchesInMemory === 0),
    );
    this.#abort.abort();
    // A disk that stands still must not hold up the end of the process.
    const close = async (): Promise<void> => {
      await lanes.stop(() => true);
      await transport.close();
      await queue.close();
    };
    const { batches, batchesInMemory } = queue.stats();
    await within(deadlineIn(Math.max(CLOSE_TIMEOUT_MS, deadline.remainingMs())), close());
    return { onDisk: batches - batchesInMemory, lost: batchesInMemory + this.#intake.abandon() };
  }

  #hasLeft(): void {
    this.#left.resolve(undefined);
    this.#left = Promise.withResolvers();
  }
}
