import type { ByteWriter } from './byte-writer.ts';

/**
 * Fields of protobuf messages. Source: https://protobuf.dev/programming-guides/encoding/
 *
 * All make room for themselves. Field numbers are below 16 * 128, integers below 2^53.
 */
export const VARINT = 0;
export const FIXED64 = 1;
/** Strings and messages, too. */
export const BYTES = 2;
export const FIXED32 = 5;

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

/** An int64 of two's complement, of which the integers hold 32 bits each. */
export function int64Field(out: ByteWriter, field: number, { low, high }: { low: number; high: number }): void {
  varint(out, field * 8 + VARINT);
  out.reserve(10);
  let [rest, above] = [low >>> 0, high >>> 0];
  while (above > 0 || rest >= 128) {
    out.byte((rest & 127) | 128);
    rest = ((rest >>> 7) | (above << 25)) >>> 0;
    above >>>= 7;
  }
  out.byte(rest);
}

export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function doubleField(out: ByteWriter, field: number, value: number): void {
  varint(out, field * 8 + FIXED64);
  out.reserve(FIELD_BYTES_MAX);
  out.double(value);
}

export function stringField(out: ByteWriter, field: number, text: string): void {
  const begin = beginMessage(out, field);
  out.utf8(text);
  endMessage(out, begin);
}

export function bytesField(out: ByteWriter, field: number, bytes: Uint8Array): void {
  varint(out, field * 8 + BYTES);
  varint(out, bytes.length);
  out.reserve(bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}

/**
 * A message, or anything else whose length stands before it, begins.
 *
 * @param lengthBytes that its length will probably take: where it takes another number the message has to be moved.
 * @returns what `endMessage` wants.
 */
export function beginMessage(out: ByteWriter, field: number, lengthBytes = 1): number {
  varint(out, field * 8 + BYTES);
  out.reserve(lengthBytes);
  return (out.length += lengthBytes);
}

/** @param lengthBytes as it was begun with. @returns how many bytes its length takes. */
export function endMessage(out: ByteWriter, begin: number, lengthBytes = 1): number {
  const length = out.length - begin;
  if (length < 128 && lengthBytes === 1) {
    out.bytes[begin - 1] = length;
    return 1;
  }
  const needed = varintBytes(length);
  if (needed !== lengthBytes) {
    if (needed > lengthBytes) out.reserve(needed - lengthBytes);
    out.bytes.copyWithin(begin + needed - lengthBytes, begin, out.length);
    out.length += needed - lengthBytes;
  }
  const { bytes } = out;
  let at = begin - lengthBytes;
  let rest = length;
  for (; rest >= 128; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
  bytes[at] = rest;
  return needed;
}

function varintBytes(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  return value < 2 ** 28 ? 4 : 5;
}
