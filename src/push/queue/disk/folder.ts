import { join } from 'node:path';
import { errorText } from '../../../std/error-text.ts';
import type { QueueOptions } from '../queue.ts';
import type { SegmentLimits } from '../segment.ts';
import { FileSegment } from './file-segment.ts';
import type { File, FileSystem } from './file-system.ts';
import type { acquireLock as acquireRealLock, Lock, LockOptions } from './lock.ts';
import { isLockFile } from './lock-file.ts';
import { OpenFiles } from './open-files.ts';
import { recoverSegment } from './recover.ts';
import { UnreadSegment } from './unread-segment.ts';

export interface FolderOptions extends Pick<QueueOptions, 'fsync' | 'onFault'> {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly acquireLock: typeof acquireRealLock;
  readonly segment: SegmentLimits;
  /** From 0 on and below `max`. */
  readonly randomInt: (max: number) => number;
  /** Another process has taken the folder, or it was removed: nothing in it is ours any more. */
  readonly onLost: LockOptions['onLost'];
  /** So many bytes are damaged, and with them a batch. */
  readonly onDamage: (bytes: number) => void;
  /** The wall clock. */
  readonly nowMs: () => number;
}

/** Foreign files that are named. */
const NAMED_MAX = 5;
/** Of a file that is ours: so far there are always greater ones. */
const NUMBER_MAX = 2 ** 52;
const SEGMENT_NAME = /^[0-9]{16}\.seg$/;

/** No file, but a folder or a link, and nothing that the queue has made. */
const NO_FILE = new Set<string | undefined>(['EISDIR', 'ELOOP']);

/** By how much the number of a file is greater than that of the one before, at most. */
const STEP_MAX = 2 ** 20;

/**
 * A folder of segment files that belongs to this process alone. They are named by numbers, in their order; nobody can foresee these, and none
 * comes twice (see format.ts).
 */
export class Folder {
  readonly #options: FolderOptions;
  readonly #files: OpenFiles;
  #lock: Lock | undefined;
  /** Of the segments that are there, oldest first. */
  #names: string[] = [];
  /** Of the last file. */
  #number = 0;

  constructor(options: FolderOptions) {
    this.#options = options;
    this.#files = new OpenFiles(options.fileSystem);
  }

  /**
   * Makes the folder, and makes it ours.
   *
   * @throws LockHeldError, or the error of the system; nothing is held then.
   */
  async open(): Promise<void> {
    const { directory, fileSystem, acquireLock, onLost, randomInt } = this.#options;
    await fileSystem.makeDirectory(directory);
    this.#lock = await acquireLock({ directory, onLost });
    try {
      const names = await fileSystem.list(directory);
      this.#names = names.filter(isSegmentName).sort();
      this.#number = this.#names.length === 0 ? randomInt(2 ** 40) : numberOf(this.#names.at(-1) ?? '');
      this.#nameForeign(names.filter((name) => !isSegmentName(name) && !isLockFile(name)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The segments that are there, oldest first. @param first the number of the first batch of the next one. */
  async *recover(first: () => number): AsyncGenerator<FileSegment | UnreadSegment, void, undefined> {
    const { directory, onFault, nowMs } = this.#options;
    for (const name of this.#names) {
      const path = join(directory, name);
      const file = FileSegment.find(this.#describe(path, first()));
      try {
        if (await this.#recover(file)) yield file;
      } catch (error) {
        const isOurs = !NO_FILE.has((error as NodeJS.ErrnoException).code);
        const what = isOurs ? 'cannot be read yet' : 'is left as it is, since it cannot be read';
        onFault({ code: 'damaged', message: `${path} ${what}: ${errorText(error)}` });
        const find = () => this.#recover(FileSegment.find(this.#describe(path, file.first)));
        if (isOurs) yield new UnreadSegment({ file, foundMs: nowMs(), find });
      }
    }
  }

  /** A new file, of a name that is greater than all there were. @throws the error of the system. */
  create(first: number): Promise<FileSegment> {
    const { directory, segment: limits, randomInt } = this.#options;
    this.#number += 1 + randomInt(STEP_MAX);
    const path = join(directory, `${String(this.#number).padStart(16, '0')}.seg`);
    return FileSegment.create({ ...this.#describe(path, first), limits });
  }

  async close(): Promise<void> {
    await this.#files.close();
    await this.#lock?.release();
  }

  /** @returns undefined = it is not ours. */
  async #recover(segment: FileSegment): Promise<FileSegment | undefined> {
    const { onFault, onDamage } = this.#options;
    const recover = (file: File) => recoverSegment(file, { segment, onFault, onDamage });
    return (await this.#files.use(segment.name, recover)) ? segment : undefined;
  }

  #describe(path: string, first: number) {
    const { fileSystem, fsync } = this.#options;
    return { path, first, files: this.#files, fileSystem, syncs: fsync === 'every_batch' };
  }

  #nameForeign(names: readonly string[]): void {
    if (names.length === 0) return;
    const { directory, onFault } = this.#options;
    const named = names.slice(0, NAMED_MAX).map((name) => JSON.stringify(name));
    const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
    onFault({
      code: 'foreign_file',
      message: `${directory} has files that are not of the queue: ${named.join(', ')}${more}`,
    });
  }
}

function isSegmentName(name: string): boolean {
  return SEGMENT_NAME.test(name) && numberOf(name) <= NUMBER_MAX;
}

function numberOf(name: string): number {
  return Number(name.replace('.seg', ''));
}
