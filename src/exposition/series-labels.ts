import type { Attributes } from '../metric/model.ts';
import type { Block } from './blocks.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Labels } from './labels.ts';
import { NOT_FOUND, RowFinder } from './row-finder.ts';
import type { LabelBytes } from './text-lines.ts';

/** Writes the labels of one series as a format has them. It makes room for itself. */
export type RenderLabels = (writer: ByteWriter, labels: Labels) => void;

export type LabelFault = 'bad_attributes' | 'duplicate_series';

interface Making {
  readonly blocks: readonly Block[];
  readonly render: RenderLabels;
  /** The rendering before this one. */
  readonly earlier: SeriesLabels | undefined;
  /** Rows by the hashes of their bytes, open addressing. */
  readonly table: Int32Array;
  /** The next ones to be rendered. */
  block: number;
  row: number;
  /** Of the chunk that is not complete. */
  readonly writer: ByteWriter;
  /** Of the sets of the block in the rendering before this one; not there = its labels are others. */
  finder: RowFinder<Attributes> | undefined;
}

/** Rows whose bytes are one buffer: a buffer for all of them would have to be moved whenever it turns out to be too short. */
const CHUNK_ROWS = 512;
const CHUNK_BYTES = 1024;
const EMPTY = -1;

/**
 * The label bytes of all series of one family, one after the other, rendered once and kept for as long as the series lives: an
 * attribute set that the rendering before this one had (the same object) is copied from there.
 *
 * Rows are counted over all blocks of the family. Rendering goes in steps, which any number of pages may drive.
 */
export class SeriesLabels {
  /** The first row of each block. */
  readonly first: readonly number[];
  /** How many series are not shown, by block. */
  readonly faults: readonly Map<LabelFault, number>[];
  /** Of the blocks; not the blocks themselves, which hold the values of a whole collection. */
  readonly #sets: readonly { readonly origin: string; readonly attributes: readonly Attributes[] }[];
  /** What is needed no longer than until all are rendered. */
  #making: Making | undefined;
  readonly #chunks: Buffer[] = [];
  /** Where the bytes of each row end in its chunk. */
  readonly #ends: Uint32Array;
  readonly #hashes: Uint32Array;
  /** Rows that are not shown; not there = all are. */
  #hidden: Uint8Array | undefined;

