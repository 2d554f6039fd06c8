import { crc32 } from 'node:zlib';
import { basename, dirname } from 'node:path';
import type { Batch } from '../../batch.ts';
import { Contents } from '../contents.ts';
import type { ReadResult, Segment, SegmentLimits } from '../segment.ts';
import type { FileSystem } from './file-system.ts';
import {
  decodeRecordHeader,
  DONE_OFFSET,
  encodeBatches,
  encodeDone,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  seedOf,
} from './format.ts';
import type { OpenFiles } from './open-files.ts';

export interface FileSegmentOptions {
  readonly path: string;
  readonly first: number;
  readonly files: OpenFiles;
  readonly fileSystem: FileSystem;
  /** Whether what is done is safe from a power cut before the call ends. */
  readonly syncs: boolean;
  /** Nothing, of one that is not to be appended to. */
  readonly limits?: SegmentLimits;
}

/** A segment in a file of its own (see format.ts). */
export class FileSegment implements Segment {
  readonly first: number;
  readonly onDisk = true;
  readonly contents = new Contents();
  readonly name: string;
  readonly seed: number;
  readonly #options: FileSegmentOptions;
  /** Where the records are. */
  readonly #offsets: number[] = [];
  #bytes = 0;
  /** Behind this offset is what is not to be kept. */
  #torn: number | undefined;
  /** The file is kept open to be appended to. */
  #isOpen: boolean;
  /** There is something that a power cut would take. */
  #isUnsynced = false;
  #isUnsyncedInFolder: boolean;

  private constructor(options: FileSegmentOptions) {
    this.first = options.first;
    this.name = options.path;
    this.seed = seedOf(basename(options.path));
    this.#options = options;
    this.#isOpen = options.limits !== undefined;
    this.#isUnsyncedInFolder = this.#isOpen;
  }

  static async create(options: FileSegmentOptions & { readonly limits: SegmentLimits }): Promise<FileSegment> {
    await options.files.create(options.path);
    return new FileSegment(options);
  }

  /** One that was there before; it is told what is in it by `found`. */
  static find(options: Omit<FileSegmentOptions, 'limits'>): FileSegment {
    return new FileSegment(options);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isUnsynced(): boolean {
    return this.#isUnsynced;
  }

  found({ payloadBytes, timeMs, points, done }: RecordHeader, offset: number): void {
    this.#offsets.push(offset);
    this.contents.add({ timeMs, points, bytes: payloadBytes }, !done);
  }

  foundEnd(bytes: number): void {
    this.#bytes = bytes;
  }

  hasRoom({ bytes, batches }: { bytes: number; batches: number }): boolean {
    const { limits } = this.#options;
    if (limits === undefined || !this.#isOpen) return false;
    const { length } = this.contents;
    return length === 0 || (this.#bytes + bytes <= limits.bytesMax && length + batches <= limits.batchesMax);
  }

  /** @param batches undefined = one that waits no longer, of which there is only the number. */
  async append(batches: readonly (Batch | undefined)[]): Promise<void> {
    const before = this.#bytes;
    const { parts, offsets, end } = encodeBatches(batches, { seed: this.seed, end: before });
    this.#bytes = end;
    this.#isUnsynced = true;
    try {
      await this.#use(async (file) => {
        await file.write(parts, before);
        if (!(await file.isLinked())) throw Object.assign(new Error(`${this.name} was removed`), { code: 'ENOENT' });
      });
      if (this.#options.syncs) await this.sync();
    } catch (error) {
      this.#torn = before;
      await this.cut().catch(() => undefined);
      // What was there before is safe already, where each batch is.
      if (this.#options.syncs) this.#isUnsynced = false;
      await this.seal();
      throw error;
    }
    batches.forEach((batch, i) => {
      this.#offsets.push(offsets[i] ?? 0);
      if (batch === undefined) this.contents.add({ timeMs: 0, points: 0, bytes: 0 }, false);
      else this.contents.add({ ...batch, bytes: batch.payload.length });
    });
  }

  /** Takes away what an append has left that failed, also after a power cut. Until then it takes its room. @throws the error of the system. */
  async cut(): Promise<void> {
    const bytes = this.#torn;
    if (bytes === undefined) return;
    await this.#use(async (file) => {
      await file.truncate(bytes);
      if (this.#options.syncs) await file.sync();
    }).catch(unlessGone);
    this.#torn = undefined;
    this.#bytes = bytes;
  }

  async read(index: number): Promise<ReadResult> {
    const { bytes } = this.contents.at(index);
    const offset = this.#offsets[index] ?? 0;
    const record = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + bytes);
    const read = await this.#use((file) => file.read(record, offset)).catch(unlessGone);
    if (read === undefined) return { damage: `${this.name} is gone`, isGone: true };
    const name = `${this.name}: the batch of ${bytes} bytes at offset ${offset}`;
    if (read < record.length) return { damage: `${name} ends after ${Math.max(0, read - RECORD_HEADER_BYTES)} bytes` };
    const header = decodeRecordHeader(record, this.seed);
    const payload = record.subarray(RECORD_HEADER_BYTES);
    if (header?.payloadBytes !== bytes) return { damage: `${name} has a damaged header` };
    if (header.payloadCrc !== crc32(payload)) return { damage: `${name} has another checksum` };
    return { batch: { timeMs: header.timeMs, points: header.points, payload } };
  }

  async mark(index: number): Promise<void> {
    const offset = this.#offsets[index] ?? 0;
    await this.#use((file) => file.write([encodeDone()], offset + DONE_OFFSET));
  }

  /**
   * Has the disk keep what was written. When that fails once, what was written may be lost though a later attempt succeeds, so that nothing is
   * appended any more.
   *
   * @throws the error of the system.
   */
  async sync(): Promise<void> {
    try {
      await this.#use((file) => file.sync());
      if (this.#isUnsyncedInFolder) await this.#options.fileSystem.syncDirectory(dirname(this.name));
      this.#isUnsyncedInFolder = false;
    } catch (error) {
      await this.seal();
      throw error;
    } finally {
      this.#isUnsynced = false;
    }
  }

  /** Nothing is appended any more. */
  async seal(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#options.files.release(this.name);
  }

  async remove(): Promise<void> {
    await this.seal();
    await this.#options.files.forget(this.name);
    this.#isUnsynced = false;
    const { fileSystem, syncs } = this.#options;
    await fileSystem.remove(this.name).catch(unlessGone);
    // Else all of it might come again after a power cut.
    if (syncs && this.#bytes > 0) await fileSystem.syncDirectory(dirname(this.name));
  }

  #use<T>(task: Parameters<typeof OpenFiles.prototype.use<T>>[1]): Promise<T> {
    return this.#options.files.use(this.name, task);
  }
}

function unlessGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
