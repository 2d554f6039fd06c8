import type { EncodedBatch } from './batch-writer.ts';
import { Outline, type Range } from './outline.ts';
import { ProtobufError } from './protobuf-error.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { Slice } from './slice.ts';

/** Where an ExportMetricsServiceRequest goes on. */
export interface Place {
  /** Where the next field begins. */
  readonly offset: number;
  /** The messages that are open there, the request first; not given = at its beginning. */
  readonly open?: readonly Level[];
}

interface Level {
  /** Of the message around it; 0 of a request. */
  readonly field: number;
  readonly end: number;
  /** What is in it besides that which leads to points, as it is on the wire. */
  readonly head: readonly Range[];
}

export interface Piece extends EncodedBatch {
  /** It is longer only if its single point is. */
  readonly bytesMax: number;
  /** Where the next one begins; undefined = it was the last. */
  readonly end: Place | undefined;
}

export interface SplitOptions {
  readonly bytesMax: number;
  /** Of `bytesMax`, without what each piece has around its points. */
  readonly share?: number;
}

/** Of a request. */
export const BEGINNING: Place = { offset: 0 };

/**
 * Splits a piece off an ExportMetricsServiceRequest on the wire: a request of the points from a place on, as many as it may have, at least
 * one. Points and what is around them stay as they are, known or not; the latter is repeated in each piece, before the points.
 *
 * Yields where others may have their turn: after less than a millisecond of work.
 *
 * @returns undefined if there are no points any more, or if what is there is no such request.
 */
export function* splitOff(
  request: Uint8Array,
  from: Place,
  options: SplitOptions,
): Generator<undefined, Piece | undefined, undefined> {
  try {
    return yield* split(request, from, options);
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}

/** The fields that lead to points: of a request, ResourceMetrics, ScopeMetrics, Metric, its data. */
const PATH: readonly (readonly number[])[] = [[1], [2], [2], [5, 7, 9, 10, 11], [1]];
const POINT = PATH.length - 1;

/** What a field takes from a slice, whatever its length is. */
const STEP_BYTES = 32;

interface Walk {
  readonly reader: ProtobufReader;
  readonly outline: Outline;
  readonly slice: Slice;
  readonly open: Level[];
}

function* split(
  request: Uint8Array,
  from: Place,
  { bytesMax, share = 1 }: SplitOptions,
): Generator<undefined, Piece | undefined, undefined> {
  const walk: Walk = { reader: new ProtobufReader(request), outline: new Outline(), slice: new Slice(), open: [] };
  const { reader, outline, slice, open } = walk;
  for (const level of from.open ?? [yield* levelAt(walk, 0, request.length)]) enter(walk, level);
  reader.goTo(from.offset, open.at(-1)?.end ?? 0);
  let limit: number | undefined;
  let end: Place | undefined;
  while (open.length > 0 && end === undefined) {
    const { offset } = reader;
    const field = reader.next();
    if (slice.spend(STEP_BYTES)) yield undefined;
    if (field === 0) leave(walk);
    else if (!leads(field, open.length - 1)) reader.skip();
    else if (open.length <= POINT) enter(walk, yield* levelAt(walk, field, reader.enter()));
    else {
      reader.skip();
      limit ??= limitOf(outline.lengthWith(0), bytesMax, share);
      const isFull = outline.points > 0 && outline.lengthWith(reader.offset - offset) > limit;
      if (isFull) end = { offset, open: [...open] };
      else outline.addPoint(offset, reader.offset);
    }
  }
  if (limit === undefined) return undefined;
  const { points } = outline;
  return { bytes: yield* outline.write(bufferOf(request), slice), points, bytesMax: limit, end };
}

function leads(field: number, depth: number): boolean {
  return PATH[depth]?.includes(field) === true;
}

function limitOf(aroundBytes: number, bytesMax: number, share: number): number {
  return aroundBytes + Math.floor((bytesMax - aroundBytes) * share);
}

/** A message that begins where the reader is. */
function* levelAt({ reader, slice, open }: Walk, field: number, end: number): Generator<undefined, Level, undefined> {
  const head: Range[] = [];
  const begin = reader.offset;
  let start = begin;
  for (let { offset } = reader, inner = reader.next(); inner !== 0; offset = reader.offset, inner = reader.next()) {
    reader.skip();
    if (slice.spend(STEP_BYTES)) yield undefined;
    if (!leads(inner, open.length)) continue;
    if (offset > start) head.push({ start, end: offset });
    start = reader.offset;
  }
  if (end > start) head.push({ start, end });
  reader.goTo(begin, end);
  return { field, end, head };
}

function enter({ outline, open }: Walk, level: Level): void {
  open.push(level);
  outline.enter(level.field, level.head);
}

function leave({ reader, outline, open }: Walk): void {
  open.pop();
  outline.leave();
  reader.goTo(reader.offset, open.at(-1)?.end ?? 0);
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
