import { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, bytesField, endMessage } from '../std/protobuf-fields.ts';
import type { EncodedBatch } from './batch-writer.ts';
import { ProtobufError } from './protobuf-error.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/**
 * Splits an ExportMetricsServiceRequest on the wire: everything that is not a point stays as it is, known or not, and is repeated in both
 * halves where it has points around it.
 *
 * @returns two requests that together have every point once, in their order, about half of the bytes each; undefined if there is one
 *   point only, or none, or if the bytes are no such request.
 */
export function splitRequest(bytes: Uint8Array): readonly [EncodedBatch, EncodedBatch] | undefined {
  try {
    const lengths = pointLengths(bytes);
    if (lengths.length < 2) return undefined;
    const middle = middleOf(lengths);
    return [part(bytes, { from: 0, to: middle }), part(bytes, { from: middle, to: lengths.length })];
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}

/** The fields that lead to points: of a request, ResourceMetrics, ScopeMetrics, Metric, its data. */
const PATH: readonly (readonly number[])[] = [[1], [2], [2], [5, 7, 9, 10, 11], [1]];
const POINT = PATH.length - 1;

function pointLengths(bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  const reader = new ProtobufReader(bytes);
  const onFieldAt = (depth: number) => (field: number) => {
    if (!PATH[depth]?.includes(field)) return;
    if (depth === POINT) lengths.push(reader.bytes().length);
    else reader.message(onFieldAt(depth + 1));
  };
  reader.fields(onFieldAt(0));
  return lengths;
}

/** How many points make up the first half; at least one is in each. */
function middleOf(lengths: readonly number[]): number {
  let rest = lengths.reduce((total, length) => total + length, 0) / 2;
  const middle = lengths.findIndex((length) => (rest -= length) < 0);
  return Math.min(Math.max(middle, 1), lengths.length - 1);
}

/** A request of these points. */
function part(bytes: Uint8Array, { from, to }: { from: number; to: number }): EncodedBatch {
  const reader = new ProtobufReader(bytes);
  const out = new ByteWriter(bytes.length);
  let point = 0;
  const copyAt = (depth: number) => (field: number) => {
    if (!PATH[depth]?.includes(field)) raw(out, reader.field());
    else if (depth < POINT) {
      const first = point;
      const { length } = out;
      const begin = beginMessage(out, field);
      reader.message(copyAt(depth + 1));
      endMessage(out, begin);
      // None of its points, if it has any, is of this part.
      if (Math.min(point, to) <= Math.max(first, from)) out.length = length;
    } else {
      const own = reader.bytes();
      if (point >= from && point < to) bytesField(out, field, own);
      point++;
    }
  };
  reader.fields(copyAt(0));
  return { bytes: Uint8Array.from(out.take()), points: to - from };
}

function raw(out: ByteWriter, bytes: Uint8Array): void {
  out.reserve(bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}
