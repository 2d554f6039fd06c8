import type { Backoff } from '../../std/backoff.ts';
import type { Batch } from '../batch.ts';
import { Disk, type DiskOptions } from './disk/disk.ts';
import { PAYLOAD_BYTES_MAX } from './disk/format.ts';
import { type Limits, limitsOf } from './limits.ts';
import { type Pending, takeGroup } from './pending.ts';
import {
  type Entry,
  type Queue,
  type QueueDropReason,
  QueueError,
  type QueueOptions,
  type QueueStats,
} from './queue.ts';
import { placesOf, Retention } from './retention.ts';
import type { Segment } from './segment.ts';
import { type Place, SegmentList } from './segment-list.ts';
import { SegmentReader } from './segment-reader.ts';
import { needOf, SegmentWriter } from './segment-writer.ts';
import { createSerial } from './serial.ts';

export interface QueueParts extends Pick<DiskOptions, 'fileSystem' | 'acquireLock' | 'randomInt' | 'nowMs'> {
  readonly createBackoff: () => Backoff;
  /** The size of a segment; not given = by `bytesMax`. */
  readonly segmentBytes?: number | undefined;
}

/**
 * A queue of segments. The last one is appended to; from where it is read, in which order, and what of it is done is up to the reader.
 *
 * What is waiting is known in memory, and changes there at once. Whatever writes comes after, one thing at a time (`#serial`).
 */
export class SegmentedQueue implements Queue {
  readonly #limits: Limits;
  readonly #onFault: QueueOptions['onFault'];
  readonly #segments = new SegmentList();
  readonly #serial = createSerial();
  readonly #retention: Retention;
  readonly #reader: SegmentReader;
  readonly #disk: Disk | undefined;
  readonly #writer: SegmentWriter;
  readonly #pending: Pending[] = [];
  #closing: Promise<number> | undefined;

  constructor(options: QueueOptions, parts: QueueParts) {
    const { directory, onFault, onDrop, maxAgeMs } = options;
    this.#onFault = onFault;
    this.#limits = limitsOf(options, parts.segmentBytes);
    this.#retention = new Retention({
      segments: this.#segments,
      limits: this.#limits,
      maxAgeMs,
      nowMs: parts.nowMs,
      onDrop,
    });
    this.#reader = new SegmentReader(onFault, parts.createBackoff);
    this.#disk =
      directory === undefined
        ? undefined
        : new Disk({ ...options, ...parts, directory, ...this.#diskParts(parts, onDrop) });
    this.#writer = new SegmentWriter({
      segments: this.#segments,
      retention: this.#retention,
      limits: this.#limits,
      disk: this.#disk,
      onPersisted: options.onPersisted ?? (() => undefined),
    });
  }

  /** @throws LockHeldError */
  async open(): Promise<void> {
    await this.#disk?.start();
  }

  get end(): number {
    return this.#writer.end;
  }

  stats(): QueueStats {
    return this.#segments.stats();
  }

  has(number: number): boolean {
    return this.#segments.find(number) !== undefined;
  }

  async append(batch: Batch): Promise<{ readonly onDisk: boolean }> {
    if (this.#closing !== undefined) throw new QueueError('closed', 'the queue is closed');
    const { length } = batch.payload;
    const { bytesMax } = this.#limits;
    if (length > PAYLOAD_BYTES_MAX || needOf([batch]).bytes > bytesMax) {
      throw new QueueError('too_large', `a batch of ${length} bytes has no room in a queue of ${bytesMax} bytes`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly onDisk: boolean }>();
    this.#pending.push({ batch, resolve, reject });
    // What is appended until its turn comes is written with it.
    void this.#serial.run(() => this.#appendPending());
    return promise;
  }

  async read(from: number, to = Infinity): Promise<Entry | undefined> {
    for (let next = from; ;) {
      this.#expire();
      const place = this.#segments.firstWaiting(next, to);
      if (place === undefined) return undefined;
      if (this.#retention.isExpired(place)) {
        this.#drop([place], 'expired');
        continue;
      }
      const result = await this.#reader.read(place);
      const number = place.segment.first + place.index;
      if (!this.has(number)) continue;
      if (result === 'wait') return undefined;
      if (result === 'pass') {
        next = place.segment.first + place.segment.contents.length;
        continue;
      }
      if ('batch' in result) return { number, batch: result.batch };
      if ('found' in result) {
        await this.#serial.run(() => this.#writer.replace(place.segment, result.found));
        continue;
      }
      this.#onFault({ code: 'damaged', message: result.damage });
      this.#drop(result.isGone === true ? placesOf(place.segment) : [place], 'corrupt');
    }
  }

  async remove(number: number): Promise<boolean> {
    const place = this.#segments.find(number);
    if (place === undefined) return false;
    place.segment.contents.settle(place.index);
    await this.#clear([place]);
    return true;
  }

  close(): Promise<number> {
    this.#closing ??= this.#serial.run(async () => {
      await this.#writer.persist();
      this.#retention.dropMemory();
      await this.#writer.removeEmpty();
      await this.#disk?.close();
      const { batches } = this.stats();
      this.#segments.deleteAll(() => true);
      return batches;
    });
    return this.#closing;
  }

  #diskParts({ createBackoff }: QueueParts, onDrop: QueueOptions['onDrop']) {
    return {
      backoff: createBackoff(),
      segment: this.#limits.diskSegment,
      serial: this.#serial,
      onFound: (segment: Segment) => this.#writer.addFound(segment),
      onLost: (how: 'taken' | 'removed') => {
        const lost = this.#segments.filter(({ onDisk }) => onDisk);
        // Of what was taken the other process has the rest delivered.
        if (how === 'removed') this.#retention.drop(lost.flatMap(placesOf), 'corrupt');
        this.#segments.deleteAll(({ onDisk }) => onDisk);
      },
      onDamage: (bytes: number) => onDrop({ reason: 'corrupt', batches: 1, points: 0, bytes, fromMs: 0, toMs: 0 }),
    };
  }

  async #appendPending(): Promise<void> {
    const group = takeGroup(this.#pending, this.#limits.group);
    if (group.length === 0) return;
    try {
      this.#expire();
      const onDisk = await this.#writer.append(group.map(({ batch }) => batch));
      group.forEach(({ resolve }) => resolve({ onDisk }));
    } catch (error) {
      group.forEach(({ reject }) => reject(error));
    }
  }

  #expire(): void {
    const places = this.#retention.expire();
    if (places.length > 0) void this.#clear(places);
  }

  #drop(places: readonly Place[], reason: QueueDropReason): void {
    this.#retention.drop(places, reason);
    void this.#clear(places);
  }

  #clear(places: readonly Place[]): Promise<void> {
    return this.#serial.run(() => this.#writer.clear(places));
  }
}
