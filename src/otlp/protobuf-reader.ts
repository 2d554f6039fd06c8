/**
 * Reads protobuf wire format without a schema: a caller says per message what to do with each field number.
 *
 * Trusts nothing: every length is held against the message around it before it is used, nesting is limited, and nothing
 * is allocated but what the caller keeps. Fields that the caller does not read are skipped. A known field of an unexpected
 * wire type is an error.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
const problems = {
  truncated: 'a value reaches past the end of its message',
  malformed_varint: 'a varint is longer than 10 bytes',
  malformed_tag: 'a tag has no valid field number or wire type',
  group: 'a group, which proto3 does not have, begins or ends',
  wrong_wire_type: 'a field has another wire type than its definition',
  too_deep: 'messages are nested too deep',
  invalid_utf8: 'a string is not UTF-8',
  invalid_buckets: 'a histogram point has bounds that do not ascend or do not fit its bucket counts',
} as const;

/** The only error of decoding. `offset`: the byte of the whole input at which reading stopped. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly code: keyof typeof problems;
  readonly offset: number;

  constructor(code: keyof typeof problems, offset: number) {
    super(`${problems[code]} (byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}

/** Reads the value of the field with that number, or leaves it: what is not read is skipped. */
type OnField = (field: number) => void;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** As protobuf's own parsers have it. */
const DEPTH_MAX = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over one message; all methods but `fields` read the value of the current field. */
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
    while (this.#offset < this.#end) {
      const field = this.#tag();
      const start = this.#offset;
      onField(field);
      // No value takes less than a byte, so an offset that stands still is a field that was left.
      if (this.#offset === start) this.#skip();
    }
  }

  message(onField: OnField): void {
    const outerEnd = this.#enter();
    if (++this.#depth > DEPTH_MAX) throw new ProtobufError('too_deep', this.#offset);
    this.fields(onField);
    this.#depth--;
    this.#end = outerEnd;
  }

  /** A repeated field of 64-bit values: calls `onValue`, which reads one, for each of a packed run, or once. */
  repeated64(onValue: () => void): void {
    if (this.#wireType === FIXED64) {
      onValue();
      return;
    }
    const outerEnd = this.#enter();
    this.#wireType = FIXED64;
    while (this.#offset < this.#end) onValue();
    this.#end = outerEnd;
  }

  /** Every integer of variable length that is not zigzag-encoded, bool and enum; beyond 2^53 rounded to the nearest double. */
  int64(): number {
    this.#expect(VARINT);
    this.#varint();
    return this.#high * 2 ** 32 + (this.#low >>> 0);
  }

  /** Beyond 2^53 rounded to the nearest double. */
  fixed64(): number {
    const start = this.#start64();
    return this.#view.getUint32(start + 4, true) * 2 ** 32 + this.#view.getUint32(start, true);
  }

  /** Beyond 2^53 rounded to the nearest double. */
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
    try {
      return utf8.decode(bytes);
    } catch {
      throw new ProtobufError('invalid_utf8', this.#offset - bytes.length);
    }
  }

  /** A view of the input, not a copy. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
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

  #skip(): void {
    if (this.#wireType === VARINT) this.#varint();
    else if (this.#wireType === FIXED64) this.#take(8);
    else if (this.#wireType === FIXED32) this.#take(4);
    else this.#take(this.#length());
  }

  /** @returns the end of the outer message, to go back to. */
  #enter(): number {
    const length = this.#length();
    if (length > this.#end - this.#offset) throw new ProtobufError('truncated', this.#offset);
    const outerEnd = this.#end;
    this.#end = this.#offset + length;
    return outerEnd;
  }

  #start64(): number {
    this.#expect(FIXED64);
    return this.#take(8);
  }

  #length(): number {
    this.#expect(LENGTH_DELIMITED);
    this.#varint();
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
