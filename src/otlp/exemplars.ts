import type { Exemplar } from '../metric/model.ts';
import { type AttributesDraft, readAttribute } from './attributes.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

/**
 * Reads one Exemplar. An id of zeros, which W3C Trace Context calls invalid, is none.
 *
 * @returns nothing if it has no value, or one that is not a number.
 * @throws ProtobufError also where an id is of another length.
 *
 * Source: opentelemetry/proto/metrics/v1/metrics.proto
 */
export function readExemplar(reader: ProtobufReader): Exemplar | undefined {
  let value = NaN;
  let timeMs = 0;
  let traceId = '';
  let spanId = '';
  let attributes: AttributesDraft | undefined;
  reader.message((field) => {
    if (field === 2) timeMs = reader.nanosecondsAsMs();
    else if (field === 3) value = reader.double();
    else if (field === 4) spanId = readId(reader, 8);
    else if (field === 5) traceId = readId(reader, 16);
    else if (field === 6) value = reader.sfixed64();
    else if (field === 7) readAttribute(reader, (attributes ??= {}));
  });
  if (Number.isNaN(value)) return undefined;
  return { value, timeMs, traceId, spanId, ...(attributes === undefined ? {} : { attributes }) };
}

/** Reads one and adds it to `exemplars`, if it has a value. */
export function addExemplar(exemplars: Exemplar[], reader: ProtobufReader): void {
  const exemplar = readExemplar(reader);
  if (exemplar !== undefined) exemplars.push(exemplar);
}

function readId(reader: ProtobufReader, length: number): string {
  const bytes = reader.bytes();
  if (bytes.length !== 0 && bytes.length !== length) throw new ProtobufError('invalid_id', reader.offset);
  if (bytes.every((byte) => byte === 0)) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
