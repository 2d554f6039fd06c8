/** Of work that is to be interrupted often, measured in the bytes that it handles. */
export class Slice {
  #left = SLICE_BYTES;

  /** @returns whether others have their turn now. */
  spend(bytes: number): boolean {
    this.#left -= bytes;
    if (this.#left > 0) return false;
    this.#left = SLICE_BYTES;
    return true;
  }
}

/** So much can be done at once. */
export const SLICE_BYTES = 64 * 1024;
