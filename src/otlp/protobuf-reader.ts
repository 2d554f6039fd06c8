import { BYTES, FIXED32, FIXED64, VARINT } from '../std/protobuf-fields.ts';
import { ProtobufError } from './protobuf-error.ts';
import { decodeUtf8 } from './utf8.ts';

/** Reads the value of the field with that number, or leaves it: what is not read is skipped. */
type OnField = (field: number) => void;

const DEPTH_MAX = 100; // As protobuf's own parsers have it.

/**
 * A cursor over protobuf wire format without a schema: a caller says per message what to do with each field number. All methods from
 * `enter` on read the value of the current field. Integers beyond 2^53 are rounded to the nearest double.
 *
 * Trusts nothing: lengths are held against the message around them, nesting is limited, and nothing is allocated but what the caller
 * keeps. Fields that the caller does not read are skipped; a known one of an unexpected wire type is an error.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  /** Of the message that is being read. */
  #end: number;
  #depth = 0;
  #wireType = VARINT;
  /** Of the last varint, 32 bits each. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Reads the rest of the current message: once on a new reader for the outermost one. */
  fields(onField: OnField): void {
    for (let field = this.next(); field !== 0; field = this.next()) {
      const start = this.#offset;
      onField(field);
      // No value takes less than a byte, so an offset that stands still is a field that was left.
      if (this.#offset === start) this.skip();
    }
  }

  /** For whoever stops between two fields: the next one is at `offset`, in a message that ends at `end`. */
  goTo(offset: number, end: number): void {
    this.#offset = offset;
    this.#end = end;
  }

  /** @returns the number of the next field of the message, whose value must be read, skipped or entered; 0 = there is none. */
  next(): number {
    return this.#offset < this.#end ? this.#tag() : 0;
  }

  /** The value is the current message from now on. @returns where it ends. */
  enter(): number {
    const length = this.#length();
    this.#offset = this.#take(length);
    return (this.#end = this.#offset + length);
  }

  skip(): void {
    if (this.#wireType === VARINT) this.#varint();
    else if (this.#wireType === FIXED64) this.#take(8);
    else if (this.#wireType === FIXED32) this.#take(4);
    else this.#take(this.#length());
  }

  message(onField: OnField): void {
    const outerEnd = this.#end;
    this.enter();
    if (++this.#depth > DEPTH_MAX) throw new ProtobufError('too_deep', this.#offset);
    this.fields(onField);
    this.#depth--;
    this.#end = outerEnd;
  }

  /** A repeated field of numbers: calls `onValue`, which reads one, for each of a packed run, or once. */
  repeated(wireType: typeof VARINT | typeof FIXED64, onValue: () => void): void {
    if (this.#wireType === wireType) {
      onValue();
      return;
    }
    const outerEnd = this.#end;
    this.enter();
    this.#wireType = wireType;
    while (this.#offset < this.#end) onValue();
    this.#end = outerEnd;
  }

  /** Every signed integer of variable length that is not zigzag-encoded, bool and enum. */
  int64(): number {
    this.#startVarint();
    return this.#high * 2 ** 32 + (this.#low >>> 0);
  }

  uint64(): number {
    this.#startVarint();
    return (this.#high >>> 0) * 2 ** 32 + (this.#low >>> 0);
  }

  sint32(): number {
    this.#startVarint();
    return (this.#low >>> 1) ^ -(this.#low & 1);
  }

  fixed64(): number {
    const start = this.#start64();
    return this.#view.getUint32(start + 4, true) * 2 ** 32 + this.#view.getUint32(start, true);
  }

  sfixed64(): number {
    const start = this.#start64();
    return this.#view.getInt32(start + 4, true) * 2 ** 32 + this.#view.getUint32(start, true);
  }

  /** A fixed64 of nanoseconds, in milliseconds: whole ones are exact, others good to the last bit of the double. */
  nanosecondsAsMs(): number {
    const start = this.#start64();
    const high = this.#view.getUint32(start + 4, true);
    // 2^32 ns = 4294 ms + 967296 ns, and neither product below passes 2^53.
    return high * 4294 + (high * 967_296 + this.#view.getUint32(start, true)) / 1e6;
  }

  double(): number {
    return this.#view.getFloat64(this.#start64(), true);
  }

  string(): string {
    const bytes = this.bytes();
    const text = decodeUtf8(bytes);
    if (text === undefined) throw new ProtobufError('invalid_utf8', this.#offset - bytes.length);
    return text;
  }

  /** A view of the input, not a copy. */
  bytes(): Uint8Array {
    const start = this.#take(this.#length());
    return this.#bytes.subarray(start, this.#offset);
  }

  #tag(): number {
    this.#varint();
    this.#wireType = this.#low & 7;
    const field = this.#low >>> 3;
    if (this.#high !== 0 || field === 0 || this.#wireType > FIXED32) {
      throw new ProtobufError('malformed_tag', this.#offset);
    }
    if (this.#wireType === 3 || this.#wireType === 4) throw new ProtobufError('group', this.#offset);
    return field;
  }

  #startVarint(wireType: number = VARINT): void {
    this.#expect(wireType);
    this.#varint();
  }

  #start64(): number {
    this.#expect(FIXED64);
    return this.#take(8);
  }

  #length(): number {
    this.#startVarint(BYTES);
    return this.#high === 0 ? this.#low >>> 0 : Infinity;
  }

  /** @returns the offset of the first of `length` bytes, which are then behind the cursor. */
  #take(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) throw new ProtobufError('truncated', start);
    this.#offset = start + length;
    return start;
  }

  #varint(): void {
    this.#low = 0;
    this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#view.getUint8(this.#take(1));
      const bits = byte & 0x7f;
      if (shift < 32) this.#low |= bits << shift;
      if (shift === 28) this.#high = bits >>> 4;
      else if (shift > 28) this.#high |= bits << (shift - 32);
      if (byte === bits) return;
    }
    throw new ProtobufError('malformed_varint', this.#offset);
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw new ProtobufError('wrong_wire_type', this.#offset);
  }
}
