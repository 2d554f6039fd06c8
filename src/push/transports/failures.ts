import { STATUS_CODES } from 'node:http';
import type { SendOutcome } from './transport.ts';

/** By number. Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const GRPC_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** RESOURCE_EXHAUSTED is not among them: only with RetryInfo may it pass. */
const RETRYABLE_GRPC = ['CANCELLED', 'DEADLINE_EXCEEDED', 'ABORTED', 'OUT_OF_RANGE', 'UNAVAILABLE', 'DATA_LOSS'];

const RETRYABLE_HTTP = [429, 502, 503, 504];

/**
 * No code says that a message is too large, so the words of grpc-go, grpc-node and C++, of grpc-java and .NET, and of tonic do. That one
 * has OUT_OF_RANGE for it, and a batch that was tried again for that would be tried for ever.
 */
const TOO_LARGE_GRPC =
  /larger than max|exceeds (the )?maximum( configured message)? size|message length too large|size limit, of \d+ bytes, exceeded/i;

/** The Collector's HTTP receiver answers 400 where a 413 is meant: https://pkg.go.dev/net/http#MaxBytesReader */
const TOO_LARGE_HTTP = /request body too large/i;

const RETRY_AFTER_MAX_MS = 3_600_000;

const NO_REASON = 'no reason is given';

type Failed = Exclude<SendOutcome, { status: 'sent' }>;

/** What the receiver said. */
export interface Refusal {
  /** Empty = nothing; then the status is put into words. */
  readonly message: string;
  /** From RetryInfo or `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * @param number a status that the receiver sent; not OK.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#failures, and #otlpgrpc-throttling for RESOURCE_EXHAUSTED
 */
export function grpcFailure(number: number, { message: said, retryAfterMs }: Refusal): Failed {
  const message = said || NO_REASON;
  // Whoever receives a code that is not in the list has to take it for UNKNOWN.
  const code = GRPC_CODES[number] ?? 'UNKNOWN';
  const isFull = code === 'RESOURCE_EXHAUSTED';
  if ((isFull || code === 'OUT_OF_RANGE') && TOO_LARGE_GRPC.test(message))
    return { status: 'too_large', code, message };
  if (RETRYABLE_GRPC.includes(code) || (isFull && retryAfterMs !== undefined))
    return retryable(code, message, retryAfterMs);
  return { status: 'permanent', code, message };
}

/**
 * @param status of HTTP, not 2xx.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#failures-1
 */
export function httpFailure(status: number, { message: said, retryAfterMs }: Refusal): Failed {
  const code = String(status);
  const message = said || (STATUS_CODES[status] ?? NO_REASON);
  if (status === 413 || (status === 400 && TOO_LARGE_HTTP.test(message))) return { status: 'too_large', code, message };
  if (RETRYABLE_HTTP.includes(status)) return retryable(code, message, retryAfterMs);
  return { status: 'permanent', code, message };
}

/**
 * The receiver did not say anything that could be understood: it refused nothing. That is so with a certificate that has expired too, and
 * such things get repaired.
 *
 * @param code `code` of an error of Node.js, or the status of a proxy on the way; whatever is neither becomes `ERROR`.
 */
export function noAnswer(code: unknown, message: string): Failed {
  const isCode = typeof code === 'string' && /^([A-Z][A-Z\d_]{1,63}|\d{3})$/.test(code);
  return retryable(isCode ? code : 'ERROR', message || NO_REASON);
}

/** Of whoever does not want the answer any more. */
export const CANCELLED = { status: 'retryable', code: 'CANCELLED', message: 'it was given up' } as const;

/**
 * A redirect is not followed: it would take the batch, and the headers with it, to where nobody sent it.
 *
 * @param location as it came; what may be secret in it is left out. @param endpoint to which it is relative.
 * @returns in words where it leads, not cleaned; undefined where that is not said.
 */
export function redirectText(location: unknown, endpoint: string): string | undefined {
  const url = typeof location === 'string' ? URL.parse(location, endpoint) : null;
  return url === null ? undefined : `it redirects to ${url.protocol}//${url.host}${url.pathname}, and is not followed`;
}

function retryable(code: string, message: string, retryAfterMs?: number): Failed {
  if (retryAfterMs === undefined) return { status: 'retryable', code, message };
  // A receiver that asks for a day, by mistake or by its clock, has a new try in an hour.
  return { status: 'retryable', code, message, retryAfterMs: Math.min(Math.max(retryAfterMs, 0), RETRY_AFTER_MAX_MS) };
}

/**
 * @param field `Retry-After`: whole seconds, or an HTTP-date. @returns undefined if it is neither.
 *
 * Source: RFC 9110, 10.2.3
 */
export function readRetryAfter(field: unknown, nowMs: number): number | undefined {
  if (typeof field !== 'string') return undefined;
  if (/^\d+$/.test(field)) return Number(field) * 1_000;
  const dateMs = /^[A-Z][a-z]+,? /.test(field) ? Date.parse(field) : NaN;
  return Number.isNaN(dateMs) ? undefined : dateMs - nowMs;
}
