import { ProtobufReader } from './protobuf-reader.ts';

/** Why a receiver did not take a request. */
export interface RpcStatus {
  /** Of gRPC; 0 where none is said. */
  readonly code: number;
  readonly message: string;
  /** Not there = the receiver does not say that it may be tried again. */
  readonly retryAfterMs?: number;
}

const RETRY_INFO = /(?:^|\/)google\.rpc\.RetryInfo$/;

/** What a `google.protobuf.Duration` can be, 10,000 years. */
const DURATION_MAX_MS = 315_576_000_000 * 1e3;

/**
 * Decodes a `google.rpc.Status`, which comes as `grpc-status-details-bin` or as the body of an HTTP error, with the delay of the first
 * `google.rpc.RetryInfo` in its details. Negative delays are none.
 *
 * @throws ProtobufError; also for a body that is something else, as most of those from proxies are.
 *
 * Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/{status,error_details}.proto; OTLP specification, "failures"
 */
export function decodeRpcStatus(bytes: Uint8Array): RpcStatus {
  const reader = new ProtobufReader(bytes);
  let code = 0;
  let message = '';
  let retryAfterMs: number | undefined;
  reader.fields((field) => {
    if (field === 1) code = reader.int64();
    else if (field === 2) message = reader.string();
    else if (field === 3) {
      const delayMs = readDetail(reader);
      retryAfterMs ??= delayMs;
    }
  });
  return { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** @returns the delay, if the detail is a RetryInfo. */
function readDetail(reader: ProtobufReader): number | undefined {
  let url = '';
  let value: Uint8Array | undefined;
  reader.message((field) => {
    if (field === 1) url = reader.string();
    else if (field === 2) value = reader.bytes();
  });
  return RETRY_INFO.test(url) ? readRetryInfo(new ProtobufReader(value ?? new Uint8Array(0))) : undefined;
}

function readRetryInfo(reader: ProtobufReader): number {
  let delayMs = 0;
  const onDuration = (field: number): void => {
    if (field === 1) delayMs += reader.int64() * 1e3;
    else if (field === 2) delayMs += reader.int64() / 1e6;
  };
  reader.fields((field) => {
    if (field === 1) reader.message(onDuration);
  });
  return Math.min(Math.max(delayMs, 0), DURATION_MAX_MS);
}
