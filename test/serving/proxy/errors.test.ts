import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { test } from 'node:test';
import {
  codeOfParserError,
  codeOfUpstreamError,
  errorBody,
  errorHeaders,
  proxyErrors,
  type ProxyErrorCode,
  type Reached,
} from '../../../src/serving/proxy/errors.ts';
import { outcomes } from '../../../src/serving/proxy/outcome.ts';

/** Nobody is there to be answered; their 499 is nginx's word for that. */
const unanswered = new Set<ProxyErrorCode>(['downstream_closed', 'downstream_timeout']);
const codes = Object.keys(proxyErrors) as ProxyErrorCode[];

/** RFC 9209 section 2.3, those that we say. */
const PROXY_STATUS_ERRORS = new Set([
  'http_request_error',
  'http_request_denied',
  'destination_not_found',
  'destination_unavailable',
  'connection_limit_reached',
  'connection_timeout',
  'connection_read_timeout',
  'connection_terminated',
  'http_response_timeout',
  'http_protocol_error',
]);

const refusedWith5xx = new Set(['requests_in_flight', 'unsupported_transfer_coding', 'queue_full', 'queue_timeout']);

test('every code has an outcome, a sentence and a status that fits the outcome', () => {
  for (const code of codes) {
    const { status, outcome, message } = proxyErrors[code];
    assert.ok((outcomes as readonly string[]).includes(outcome), code);
    assert.notEqual(outcome, 'success', code);
    assert.match(message, /^[A-Z].*[^.]$/, code);
    assert.ok(unanswered.has(code) || STATUS_CODES[status], code);
    assert.equal(status >= 500, outcome === 'failure' || refusedWith5xx.has(code), code);
  }
});

test('every answer of ours is JSON with a sentence and its code', () => {
  for (const code of codes) {
    assert.deepEqual(JSON.parse(errorBody(code)), { error: proxyErrors[code].message, code });
  }
});

test('every answer of ours names its error in Proxy-Status, its length, and for a 503 when to come back', () => {
  for (const code of codes) {
    const body = errorBody(code);
    const flat = errorHeaders(code, body);
    const headers = Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])));
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
    assert.equal(headers['retry-after'], proxyErrors[code].status === 503 ? '1' : undefined);
    const error = /^metergate; error=(\w+)$/.exec(headers['proxy-status'] ?? '')?.[1];
    if (unanswered.has(code)) assert.equal(error, undefined);
    else assert.ok(PROXY_STATUS_ERRORS.has(error ?? ''), code);
  }
});

const upstreamErrors: Record<string, { code: string; reached: Reached; is: ProxyErrorCode }> = {
  'a refused connection': { code: 'ECONNREFUSED', reached: 'nobody', is: 'upstream_unreachable' },
  'a name that does not resolve': { code: 'ENOTFOUND', reached: 'nobody', is: 'upstream_unreachable' },
  'a certificate that is not trusted': {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
    reached: 'nobody',
    is: 'upstream_unreachable',
  },
  'a reset within the exchange': { code: 'ECONNRESET', reached: 'connection', is: 'upstream_closed' },
  'a close within the exchange': { code: 'UND_ERR_SOCKET', reached: 'connection', is: 'upstream_closed' },
  'a connection that takes too long': {
    code: 'UND_ERR_CONNECT_TIMEOUT',
    reached: 'nobody',
    is: 'upstream_connect_timeout',
  },
  'a head that takes too long': {
    code: 'UND_ERR_HEADERS_TIMEOUT',
    reached: 'connection',
    is: 'upstream_response_timeout',
  },
  'a body that stalls': { code: 'UND_ERR_BODY_TIMEOUT', reached: 'connection', is: 'upstream_idle_timeout' },
  'a head that is too large': {
    code: 'UND_ERR_HEADERS_OVERFLOW',
    reached: 'connection',
    is: 'upstream_malformed_response',
  },
  'a head that cannot be passed on': {
    code: 'ERR_INVALID_CHAR',
    reached: 'connection',
    is: 'upstream_malformed_response',
  },
  'a head with two lengths': {
    code: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    reached: 'connection',
    is: 'upstream_malformed_response',
  },
  'a body that is less than its head has promised': {
    code: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    reached: 'response',
    is: 'upstream_closed',
  },
  'a request that cannot be written': { code: 'UND_ERR_INVALID_ARG', reached: 'nobody', is: 'malformed_request' },
};
for (const [name, { code, reached, is }] of Object.entries(upstreamErrors)) {
  test(`of an upstream, ${name} is ${is}`, () => {
    assert.equal(codeOfUpstreamError(Object.assign(new Error(code), { code }), reached), is);
  });
}

const parserErrors: Record<string, { code: string; is: ProxyErrorCode | undefined }> = {
  'a head that is too large': { code: 'HPE_HEADER_OVERFLOW', is: 'request_header_too_large' },
  'a head that takes too long': { code: 'ERR_HTTP_REQUEST_TIMEOUT', is: 'request_header_timeout' },
  'what the parser cannot read': { code: 'HPE_INVALID_METHOD', is: 'malformed_request' },
  'a broken connection': { code: 'ECONNRESET', is: undefined },
};
for (const [name, { code, is }] of Object.entries(parserErrors)) {
  test(`of a downstream, ${name} is ${is ?? 'not answered'}`, () => {
    assert.equal(codeOfParserError(Object.assign(new Error(code), { code })), is);
  });
}
