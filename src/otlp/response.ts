import { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage, stringField, uintField } from '../std/protobuf-fields.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** What a receiver says of a request that it took. */
export interface ExportMetricsResponse {
  /** Of the request; 0 = none. */
  readonly rejectedDataPoints: number;
  /** Why; without rejected points it is a warning. Empty = nothing is said. */
  readonly errorMessage: string;
}

/**
 * Decodes an ExportMetricsServiceResponse: no bytes at all are full success.
 *
 * @throws ProtobufError
 *
 * Source: opentelemetry/proto/collector/metrics/v1/metrics_service.proto
 */
export function decodeExportMetricsResponse(bytes: Uint8Array): ExportMetricsResponse {
  const reader = new ProtobufReader(bytes);
  let rejectedDataPoints = 0;
  let errorMessage = '';
  const onPartialSuccess = (field: number): void => {
    // It is signed on the wire.
    if (field === 1) rejectedDataPoints = Math.max(0, reader.int64());
    else if (field === 2) errorMessage = reader.string();
  };
  reader.fields((field) => {
    if (field === 1) reader.message(onPartialSuccess);
  });
  return { rejectedDataPoints, errorMessage };
}

/**
 * Encodes an ExportMetricsServiceResponse.
 *
 * @param partial left out for full success. `rejectedDataPoints`: a whole number.
 */
export function encodeExportMetricsResponse(partial?: ExportMetricsResponse): Uint8Array {
  const out = new ByteWriter(64);
  if (partial === undefined) return out.take();
  const begin = beginMessage(out, 1);
  uintField(out, 1, partial.rejectedDataPoints);
  stringField(out, 2, partial.errorMessage);
  endMessage(out, begin);
  return out.take();
}