  constructor(blocks: readonly Block[], render: RenderLabels, earlier?: SeriesLabels) {
    let rows = 0;
    this.first = blocks.map(({ points }) => (rows += points.attributes.length) - points.attributes.length);
    this.faults = blocks.map(() => new Map());
    this.#sets = blocks.map(({ origin, points: { attributes } }) => ({ origin, attributes }));
    this.#ends = new Uint32Array(rows);
    this.#hashes = new Uint32Array(rows);
    const table = new Int32Array(2 ** Math.ceil(Math.log2(rows * 2 + 1))).fill(EMPTY);
    const writer = new ByteWriter(CHUNK_BYTES);
    this.#making = {
      blocks,
      render,
      earlier,
      table,
      writer,
      block: 0,
      row: 0,
      finder: earlier?.finderOf(blocks[0], 0),
    };
  }

  /** What a later rendering may copy from. */
  get settled(): SeriesLabels | undefined {
    return this.#making === undefined ? this : this.#making.earlier;
  }

  /** Where the bytes of a row are. */
  of(row: number): LabelBytes {
    const bytes = this.#chunks[Math.floor(row / CHUNK_ROWS)]!;
    return { bytes, from: this.#start(row), to: this.#ends[row]! };
  }

  isHidden(row: number): boolean {
    return this.#hidden !== undefined && this.#hidden[row] === 1;
  }

  /** Whether these blocks have the same series. */
  holds(blocks: readonly Block[]): boolean {
    return (
      blocks.length === this.#sets.length &&
      blocks.every(({ origin, points }, i) => {
        const own = this.#sets[i]!;
        return points.attributes === own.attributes && origin === own.origin;
      })
    );
  }

  /** What finds the sets of a block in the one that was here in its place, if labels are made in the same way. */
  finderOf(block: Block | undefined, place: number): RowFinder<Attributes> | undefined {
    const own = this.#sets[place];
    return own !== undefined && own.origin === block?.origin ? new RowFinder(own.attributes) : undefined;
  }

  /** Renders up to so many rows more. @returns whether all are there. */
  advance(rowsMax: number): boolean {
    const making = this.#making;
    if (making === undefined) return true;
    for (let budget = rowsMax; making.block < making.blocks.length && budget > 0; budget--) this.#next(making);
    if (making.block < making.blocks.length) return false;
    this.#endChunk(making.writer);
    this.#making = undefined;
    return true;
  }

  #next(making: Making): void {
    const { attributes } = making.blocks[making.block]!.points;
    const first = this.first[making.block]!;
    const fault = this.#add(making, attributes[making.row - first]!);
    if (fault !== undefined) this.#hide(making, fault);
    making.row++;
    if (making.row % CHUNK_ROWS === 0) this.#endChunk(making.writer);
    if (making.row - first < attributes.length) return;
    making.block++;
    making.finder = making.earlier?.finderOf(making.blocks[making.block], making.block);
  }

  #add(making: Making, set: Attributes): LabelFault | undefined {
    const { earlier, row, writer } = making;
    const from = writer.length;
    this.#ends[row] = from;
    const known = this.#find(making, set);
    if (known !== undefined && earlier !== undefined) this.#copy(earlier, known, making);
    else {
      try {
        making.render(writer, making.blocks[making.block]!.labelsOf(set));
      } catch {
        writer.length = from;
        return 'bad_attributes';
      }
      this.#hashes[row] = writer.hash(from);
    }
    this.#ends[row] = writer.length;
    return this.#isNew(making) ? undefined : 'duplicate_series';
  }

  #hide({ block, row }: Making, fault: LabelFault): void {
    this.#hidden ??= new Uint8Array(this.#ends.length);
    this.#hidden[row] = 1;
    const faults = this.faults[block]!;
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }

  /** @returns the row that the rendering before this one has the attribute set in. */
  #find({ earlier, block, finder }: Making, set: Attributes): number | undefined {
    const found = finder?.find(set) ?? NOT_FOUND;
    if (earlier === undefined || found === NOT_FOUND) return undefined;
    const row = earlier.first[block]! + found;
    // What could not be read has no bytes.
    return earlier.isHidden(row) ? undefined : row;
  }

  #copy(earlier: SeriesLabels, known: number, { writer, row }: Making): void {
    const { bytes, from, to } = earlier.of(known);
    writer.reserve(to - from);
    writer.copy(bytes, from, to);
    this.#hashes[row] = earlier.#hashes[known]!;
  }

  #endChunk(writer: ByteWriter): void {
    if (this.#chunks.length * CHUNK_ROWS < this.#ends.length) this.#chunks.push(Buffer.from(writer.take()));
  }

  #start(row: number): number {
    return row % CHUNK_ROWS === 0 ? 0 : this.#ends[row - 1]!;
  }

  #isNew({ table, row, writer }: Making): boolean {
    const mask = table.length - 1;
    const hash = this.#hashes[row]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const other = table[slot]!;
      if (other === EMPTY) {
        table[slot] = row;
        return true;
      }
      if (this.#hashes[other] === hash && this.#isSame(other, row, writer)) return false;
    }
  }

  /** Whether a row is as one of which the chunk is still being written. */
  #isSame(row: number, last: number, { bytes }: ByteWriter): boolean {
    const other = this.#chunks[Math.floor(row / CHUNK_ROWS)] ?? bytes;
    return bytes.compare(other, this.#start(row), this.#ends[row], this.#start(last), this.#ends[last]) === 0;
  }
}
