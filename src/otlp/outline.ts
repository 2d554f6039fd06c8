import { ByteWriter } from '../std/byte-writer.ts';
import { BYTES, varint } from '../std/protobuf-fields.ts';
import { SLICE_BYTES, type Slice } from './slice.ts';

/** Of bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

interface Message {
  /** Below 16; nobody asks a request for it. */
  readonly field: number;
  /** Of what is in it so far. */
  length: number;
  /** How many there were when it began. */
  readonly parts: number;
  readonly points: number;
}

/** What `varint` wants to have room for. */
const VARINT_BYTES_MAX = 10;

/** A request that is made of parts of another one. All lengths are known before a byte is written: nothing has to be moved. */
export class Outline {
  readonly #parts: (Message | Range)[] = [];
  /** Those that are open, the request first. */
  readonly #messages: Message[] = [];
  /** Points that lie one behind the other, and are copied at once; between those of two messages is a tag. */
  #run: { readonly start: number; end: number } | undefined;
  #points = 0;

  get points(): number {
    return this.#points;
  }

  /** What the request takes, in bytes, with so many more in the innermost message. */
  lengthWith(bytes: number): number {
    return this.#messages.reduceRight(
      (length, message, depth) => (depth === 0 ? message.length + length : lengthAround(message.length + length)),
      bytes,
    );
  }

  enter(field: number, head: readonly Range[]): void {
    const length = head.reduce((sum, { start, end }) => sum + end - start, 0);
    const message = { field, length, parts: this.#parts.length, points: this.#points };
    this.#messages.push(message);
    this.#parts.push(message, ...head);
  }

  addPoint(start: number, end: number): void {
    const message = this.#messages.at(-1);
    if (message !== undefined) message.length += end - start;
    this.#points++;
    if (this.#run?.end === start) this.#run.end = end;
    else this.#parts.push((this.#run = { start, end }));
  }

  /** Ends the innermost message, which is left out if it has no points. The request ends when it is written. */
  leave(): void {
    const [around, message] = this.#messages.slice(-2);
    if (around === undefined || message === undefined) return;
    this.#messages.pop();
    if (message.points === this.#points) this.#parts.length = message.parts;
    else around.length += lengthAround(message.length);
  }

  /** Ends all that is open. @param source what the parts are of. @returns a buffer of its own. */
  *write(source: Buffer, slice: Slice): Generator<undefined, Uint8Array, undefined> {
    while (this.#messages.length > 1) this.leave();
    const out = new ByteWriter(this.lengthWith(VARINT_BYTES_MAX));
    for (const part of this.#parts.slice(1)) {
      if ('field' in part) {
        varint(out, part.field * 8 + BYTES);
        varint(out, part.length);
        continue;
      }
      for (let { start } = part; start < part.end; start += SLICE_BYTES) {
        const end = Math.min(part.end, start + SLICE_BYTES);
        out.copy(source, start, end);
        if (slice.spend(end - start)) yield undefined;
      }
    }
    return out.take();
  }
}

/** Of a message with its tag and its length. */
function lengthAround(length: number): number {
  return 1 + (((38 - Math.clz32(length | 1)) / 7) | 0) + length;
}
