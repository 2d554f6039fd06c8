import { crc32 } from 'node:zlib';
import type { Batch } from '../../batch.ts';

/**
 * A segment file: one header, then records without gaps. All numbers are little endian, all checksums CRC-32 (as in zlib).
 *
 * ```
 * segment  0 u32 magic "mgq1"   4 u32 CRC of bytes 8 to 15   8 u32 format version (1)   12 u32 0
 * record   0 u32 magic "mgqB"   4 u32 CRC of bytes 8 to 27   8 u32 length of the payload   12 u32 CRC of the payload
 *         16 f64 time, Unix ms 24 u32 points                28 u8 0xff = done             29 u8[3] 0
 *         32 payload: an ExportMetricsServiceRequest
 * ```
 *
 * The CRC of a record begins with the seed of its file, which is the CRC of the file's name (`0000000012345678.seg`, of which nobody knows the
 * number before): what was written to another file, or what a payload has of the kind, is no record here.
 *
 * `done` is in no checksum: it is overwritten in place when the batch is delivered or dropped. Any other value than 0xff is "waits", so that a
 * bit that flips sends a batch twice rather than never.
 */
export const SEGMENT_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 32;
export const DONE_OFFSET = 28;
export const FORMAT_VERSION = 1;
/** Of a payload. */
export const PAYLOAD_BYTES_MAX = 0xffff_ffff;

export const RECORD_MAGIC = Buffer.from('mgqB', 'latin1');
const SEGMENT_MAGIC = Buffer.from('mgq1', 'latin1');
const DONE = 0xff;

export interface RecordHeader {
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  readonly timeMs: number;
  readonly points: number;
  readonly done: boolean;
}

export function encodeSegmentHeader(): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(crc32(header.subarray(8)), 4);
  return header;
}

/** @returns the format version; undefined = this is none, or it is damaged. */
export function decodeSegmentHeader(bytes: Buffer): number | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.compare(SEGMENT_MAGIC, 0, 4, 0, 4) !== 0) return undefined;
  return bytes.readUInt32LE(4) === crc32(bytes.subarray(8, SEGMENT_HEADER_BYTES)) ? bytes.readUInt32LE(8) : undefined;
}

/** Of the file with that name. */
export function seedOf(name: string): number {
  return crc32(name);
}

export function encodeBatchHeader({ payload, timeMs, points }: Batch, seed: number): Buffer {
  const header = { payloadBytes: payload.length, payloadCrc: crc32(payload), timeMs, points, done: false };
  return encodeRecordHeader(header, seed);
}

/**
 * Of what is written at once, where a file ends so far. An undefined one takes nothing.
 *
 * @returns the bytes, in parts, where each batch begins, and where the file ends then.
 */
export function encodeBatches(batches: readonly (Batch | undefined)[], { seed, end }: { seed: number; end: number }) {
  const parts: Uint8Array[] = end === 0 ? [encodeSegmentHeader()] : [];
  let at = Math.max(end, SEGMENT_HEADER_BYTES);
  const offsets = batches.map((batch) => {
    const offset = at;
    if (batch === undefined) return offset;
    parts.push(encodeBatchHeader(batch, seed), batch.payload);
    at += RECORD_HEADER_BYTES + batch.payload.length;
    return offset;
  });
  return { parts, offsets, end: at };
}

export function encodeRecordHeader(fields: RecordHeader, seed: number): Buffer {
  const { payloadBytes, payloadCrc, timeMs, points, done } = fields;
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  RECORD_MAGIC.copy(header);
  header.writeUInt32LE(payloadBytes, 8);
  header.writeUInt32LE(payloadCrc, 12);
  header.writeDoubleLE(timeMs, 16);
  header.writeUInt32LE(points, 24);
  header.writeUInt32LE(crc32(header.subarray(8, DONE_OFFSET), seed), 4);
  if (done) header.writeUInt8(DONE, DONE_OFFSET);
  return header;
}

/** @returns undefined = there is none at that offset, or it is damaged. */
export function decodeRecordHeader(bytes: Buffer, seed: number, offset = 0): RecordHeader | undefined {
  const header = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
  if (header.length < RECORD_HEADER_BYTES || header.compare(RECORD_MAGIC, 0, 4, 0, 4) !== 0) return undefined;
  if (header.readUInt32LE(4) !== crc32(header.subarray(8, DONE_OFFSET), seed)) return undefined;
  return {
    payloadBytes: header.readUInt32LE(8),
    payloadCrc: header.readUInt32LE(12),
    timeMs: header.readDoubleLE(16),
    points: header.readUInt32LE(24),
    done: header.readUInt8(DONE_OFFSET) === DONE,
  };
}

export function encodeDone(): Uint8Array {
  return Uint8Array.of(DONE);
}
