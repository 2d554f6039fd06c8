import type { File, FileSystem } from './file-system.ts';

interface OpenFile {
  readonly file: Promise<File>;
  /** Who uses it now. */
  users: number;
  /** It stays open though nobody uses it. */
  isKept: boolean;
}

/** So many others stay open though nobody uses them just now. */
const IDLE_MAX = 2;

/** Files that are opened when they are needed, and stay open for a while. None is closed while it is used. */
export class OpenFiles {
  readonly #fileSystem: FileSystem;
  /** By path; what was used last comes last. */
  readonly #files = new Map<string, OpenFile>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** Makes a file, which stays open until it is released. */
  async create(path: string): Promise<void> {
    const file = await this.#fileSystem.create(path);
    this.#files.set(path, { file: Promise.resolve(file), users: 0, isKept: true });
  }

  async release(path: string): Promise<void> {
    const entry = this.#files.get(path);
    if (entry !== undefined) entry.isKept = false;
    await this.#closeIdle();
  }

  async use<T>(path: string, task: (file: File) => Promise<T>): Promise<T> {
    const entry = this.#files.get(path) ?? { file: this.#open(path), users: 0, isKept: false };
    this.#files.delete(path);
    this.#files.set(path, entry);
    entry.users++;
    try {
      return await task(await entry.file);
    } catch (error) {
      // It is opened anew the next time: it may be of a time when the disk was read-only.
      if (this.#files.get(path) === entry) this.#files.delete(path);
      throw error;
    } finally {
      entry.users--;
      // It was forgotten while it was used.
      if (entry.users === 0 && this.#files.get(path) !== entry) await close(entry);
      await this.#closeIdle();
    }
  }

  /** The file is to be closed, as soon as nobody uses it. */
  async forget(path: string): Promise<void> {
    const entry = this.#files.get(path);
    this.#files.delete(path);
    if (entry?.users === 0) await close(entry);
  }

  async close(): Promise<void> {
    for (const path of [...this.#files.keys()]) await this.forget(path);
  }

  /** One that cannot be opened is opened anew the next time. */
  #open(path: string): Promise<File> {
    const file = this.#fileSystem.open(path);
    file.catch(() => {
      if (this.#files.get(path)?.file === file) this.#files.delete(path);
    });
    return file;
  }

  async #closeIdle(): Promise<void> {
    const idle = [...this.#files].filter(([, { users, isKept }]) => users === 0 && !isKept);
    for (const [path] of idle.slice(0, Math.max(0, idle.length - IDLE_MAX))) await this.forget(path);
  }
}

/** What it was needed for is done, or has failed and said so. */
async function close({ file }: OpenFile): Promise<void> {
  await file.then((opened) => opened.close()).catch(() => undefined);
}
