import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  grpcFailure,
  httpFailure,
  noAnswer,
  readRetryAfter,
  redirectText,
} from '../../../src/push/transports/failures.ts';

describe('a status of gRPC', () => {
  const statuses: Record<string, readonly [number: number, status: 'retryable' | 'permanent']> = {
    CANCELLED: [1, 'retryable'],
    UNKNOWN: [2, 'permanent'],
    INVALID_ARGUMENT: [3, 'permanent'],
    DEADLINE_EXCEEDED: [4, 'retryable'],
    NOT_FOUND: [5, 'permanent'],
    ALREADY_EXISTS: [6, 'permanent'],
    PERMISSION_DENIED: [7, 'permanent'],
    RESOURCE_EXHAUSTED: [8, 'permanent'],
    FAILED_PRECONDITION: [9, 'permanent'],
    ABORTED: [10, 'retryable'],
    OUT_OF_RANGE: [11, 'retryable'],
    UNIMPLEMENTED: [12, 'permanent'],
    INTERNAL: [13, 'permanent'],
    UNAVAILABLE: [14, 'retryable'],
    DATA_LOSS: [15, 'retryable'],
    UNAUTHENTICATED: [16, 'permanent'],
  };
  for (const [code, [number, status]] of Object.entries(statuses)) {
    it(`${code} is ${status}`, () =>
      assert.deepEqual(grpcFailure(number, { message: 'why' }), { status, code, message: 'why' }));
  }

  it('that nobody knows is UNKNOWN', () =>
    assert.deepEqual(grpcFailure(99, { message: 'why' }), { status: 'permanent', code: 'UNKNOWN', message: 'why' }));

  it('has words where nothing is said', () =>
    assert.equal(grpcFailure(3, { message: '' }).message, 'no reason is given'));

  it('RESOURCE_EXHAUSTED is retryable if the receiver says when', () =>
    assert.deepEqual(grpcFailure(8, { message: 'later', retryAfterMs: 0 }), {
      status: 'retryable',
      code: 'RESOURCE_EXHAUSTED',
      message: 'later',
      retryAfterMs: 0,
    }));

  const tooLarge: Record<string, readonly [number: number, message: string]> = {
    'grpc-go': [8, 'grpc: received message larger than max (5242880 vs. 4194304)'],
    'grpc-go, compressed': [8, 'grpc: received message after decompression larger than max 4194304'],
    'grpc-node': [8, 'Received message larger than max (5242880 vs 4194304)'],
    'C++ and Python': [8, 'SERVER: Received message larger than max (5242880 vs. 4194304)'],
    'grpc-java': [8, 'gRPC message exceeds maximum size 4194304: 5242880'],
    'grpc-java, compressed': [8, 'Decompressed gRPC message exceeds maximum size 4194304'],
    '.NET': [8, 'Received message exceeds the maximum configured message size.'],
    tonic: [11, 'Error, decoded message length too large: found 5242880 bytes, the limit is: 4194304 bytes'],
    'tonic, compressed': [8, 'Error decompressing: size limit, of 4194304 bytes, exceeded while decompressing message'],
  };
  for (const [receiver, [number, message]] of Object.entries(tooLarge)) {
    it(`means a message that is too large, in the words of ${receiver}`, () =>
      assert.equal(grpcFailure(number, { message, retryAfterMs: 5 }).status, 'too_large'));
  }

  const notTooLarge: Record<string, readonly [number: number, message: string]> = {
    'a rate': [8, 'message rate exceeded for tenant 7'],
    'another code': [14, 'grpc: received message larger than max (5242880 vs. 4194304)'],
    'a quota': [8, 'quota of 4194304 bytes per second exceeded'],
  };
  for (const [what, [number, message]] of Object.entries(notTooLarge)) {
    it(`does not mean a message that is too large with ${what}`, () =>
      assert.notEqual(grpcFailure(number, { message }).status, 'too_large'));
  }
});

