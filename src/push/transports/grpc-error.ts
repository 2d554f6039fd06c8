import { status as statuses, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { decodeRpcStatus } from '../../otlp/rpc-status.ts';
import { grpcFailure, httpFailure, noAnswer, readRetryAfter, redirectText } from './failures.ts';
import type { TextCleaner } from './receiver-text.ts';
import { ANSWER_BYTES_MAX, unreadable } from './response.ts';
import { tlsAdvice } from './tls-advice.ts';
import type { SendOutcome, TransportOptions } from './transport.ts';

/** One byte more than anybody would set, so that a receiver's words about its own limit are not taken for ours. */
export const RECEIVE_BYTES_MAX = ANSWER_BYTES_MAX + 1;

/** What the library says when it cannot read what the receiver answered, though it did answer. */
const UNREADABLE = new RegExp(
  `^(Received message larger than max \\(\\d+ vs ${RECEIVE_BYTES_MAX}\\)|Received message that decompresses to|` +
    'Failed to decompress|Received compressed message but|Too many responses received|No message received)',
);

const NO_CONNECTION = 'No connection established';

/** Statuses that it makes up when a stream ends without one. */
const MADE_UP =
  /^(Received RST_STREAM with code|Bandwidth exhausted or memory limit exceeded$|Protocol not secure enough$|No status information received$|Write error: |Write failed with error |Failed to start HTTP\/2 stream)/;

export interface Answered {
  /** What came before any message. */
  readonly head: Metadata | undefined;
  readonly options: TransportOptions;
  readonly clean: TextCleaner;
}

/** What an error of the library means: of a receiver, of a proxy on the way, or of nobody. */
export function grpcErrorOutcome(error: ServiceError, answered: Answered): SendOutcome {
  const { code, details, metadata } = error;
  const { head, options, clean } = answered;
  const status = Number(/^Received HTTP status code (\d{3})$/.exec(details)?.[1]);
  if (status >= 300) return httpAnswer(status, error, answered);
  // The library takes a web page for a message of gRPC.
  const type = head?.get('content-type')[0] ?? 'application/grpc';
  if (status < 300 || !type.toString().startsWith('application/grpc'))
    return noAnswer('UNKNOWN', 'what answers there does not speak gRPC');
  // Where the name was no trouble, the library leaves the place for that empty.
  const message = clean(details.replace(/\.? Resolution note: $/, ''));
  if (UNREADABLE.test(details)) return unreadable(message);
  if (isMadeUp(error)) return noAnswer(statuses[code], message);
  const advice = details.startsWith(NO_CONNECTION) ? tlsAdvice({ message }, options) : '';
  return grpcFailure(code, { message: message + advice, retryAfterMs: retryInfoOf(metadata) });
}

/** Whether the status is none that was received: a stream has ended without one. */
export function isMadeUp({ details }: ServiceError): boolean {
  return MADE_UP.test(details);
}

/** A proxy on the way said so. What the library makes of it is not what OTLP does: 413 would be a refusal for good. */
function httpAnswer(status: number, { metadata }: ServiceError, { head, options, clean }: Answered): SendOutcome {
  const fields = head ?? metadata;
  const redirect = status < 400 ? redirectText(fields.get('location')[0], options.endpoint) : undefined;
  const retryAfterMs = readRetryAfter(fields.get('retry-after')[0], Date.now());
  return httpFailure(status, { message: clean(redirect ?? ''), retryAfterMs });
}

function retryInfoOf(metadata: Metadata): number | undefined {
  const [details] = metadata.get('grpc-status-details-bin');
  if (!(details instanceof Buffer)) return undefined;
  try {
    return decodeRpcStatus(details).retryAfterMs;
  } catch {
    // What it cannot say, it does not ask for.
    return undefined;
  }
}
