import { errors as undiciErrors } from 'undici';
import type { Outcome } from './outcome.ts';

/**
 * Everything that ends a request other than the upstream's own answer: the `error.type` attribute, the status and sentence of
 * our answer where one can still be given, the RFC 9209 `Proxy-Status` error where that has a word, and the outcome.
 */
export const proxyErrors = {
  malformed_request: {
    status: 400,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The request is not valid HTTP/1.1',
  },
  unsupported_transfer_coding: {
    status: 501,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The only transfer coding that is supported is chunked',
  },
  malformed_path: {
    status: 400,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The path must start with a slash, be percent-encoded UTF-8 and hold no dot segments',
  },
  no_route: {
    status: 404,
    outcome: 'rejected',
    proxyStatus: 'destination_not_found',
    message: 'No upstream takes requests of this host, path and model',
  },
  method_not_allowed: {
    status: 405,
    outcome: 'rejected',
    proxyStatus: 'http_request_denied',
    message: 'CONNECT is not supported',
  },
  request_header_timeout: {
    status: 408,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The head of the request took longer than limits.request_header_timeout',
  },
  request_header_too_large: {
    status: 431,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The head of the request is larger than limits.header_size, or has too many lines',
  },
  requests_in_flight: {
    status: 503,
    outcome: 'rejected',
    proxyStatus: 'connection_limit_reached',
    message: 'As many requests as limits.requests_in_flight allows are in flight',
  },
  request_body_too_large: {
    status: 413,
    outcome: 'rejected',
    proxyStatus: 'http_request_error',
    message: 'The body of the request is larger than limits.request_body_size',
  },
  queue_full: {
    status: 503,
    outcome: 'rejected',
    proxyStatus: 'connection_limit_reached',
    message: 'As many requests as queue.max_size allows wait for the upstream',
  },
  queue_timeout: {
    status: 503,
    outcome: 'rejected',
    proxyStatus: 'connection_limit_reached',
    message: 'The request waited longer than queue.timeout for the upstream',
  },
  request_body_timeout: {
    status: 408,
    outcome: 'aborted',
    proxyStatus: 'http_request_error',
    message: 'No part of the request body arrived for timeouts.idle',
  },
  upstream_unreachable: {
    status: 502,
    outcome: 'failure',
    proxyStatus: 'destination_unavailable',
    message: 'No connection to the upstream',
  },
  upstream_connect_timeout: {
    status: 504,
    outcome: 'failure',
    proxyStatus: 'connection_timeout',
    message: 'Connecting to the upstream took longer than timeouts.connect',
  },
  upstream_response_timeout: {
    status: 504,
    outcome: 'failure',
    proxyStatus: 'http_response_timeout',
    message: 'The head of the response took longer than timeouts.response_headers',
  },
  upstream_idle_timeout: {
    status: 504,
    outcome: 'failure',
    proxyStatus: 'connection_read_timeout',
    message: 'No part of the response arrived for timeouts.idle',
  },
  upstream_closed: {
    status: 502,
    outcome: 'failure',
    proxyStatus: 'connection_terminated',
    message: 'The upstream closed the connection before its response was complete',
  },
  upstream_malformed_response: {
    status: 502,
    outcome: 'failure',
    proxyStatus: 'http_protocol_error',
    message: "The upstream's response is not valid HTTP/1.1, or its head is larger than limits.header_size",
  },
  shutdown: {
    status: 504,
    outcome: 'failure',
    proxyStatus: 'http_response_timeout',
    message: 'The gateway is shutting down, and shutdown.timeout came before the response was complete',
  },
  downstream_timeout: {
    status: 499,
    outcome: 'aborted',
    proxyStatus: undefined,
    message: 'The downstream took no part of the response for timeouts.idle',
  },
  downstream_closed: {
    status: 499,
    outcome: 'aborted',
    proxyStatus: undefined,
    message: 'The downstream closed the connection before the response was complete',
  },
} as const satisfies Record<
  string,
  { status: number; outcome: Outcome; proxyStatus: string | undefined; message: string }
>;

export type ProxyErrorCode = keyof typeof proxyErrors;

/** How far a request had come: it had no connection, it had one, or the head of its response had come. */
export type Reached = 'nobody' | 'connection' | 'response';

/**
 * Sorts what undici and the sockets below it report. Without a connection, what is unknown (a refusal, a name that does not resolve, a
 * certificate that is not trusted) means that the upstream could not be reached, and with one that the connection broke.
 */
export function codeOfUpstreamError(error: Error & { code?: unknown }, reached: Reached): ProxyErrorCode {
  switch (error.code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'upstream_connect_timeout';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'upstream_response_timeout';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'upstream_idle_timeout';
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return 'malformed_request';
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      // Of a head that contradicts itself, or of a body that ends before it is whole.
      return reached === 'response' ? 'upstream_closed' : 'upstream_malformed_response';
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'ERR_INVALID_CHAR':
      return 'upstream_malformed_response';
    default:
      // undici gives a code only to some of what its parser reports.
      if (error instanceof undiciErrors.HTTPParserError) return 'upstream_malformed_response';
      if (reached === 'nobody') return 'upstream_unreachable';
      // An interim response that nobody asked for.
      return /^bad (response|upgrade)$/.test(error.message) ? 'upstream_malformed_response' : 'upstream_closed';
  }
}

/**
 * Sorts what Node's HTTP parser reports; undefined means that the connection broke or ended in the middle, and nobody is there to be
 * answered. The two are one here, since a reset looks like an end to Node 22.
 */
export function codeOfParserError(error: Error & { code?: unknown }): ProxyErrorCode | undefined {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'request_header_too_large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_header_timeout';
  if (error.code === 'HPE_INVALID_EOF_STATE') return undefined;
  return typeof error.code === 'string' && error.code.startsWith('HPE_') ? 'malformed_request' : undefined;
}

/** The body of our own answers: `error` is a sentence, as the Open Inference Protocol has it, `code` is stable. */
export function errorBody(code: ProxyErrorCode): string {
  return JSON.stringify({ error: proxyErrors[code].message, code });
}

/** The headers of our own answers, flat. */
export function errorHeaders(code: ProxyErrorCode, body: string): string[] {
  const { status, proxyStatus } = proxyErrors[code];
  const headers = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))];
  if (proxyStatus !== undefined) headers.push('proxy-status', `metergate; error=${proxyStatus}`);
  if (status === 503) headers.push('retry-after', '1');
  return headers;
}