describe('a status of HTTP', () => {
  const statuses = {
    retryable: [429, 502, 503, 504],
    too_large: [413],
    permanent: [
      300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408, 415, 418, 422, 431, 499, 500, 501, 505, 599,
    ],
  };
  for (const [status, codes] of Object.entries(statuses)) {
    for (const code of codes) {
      it(`${code} is ${status}`, () =>
        assert.deepEqual(httpFailure(code, { message: 'why' }), { status, code: String(code), message: 'why' }));
    }
  }

  for (const [code, words] of [
    [401, 'Unauthorized'],
    [429, 'Too Many Requests'],
    [599, 'no reason is given'],
  ] as const) {
    it(`${code} has words where nothing is said`, () =>
      assert.equal(httpFailure(code, { message: '' }).message, words));
  }

  it('400 is too large in the words of the Collector', () =>
    assert.equal(httpFailure(400, { message: 'http: request body too large' }).status, 'too_large'));

  it('waits as long as the receiver says, an hour at most, and not if it was a time ago', () => {
    const waits = (retryAfterMs: number): unknown => {
      const outcome = httpFailure(503, { message: '', retryAfterMs });
      return outcome.status === 'retryable' && outcome.retryAfterMs;
    };
    assert.deepEqual([7_000, 1e12, Infinity, -5].map(waits), [7_000, 3_600_000, 3_600_000, 0]);
  });
});

describe('no answer', () => {
  const codes: Record<string, readonly [given: unknown, code: string]> = {
    'is named by what Node.js says': ['ECONNREFUSED', 'ECONNREFUSED'],
    'is named by what TLS says': ['CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED'],
    'is named by what undici says': ['UND_ERR_SOCKET', 'UND_ERR_SOCKET'],
    'has a name if nothing is said': [undefined, 'ERROR'],
    'has a name if what is said is no code': ['it was so "and so"\n', 'ERROR'],
    'has a name if a number is said': [7, 'ERROR'],
  };
  for (const [name, [given, code]] of Object.entries(codes)) {
    it(name, () => assert.deepEqual(noAnswer(given, 'why'), { status: 'retryable', code, message: 'why' }));
  }
});

describe('where a redirect leads', () => {
  const endpoint = 'https://receiver.test:4318/v1/metrics?key=1';
  const locations: Record<string, readonly [location: unknown, text: string | undefined]> = {
    'is elsewhere': ['http://other.test/x', 'it redirects to http://other.test/x, and is not followed'],
    'is another path': ['/login', 'it redirects to https://receiver.test:4318/login, and is not followed'],
    'is said without what may be secret': [
      'https://me:pass@other.test/x?token=1#frag',
      'it redirects to https://other.test/x, and is not followed',
    ],
    'is not said if it is no URL': ['http://[', undefined],
    'is not said if there is none': [undefined, undefined],
  };
  for (const [name, [location, text]] of Object.entries(locations)) {
    it(name, () => assert.equal(redirectText(location, endpoint), text));
  }
});

describe('Retry-After', () => {
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 30);
  const fields: Record<string, readonly [field: unknown, ms: number | undefined]> = {
    'is seconds': ['120', 120_000],
    'is none at all': ['0', 0],
    'is a date': ['Sun, 06 Nov 1994 08:49:37 GMT', 7_000],
    'is an old form of a date': ['Sunday, 06-Nov-94 08:49:37 GMT', 7_000],
    'is a date that has been': ['Sun, 06 Nov 1994 08:49:00 GMT', -30_000],
    'is not a fraction': ['1.5', undefined],
    'is not negative': ['-3', undefined],
    'is not a year': ['1994-11-06', undefined],
    'is not a word': ['Soon', undefined],
    'is not nothing': ['', undefined],
    'may not be there': [undefined, undefined],
  };
  for (const [name, [field, ms]] of Object.entries(fields)) {
    it(name, () => assert.equal(readRetryAfter(field, nowMs), ms));
  }
});
