import type { File } from './file-system.ts';
import {
  decodeRecordHeader,
  decodeSegmentHeader,
  FORMAT_VERSION,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
} from './format.ts';
import { Window } from './window.ts';

/** What is found in a file, in the order of its bytes. */
export type Finding =
  | { readonly kind: 'record'; readonly offset: number; readonly header: RecordHeader }
  /** Something was there that cannot be read; the next record is behind it. */
  | { readonly kind: 'damaged'; readonly offset: number; readonly bytes: number }
  /** The header of the segment cannot be read; what comes after it can. */
  | { readonly kind: 'damaged_header' }
  /** The last thing in the file. `torn` = what was being written when the process or the machine stopped. */
  | { readonly kind: 'tail'; readonly offset: number; readonly bytes: number; readonly torn: boolean }
  /** The only thing in the file: nothing is known of it, or it is of a later version of the format. */
  | { readonly kind: 'foreign'; readonly version: number | undefined };

/**
 * Finds the records of a segment by their headers, which it reads and whose checksums it checks; payloads it hops over. Where there is no header it
 * looks for the next one.
 *
 * @param seed of the file. @throws the error of the system.
 */
export async function* scanSegment(file: File, seed: number): AsyncGenerator<Finding, void, undefined> {
  const size = await file.size();
  const window = new Window(file, size);
  const version = decodeSegmentHeader(await window.at(0, SEGMENT_HEADER_BYTES));
  if (size < SEGMENT_HEADER_BYTES) {
    yield { kind: 'tail', offset: 0, bytes: size, torn: true };
    return;
  }
  let offset = SEGMENT_HEADER_BYTES;
  if (version === undefined) {
    if ((await findRecord(window, offset, seed)).offset === undefined) {
      yield { kind: 'foreign', version };
      return;
    }
    yield { kind: 'damaged_header' };
  } else if (version !== FORMAT_VERSION) {
    yield { kind: 'foreign', version };
    return;
  }
  while (offset < size) {
    const header = decodeRecordHeader(await window.at(offset, RECORD_HEADER_BYTES), seed);
    const end = offset + RECORD_HEADER_BYTES + (header?.payloadBytes ?? 0);
    if (header !== undefined && end <= size) {
      yield { kind: 'record', offset, header };
      offset = end;
      continue;
    }
    const next = header === undefined ? await findRecord(window, offset, seed) : undefined;
    if (next?.offset === undefined) {
      // A header that is whole and a payload that is not, or nothing but what the file system puts where nothing was written.
      const torn = next === undefined || next.isAllZero || size - offset < RECORD_HEADER_BYTES;
      yield { kind: 'tail', offset, bytes: size - offset, torn };
      return;
    }
    const bytes = next.offset - offset;
    const isMended = bytes < RECORD_HEADER_BYTES && isZero(await window.at(offset, bytes));
    if (!isMended) yield { kind: 'damaged', offset, bytes };
    offset = next.offset;
  }
}

/** The next header from there on, and whether up to the end there is none, but zeros only. */
async function findRecord(
  window: Window,
  from: number,
  seed: number,
): Promise<{ offset: number | undefined; isAllZero: boolean }> {
  let isAllZero = true;
  let offset = from;
  while (offset < window.size) {
    const bytes = await window.from(offset);
    isAllZero &&= isZero(bytes);
    for (let at = bytes.indexOf(RECORD_MAGIC); at !== -1; at = bytes.indexOf(RECORD_MAGIC, at + 1)) {
      if (decodeRecordHeader(bytes, seed, at) !== undefined) return { offset: offset + at, isAllZero: false };
    }
    // A header may lie across the end.
    if (bytes.length === 0 || offset + bytes.length >= window.size) break;
    offset += Math.max(1, bytes.length - RECORD_HEADER_BYTES + 1);
  }
  return { offset: undefined, isAllZero };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
