import type { File } from './file-system.ts';

const WINDOW_BYTES = 64 * 1024;

/** A part of a file in memory, that moves to where it is read: it is small, however large the file is. */
export class Window {
  readonly size: number;
  readonly #file: File;
  readonly #buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  #offset = 0;
  #length = 0;

  constructor(file: File, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** So many bytes, fewer only at the end of the file. Valid until the next call. */
  async at(offset: number, bytes: number): Promise<Buffer> {
    const end = Math.min(offset + bytes, this.size);
    if (offset < this.#offset || end > this.#offset + this.#length) await this.#move(offset);
    return this.#buffer.subarray(offset - this.#offset, Math.min(end - this.#offset, this.#length));
  }

  /** As many as there are in a whole window from there on. */
  async from(offset: number): Promise<Buffer> {
    await this.#move(offset);
    return this.#buffer.subarray(0, this.#length);
  }

  async #move(offset: number): Promise<void> {
    // Not valid if reading fails.
    this.#length = 0;
    const length = await this.#file.read(this.#buffer.subarray(0, Math.min(WINDOW_BYTES, this.size - offset)), offset);
    this.#offset = offset;
    this.#length = length;
  }
}
