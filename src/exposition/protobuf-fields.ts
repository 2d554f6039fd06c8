import type { ByteWriter } from './byte-writer.ts';

/**
 * Fields of protobuf messages. Source: https://protobuf.dev/programming-guides/encoding/
 *
 * All make room for themselves. Field numbers are below 16 * 128, integers below 2^53.
 */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** Of a tag and a varint or double. */
const FIELD_BYTES_MAX = 12;

export function varint(out: ByteWriter, value: number): void {
  out.reserve(10);
  let rest = value;
  // Bit operators know 32 bits only.
  while (rest >= 2 ** 31) {
    out.byte((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    out.byte((rest & 127) | 128);
    rest >>>= 7;
  }
  out.byte(rest);
}

export function uintField(out: ByteWriter, field: number, value: number): void {
  varint(out, field * 8 + VARINT);
  varint(out, value);
}

export function sintField(out: ByteWriter, field: number, value: number): void {
  uintField(out, field, zigzag(value));
}

export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function doubleField(out: ByteWriter, field: number, value: number): void {
  varint(out, field * 8 + FIXED64);
  out.reserve(FIELD_BYTES_MAX);
  out.bytes.writeDoubleLE(value, out.length);
  out.length += 8;
}

export function stringField(out: ByteWriter, field: number, text: string): void {
  const begin = beginMessage(out, field);
  out.utf8(text);
  endMessage(out, begin);
}

/** A message, or anything else whose length stands before it, begins. @returns what `endMessage` wants. */
export function beginMessage(out: ByteWriter, field: number): number {
  varint(out, field * 8 + BYTES);
  out.reserve(1);
  // Most lengths take one byte; the others have their message moved.
  return ++out.length;
}

export function endMessage(out: ByteWriter, begin: number): void {
  const length = out.length - begin;
  if (length < 128) {
    out.bytes[begin - 1] = length;
    return;
  }
  const more = Math.floor(Math.log2(length) / 7);
  out.reserve(more);
  out.bytes.copyWithin(begin + more, begin, out.length);
  out.length = begin - 1;
  varint(out, length);
  out.length += length;
}
