import type { Attributes } from '../metric/model.ts';
import { NOT_FOUND, RowFinder } from '../metric/row-finder.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import type { Block } from './blocks.ts';
import { DistinctRows } from './distinct-rows.ts';
import type { Labels } from './labels.ts';

/** Writes the labels of one series as a format has them. It makes room for itself. */
export type RenderLabels = (writer: ByteWriter, labels: Labels) => void;

/** A part of a buffer: the labels of one series, as `RenderLabels` wrote them. */
export interface LabelBytes {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

export type LabelFault = 'bad_attributes' | 'duplicate_series';

interface Making {
  readonly blocks: readonly Block[];
  readonly render: RenderLabels;
  /** The rendering before this one. */
  readonly earlier: SeriesLabels | undefined;
  readonly distinct: DistinctRows;
  /** The next ones to be rendered. */
  block: number;
  row: number;
  /** Of the chunk that is not complete. */
  readonly writer: ByteWriter;
  /** Finds the sets of the block in the rendering before this one, where they begin at row `first`; not there = its labels are others. */
  finder: { readonly sets: RowFinder<Attributes>; readonly first: number } | undefined;
}

/** Rows whose bytes are one buffer: a buffer for all of them would have to be moved whenever it turns out to be too short. */
const CHUNK_ROWS = 512;
const CHUNK_BYTES = 1024;

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
    const writer = new ByteWriter(CHUNK_BYTES);
    const distinct = new DistinctRows(this.#hashes, (row, other) => this.#isSame(row, other, writer));
    this.#making = {
      blocks,
      render,
      earlier,
      distinct,
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

  /** What finds the sets of a block in the one that was in its place, or else in one whose labels are made in the same way. */
  finderOf(block: Block | undefined, place: number): Making['finder'] {
    const isLike = (own: { readonly origin: string } | undefined): boolean => own?.origin === block?.origin;
    const at = isLike(this.#sets[place]) ? place : this.#sets.findIndex(isLike);
    const own = this.#sets[at];
    return own && { sets: new RowFinder(own.attributes), first: this.first[at]! };
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
    return making.distinct.add(row) ? undefined : 'duplicate_series';
  }

  #hide({ block, row }: Making, fault: LabelFault): void {
    this.#hidden ??= new Uint8Array(this.#ends.length);
    this.#hidden[row] = 1;
    const faults = this.faults[block]!;
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }

  /** @returns the row that the rendering before this one has the attribute set in. */
  #find({ earlier, finder }: Making, set: Attributes): number | undefined {
    if (earlier === undefined || finder === undefined) return undefined;
    const found = finder.sets.find(set);
    if (found === NOT_FOUND) return undefined;
    const row = finder.first + found;
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

  /** @param row one of which the chunk is still being written. */
  #isSame(row: number, other: number, { bytes }: ByteWriter): boolean {
    const target = this.#chunks[Math.floor(other / CHUNK_ROWS)] ?? bytes;
    return bytes.compare(target, this.#start(other), this.#ends[other], this.#start(row), this.#ends[row]) === 0;
  }
}
