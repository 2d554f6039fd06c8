import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage } from '../std/protobuf-fields.ts';
import type { Frame } from './frames.ts';
import type { RowWriter } from './row-writer.ts';

/** One ExportMetricsServiceRequest. */
export interface EncodedBatch {
  /** Of its own buffer. */
  readonly bytes: Uint8Array;
  /** Data points. */
  readonly points: number;
}

/** Frames within each other: of a resource, a scope, a metric and its data. */
const DEPTH = 4;
/** What the lengths of open frames may take more than was left for them. */
const CLOSING_BYTES_MAX = DEPTH * 4;

/**
 * Puts points into batches, each with the frames around them, which are there only where a point is in them.
 *
 * A frame's length stands before it and is known at its end. Room is left for as many bytes as the last one of its depth took; where it takes
 * another number, what is in it is moved. In 100,000 counters that are four moves, 0.2 ms of 11: less than to work lengths out before
 * writing, and no padded varints, which are not canonical.
 */
export class BatchWriter {
  readonly out: ByteWriter;
  readonly #bytesMax: number;
  #frames: Frame[] = [];
  /** Of those that are open. */
  readonly #begins: number[] = [];
  readonly #lengthBytes = new Array<number>(DEPTH).fill(1);
  #points = 0;

  /** @param out empty. */
  constructor(out: ByteWriter, bytesMax: number) {
    this.out = out;
    this.#bytesMax = bytesMax;
  }

  /** The points from now on are in this frame, `depth` others being around it. */
  enter(depth: number, frame: Frame): void {
    this.#close(depth);
    this.#frames = [...this.#frames.slice(0, depth), frame];
  }

  /** @returns what became of the row; `full`: it is to be added again after `take`. */
  add(rows: RowWriter, row: number): 'added' | 'refused' | 'full' {
    const { length } = this.out;
    const open = this.#begins.length;
    if (open < this.#frames.length) this.#open();
    let outcome: 'added' | 'refused' | 'full' = 'refused';
    if (isWritten(rows, row)) outcome = this.#points === 0 || this.#fits() ? 'added' : 'full';
    if (outcome === 'added') this.#points++;
    else {
      this.out.length = length;
      this.#begins.length = open;
    }
    return outcome;
  }

  /** @returns what was added since the last time; undefined if it is nothing. */
  take(): EncodedBatch | undefined {
    if (this.#points === 0) return undefined;
    this.#close(0);
    const taken = this.out.take();
    const batch = { bytes: Buffer.allocUnsafeSlow(taken.length), points: this.#points };
    taken.copy(batch.bytes);
    this.#points = 0;
    return batch;
  }

  #fits(): boolean {
    return this.out.length + CLOSING_BYTES_MAX <= this.#bytesMax;
  }

  #open(): void {
    const { out } = this;
    for (let depth = this.#begins.length; depth < this.#frames.length; depth++) {
      const { field, head } = this.#frames[depth]!;
      this.#begins.push(beginMessage(out, field, this.#lengthBytes[depth]));
      out.reserve(head.length);
      out.copy(head, 0, head.length);
    }
  }

  #close(depth: number): void {
    while (this.#begins.length > depth) {
      const begin = this.#begins.pop()!;
      const at = this.#begins.length;
      this.#lengthBytes[at] = endMessage(this.out, begin, this.#lengthBytes[at]);
    }
  }
}

/** What comes from elsewhere may throw when it is read. */
function isWritten(rows: RowWriter, row: number): boolean {
  try {
    return rows.write(row);
  } catch {
    return false;
  }
}
