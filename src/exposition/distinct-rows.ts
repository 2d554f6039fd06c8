const EMPTY = -1;

/** Which rows are like one before them: a hash table of row numbers, with open addressing. */
export class DistinctRows {
  readonly #table: Int32Array;
  readonly #hashes: Uint32Array;
  readonly #isSame: (row: number, other: number) => boolean;

  /** @param hashes one for each row that will be added, at the latest when it is. @param isSame of two rows whose hashes are equal. */
  constructor(hashes: Uint32Array, isSame: (row: number, other: number) => boolean) {
    this.#hashes = hashes;
    this.#isSame = isSame;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(hashes.length * 2 + 1))).fill(EMPTY);
  }

  /** @returns whether there is none like it yet. */
  add(row: number): boolean {
    const mask = this.#table.length - 1;
    const hash = this.#hashes[row]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const other = this.#table[slot]!;
      if (other === EMPTY) {
        this.#table[slot] = row;
        return true;
      }
      if (this.#hashes[other] === hash && this.#isSame(row, other)) return false;
    }
  }
}
