import { Contents } from '../contents.ts';
import type { ReadResult, Segment } from '../segment.ts';
import type { FileSegment } from './file-segment.ts';

export interface UnreadSegmentOptions {
  /** As far as it is known. */
  readonly file: FileSegment;
  /** When it was found, Unix ms: what is in it is older. */
  readonly foundMs: number;
  /** Tries again to find out what is in it. @returns undefined = it is not ours. @throws the error of the system. */
  readonly find: () => Promise<FileSegment | undefined>;
}

/** So many numbers are left to one: no file has more batches, of 32 bytes at least in 64 MiB. */
export const NUMBERS_LEFT = 2 ** 21;

/** A file in which, for now, nothing can be read. It counts as one batch, of which nothing is known, until whoever reads that has the file found. */
export class UnreadSegment implements Segment {
  readonly first: number;
  readonly name: string;
  readonly onDisk = true;
  readonly contents = new Contents();
  readonly #options: UnreadSegmentOptions;

  constructor(options: UnreadSegmentOptions) {
    const { file, foundMs } = options;
    this.first = file.first;
    this.name = file.name;
    this.#options = options;
    this.contents.add({ timeMs: foundMs, points: 0, bytes: file.bytes });
  }

  get bytes(): number {
    return this.#options.file.bytes;
  }

  hasRoom(): boolean {
    return false;
  }

  append(): Promise<void> {
    return Promise.reject(new Error(`${this.name} is not appended to`));
  }

  async read(): Promise<ReadResult> {
    try {
      return { found: await this.#options.find() };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { damage: `${this.name} is gone`, isGone: true };
      // Without its code: for some a batch is given up, and this is a whole file of them.
      throw new Error(message, { cause: error });
    }
  }

  mark(): Promise<void> {
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return this.#options.file.remove();
  }
}
