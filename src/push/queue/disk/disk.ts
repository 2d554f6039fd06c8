import { errorText } from '../../../std/error-text.ts';
import type { Backoff } from '../../../std/backoff.ts';
import type { Batch } from '../../batch.ts';
import type { Segment } from '../segment.ts';
import type { Serial } from '../serial.ts';
import type { FileSegment } from './file-segment.ts';
import { Folder, type FolderOptions } from './folder.ts';
import { LockHeldError, lostError } from './lock.ts';
import { NUMBERS_LEFT, UnreadSegment } from './unread-segment.ts';

export interface DiskOptions extends Omit<FolderOptions, 'onLost'> {
  /** How long the disk is left alone when it has failed. */
  readonly backoff: Backoff;
  /** Of the queue: what writes goes one after the other. */
  readonly serial: Serial;
  /** A segment was there before, and comes after those that were found earlier. */
  readonly onFound: (segment: Segment) => Promise<void>;
  /** What was on disk is not ours any more. */
  readonly onLost: (how: 'taken' | 'removed') => void;
}

const SYNC_INTERVAL_MS = 1000;

/** The folder of a queue, that may fail and work again, and the segment in it that is written to. */
export class Disk {
  readonly #options: DiskOptions;
  #folder: Folder | undefined;
  #foundEnd = 1;
  /** What is written to now. */
  #active: FileSegment | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  /** What is to be done before anything is written: else the queue would become larger than it may, or have a batch twice. */
  readonly #owed = new Map<Segment, () => Promise<void>>();
  /** Of these it was said that they cannot be marked. */
  readonly #unmarked = new WeakSet<Segment>();

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  /** @throws LockHeldError; what else is wrong is a fault. */
  async start(): Promise<void> {
    try {
      await this.prepare();
    } catch (error) {
      if (error instanceof LockHeldError) throw error;
      this.failed(error);
    }
  }

  /** Whether it has failed, and is not to be tried again yet. */
  get rests(): boolean {
    return this.#options.backoff.waits();
  }

  /** To be called before anything is written. @throws the error of the system, or LockHeldError. */
  async prepare(): Promise<void> {
    if (this.#folder === undefined) await this.#open();
    for (const [segment, settle] of this.#owed) {
      await settle();
      this.#owed.delete(segment);
    }
  }

  /** The segment that is written to from now on. @throws the error of the system. */
  async create(first: number): Promise<FileSegment> {
    await this.finish();
    if (this.#folder === undefined) throw lostError();
    this.#active = await this.#folder.create(first);
    return this.#active;
  }

  /** A whole file, or none, which is written to from now on. @throws the error of the system. */
  async write(first: number, batches: readonly (Batch | undefined)[]): Promise<FileSegment> {
    const segment = await this.create(first);
    try {
      await this.append(batches);
      return segment;
    } catch (error) {
      if (segment === this.#active) await this.remove(segment);
      throw error;
    }
  }

  /** To the active segment. @throws the error of the system. */
  async append(batches: readonly (Batch | undefined)[]): Promise<void> {
    const segment = this.#active;
    try {
      await segment?.append(batches);
    } catch (error) {
      if (segment !== undefined && segment === this.#active) this.#owed.set(segment, () => segment.cut());
      throw error;
    }
    // Another process may have taken the folder meanwhile.
    if (segment === undefined || segment !== this.#active) throw lostError();
    this.#worked();
  }

  /** @throws what is no error of the system. */
  failed(error: unknown): void {
    if (!(error instanceof Error && 'code' in error)) throw error;
    this.#options.backoff.failed();
    const message = `${this.#options.directory}: ${errorText(error)}; batches are kept in memory until it works again`;
    this.#options.onFault({ code: 'not_persisted', message });
  }

  /** Nothing is appended to the active segment any more. */
  async finish(): Promise<void> {
    await this.#sync();
    await this.#active?.seal();
    this.#active = undefined;
  }

  /** Has the segment know that a batch waits no longer. Never throws. */
  async mark(segment: Segment, index: number): Promise<void> {
    try {
      await segment.mark(index);
    } catch (error) {
      if (this.#unmarked.has(segment)) return;
      this.#unmarked.add(segment);
      this.#notMarked(
        `${segment.name}: a batch that is done cannot be marked, and comes again after a restart: ${errorText(error)}`,
      );
    }
  }

  /** Never throws; what cannot be removed now is removed later. */
  async remove(segment: Segment): Promise<void> {
    if (segment === this.#active) this.#active = undefined;
    this.#owed.delete(segment);
    try {
      await segment.remove();
    } catch (error) {
      this.#owed.set(segment, () => segment.remove());
      this.#notMarked(`${segment.name}: it is done, and cannot be removed: ${errorText(error)}`);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    await this.finish();
    await this.#folder?.close();
  }

  async #open(): Promise<void> {
    const folder: Folder = new Folder({
      ...this.#options,
      onLost: (message, how) => {
        if (folder === this.#folder) this.#lose(message, how);
        void folder.close();
      },
    });
    await folder.open();
    this.#folder = folder;
    for await (const segment of folder.recover(() => this.#foundEnd)) {
      if (folder !== this.#folder) return;
      this.#foundEnd += segment instanceof UnreadSegment ? NUMBERS_LEFT : segment.contents.length;
      await this.#options.onFound(segment);
    }
  }

  #lose(message: string, how: 'taken' | 'removed'): void {
    this.#folder = undefined;
    this.#active = undefined;
    this.#owed.clear();
    this.#options.onFault({ code: 'lock_lost', message });
    this.#options.onLost(how);
  }

  #worked(): void {
    this.#options.backoff.reset();
    if (this.#options.fsync !== 'every_second') return;
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      void this.#options.serial.run(() => this.#sync());
    }, SYNC_INTERVAL_MS).unref();
  }

  async #sync(): Promise<void> {
    if (this.#options.fsync === 'never' || this.#active?.isUnsynced !== true) return;
    try {
      await this.#active.sync();
    } catch (error) {
      this.failed(error);
    }
  }

  #notMarked(message: string): void {
    this.#options.onFault({ code: 'not_marked', message });
  }
}
