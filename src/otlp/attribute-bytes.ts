import type { Attributes } from '../metric/model.ts';
import { NOT_FOUND, RowFinder } from '../metric/row-finder.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { writeAttributes } from './attribute-fields.ts';

/** Rows whose bytes are one buffer, and are made in one go: half a millisecond where none of them is known. */
export const CHUNK_ROWS = 512;

/**
 * The attributes of all points of one block, as fields of these, made once and kept for as long as the series lives: an attribute set
 * that the collection before this one had (the same object) is copied from there.
 */
export class AttributeBytes {
  readonly sets: readonly Attributes[];
  readonly #field: number;
  readonly #chunks: Buffer[] = [];
  /** Where the bytes of each row end in its chunk. */
  readonly #ends: Uint32Array;
  /** Rows that cannot be read. */
  readonly #bad = new Set<number>();
  /** Not there once all is made. */
  #earlier: { readonly bytes: AttributeBytes; readonly finder: RowFinder<Attributes> } | undefined;

  /** @param field of the point. @param earlier of the same field. */
  constructor(sets: readonly Attributes[], field: number, earlier?: AttributeBytes) {
    this.sets = sets;
    this.#field = field;
    this.#ends = new Uint32Array(sets.length);
    this.#earlier = earlier && { bytes: earlier, finder: new RowFinder(earlier.sets) };
  }

  /**
   * Makes the next chunk, if the row is in it; rows come in order.
   *
   * @param scratch is empty, and is so afterwards.
   * @returns how many rows were made.
   */
  reach(row: number, scratch: ByteWriter): number {
    const start = this.#chunks.length * CHUNK_ROWS;
    if (row < start) return 0;
    const end = Math.min(this.sets.length, start + CHUNK_ROWS);
    for (let i = start; i < end; i++) this.#make(i, scratch);
    this.#chunks.push(Buffer.from(scratch.take()));
    return end - start;
  }

  /** No more rows will be asked for, or none that the earlier ones are needed for. */
  settle(): void {
    this.#earlier = undefined;
  }

  /** Writes those of a row that was reached. @returns whether they are there: else they cannot be read. */
  copyTo(out: ByteWriter, row: number): boolean {
    if (this.#bad.size > 0 && this.#bad.has(row)) return false;
    const from = row % CHUNK_ROWS === 0 ? 0 : this.#ends[row - 1]!;
    const to = this.#ends[row]!;
    if (to === from) return true;
    out.reserve(to - from);
    out.copy(this.#chunks[Math.floor(row / CHUNK_ROWS)]!, from, to);
    return true;
  }

  #make(row: number, scratch: ByteWriter): void {
    const set = this.sets[row]!;
    const { length } = scratch;
    try {
      if (!this.#copyEarlier(set, scratch)) writeAttributes(scratch, this.#field, set);
    } catch {
      scratch.length = length;
      this.#bad.add(row);
    }
    this.#ends[row] = scratch.length;
  }

  #copyEarlier(set: Attributes, scratch: ByteWriter): boolean {
    if (this.#earlier === undefined) return false;
    const { bytes, finder } = this.#earlier;
    const found = finder.find(set);
    return found !== NOT_FOUND && found < bytes.#chunks.length * CHUNK_ROWS && bytes.copyTo(scratch, found);
  }
}
