// How an attempt ends, by what a receiver does: by both protocols, over real connections.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { SendOutcome } from '../../../src/push/transports/transport.ts';
import type { SinkAnswer } from '../../support/otlp-sink.ts';
import { freePort } from '../../support/processes.ts';
import { protocols, startSending, type Protocol } from './sending.ts';

interface Case {
  readonly answer: SinkAnswer;
  /** Without a message where it is the words of a library. */
  readonly outcome: SendOutcome | { readonly status: SendOutcome['status']; readonly code?: string };
}

const sent = { status: 'sent', rejectedPoints: 0, message: '' } as const;

const both: Record<string, Record<Protocol, Case>> = {
  'a success': {
    grpc: { answer: 'accept', outcome: sent },
    'http/protobuf': { answer: 'accept', outcome: sent },
  },
  'a success that comes late': {
    grpc: { answer: { delayMs: 30, then: 'accept' }, outcome: sent },
    'http/protobuf': { answer: { delayMs: 30, then: 'accept' }, outcome: sent },
  },
  'a partial success': {
    grpc: {
      answer: { rejectedPoints: 3, message: 'too\nold' },
      outcome: { ...sent, rejectedPoints: 3, message: 'too old' },
    },
    'http/protobuf': {
      answer: { rejectedPoints: 300, message: 'bad name' },
      outcome: { ...sent, rejectedPoints: 300, message: 'bad name' },
    },
  },
  'a warning': {
    grpc: { answer: { rejectedPoints: 0, message: 'use v2' }, outcome: { ...sent, message: 'use v2' } },
    'http/protobuf': { answer: { rejectedPoints: 0, message: 'use v2' }, outcome: { ...sent, message: 'use v2' } },
  },
  'an accepting answer that is no message': {
    grpc: { answer: 'garbage', outcome: { status: 'sent' } },
    'http/protobuf': { answer: 'garbage', outcome: { status: 'sent' } },
  },
  'an accepting answer without end': {
    grpc: { answer: 'endless', outcome: { status: 'sent' } },
    'http/protobuf': { answer: 'endless', outcome: { status: 'sent' } },
  },
  'an accepting answer without a message': {
    grpc: { answer: 'no_message', outcome: { status: 'sent' } },
    'http/protobuf': { answer: 'no_message', outcome: sent },
  },
  'a refusal for now': {
    grpc: {
      answer: 'refuse',
      outcome: { status: 'retryable', code: 'UNAVAILABLE', message: 'try again later' },
    },
    'http/protobuf': { answer: 'refuse', outcome: { status: 'retryable', code: '503', message: 'try again later' } },
  },
  'a refusal until a time': {
    grpc: {
      answer: { status: 8, message: 'full', retryAfterMs: 2_500 },
      outcome: { status: 'retryable', code: 'RESOURCE_EXHAUSTED', message: 'full', retryAfterMs: 2_500 },
    },
    'http/protobuf': {
      answer: { status: 429, message: 'full', headers: { 'retry-after': '120' } },
      outcome: { status: 'retryable', code: '429', message: 'full', retryAfterMs: 120_000 },
    },
  },
  'a refusal for good': {
    grpc: {
      answer: { status: 3, message: 'no such tenant: ü' },
      outcome: { status: 'permanent', code: 'INVALID_ARGUMENT', message: 'no such tenant: ü' },
    },
    'http/protobuf': {
      answer: { status: 400, message: 'no such tenant: ü' },
      outcome: { status: 'permanent', code: '400', message: 'no such tenant: ü' },
    },
  },
  'a refusal that repeats our credentials': {
    grpc: {
      answer: { status: 16, message: 'unknown token sesame-open' },
      outcome: { status: 'permanent', code: 'UNAUTHENTICATED', message: 'unknown token ***' },
    },
    'http/protobuf': {
      answer: { status: 401, message: 'unknown token sesame-open' },
      outcome: { status: 'permanent', code: '401', message: 'unknown token ***' },
    },
  },
  'a reset in the middle of the request': {
    grpc: { answer: 'reset_request', outcome: { status: 'retryable', code: 'UNAVAILABLE' } },
    'http/protobuf': { answer: 'reset_request', outcome: { status: 'retryable', code: 'ECONNRESET' } },
  },
  'a reset before the answer': {
    grpc: { answer: 'reset_answer', outcome: { status: 'retryable', code: 'UNAVAILABLE' } },
    'http/protobuf': { answer: 'reset_answer', outcome: { status: 'retryable', code: 'ECONNRESET' } },
  },
  'an end of the connection instead of the answer': {
    grpc: { answer: 'half_close', outcome: { status: 'retryable', code: 'UNAVAILABLE' } },
    'http/protobuf': { answer: 'half_close', outcome: { status: 'retryable', code: 'UND_ERR_SOCKET' } },
  },
  'bytes that are not the protocol': {
    grpc: { answer: 'garbled', outcome: { status: 'retryable', code: 'INTERNAL' } },
    'http/protobuf': { answer: 'garbled', outcome: { status: 'retryable' } },
  },
  'an end without a status': {
    grpc: { answer: 'no_status', outcome: { status: 'retryable', code: 'INTERNAL' } },
    'http/protobuf': { answer: 'no_status', outcome: { status: 'retryable', code: 'UND_ERR_SOCKET' } },
  },
  'no answer in time': {
    grpc: { answer: 'hang', outcome: { status: 'retryable', code: 'DEADLINE_EXCEEDED' } },
    'http/protobuf': {
      answer: 'hang',
      outcome: { status: 'retryable', code: 'ETIMEDOUT', message: 'no answer within 400 ms' },
    },
  },
  'a connection that is not read any more': {
    grpc: { answer: 'freeze', outcome: { status: 'retryable', code: 'DEADLINE_EXCEEDED' } },
    'http/protobuf': { answer: 'freeze', outcome: { status: 'retryable', code: 'ETIMEDOUT' } },
  },
  'a web page': {
    // A status of gRPC is at its end or nowhere; one of HTTP is there, and it is 200.
    grpc: { answer: 'web_page', outcome: { status: 'retryable', code: 'UNKNOWN' } },
    'http/protobuf': {
      answer: 'web_page',
      outcome: { ...sent, message: "the receiver's answer cannot be read: it is text/html" },
    },
  },
};

const httpOnly: Record<string, Case> = {
  'a redirect': {
    answer: { status: 307, headers: { location: '/elsewhere' }, body: '' },
    outcome: { status: 'permanent', code: '307', message: '' },
  },
  'a time to wait that is a date': {
    answer: { status: 503, headers: { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' } },
    outcome: { status: 'retryable', code: '503', message: '', retryAfterMs: 0 },
  },
  'a time to wait in the body': {
    answer: { status: 503, retryAfterMs: 1_500 },
    outcome: { status: 'retryable', code: '503', message: '', retryAfterMs: 1_500 },
  },
  'a refusal in plain text': {
    answer: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'out of\r\nbounds' },
    outcome: { status: 'permanent', code: '400', message: 'out of bounds' },
  },
  'a refusal that is no google.rpc.Status': {
    answer: { status: 500, body: Buffer.from([0xff, 0xff, 0xff]) },
    outcome: { status: 'permanent', code: '500', message: '' },
  },
  'a refusal without end': {
    answer: { status: 502, headers: { 'content-type': 'text/html' }, body: 'x'.repeat(100_000) },
    outcome: { status: 'retryable', code: '502', message: '' },
  },
  'a request that is too large for the Collector': {
    answer: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'http: request body too large' },
    outcome: { status: 'too_large', code: '400', message: 'http: request body too large' },
  },
};

const grpcOnly: Record<string, Case> = {
  'a refusal of a proxy': {
    answer: { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' },
    outcome: { status: 'retryable', code: 'UNAVAILABLE', message: 'Received HTTP status code 502' },
  },
  'a RetryInfo that cannot be read': {
    answer: { status: 8, message: 'full', headers: { 'grpc-status-details-bin': '////' } },
    outcome: { status: 'permanent', code: 'RESOURCE_EXHAUSTED', message: 'full' },
  },
};

for (const protocol of protocols) {
  describe(`${protocol}: an attempt ends by`, () => {
    const own = protocol === 'grpc' ? grpcOnly : httpOnly;
    const cases = Object.entries(both).map(([name, each]) => [name, each[protocol]] as const);
    for (const [name, { answer, outcome }] of [...cases, ...Object.entries(own)]) {
      it(name, async (t) => {
        const { sink, send } = await startSending(t, protocol, {
          headers: { authorization: 'Bearer sesame-open' },
          timeoutMs: answer === 'hang' || answer === 'freeze' ? 400 : 5_000,
        });
        sink.next(answer);
        const payload = randomBytes(200_000);
        const ended = await send(payload);
        if ('message' in outcome) assert.deepEqual(ended, outcome);
        else {
          assert.partialDeepStrictEqual(ended, outcome);
          assert.ok(ended.message.length > 0 && ended.message.length < 400);
        }
        assert.ok(sink.exports.length <= 1);
        for (const { messageBytes } of sink.exports) assert.ok(payload.equals(messageBytes));

        assert.deepEqual(await send(), sent, 'the next');
        assert.equal(sink.exports.at(-1)?.accepted, true);
      });
    }

    it('a batch that is too large, as it is on the wire', async (t) => {
      const { sink, send } = await startSending(t, protocol, { compression: 'gzip' });
      sink.requestBytesMax = 1_000;
      const code = protocol === 'grpc' ? 'RESOURCE_EXHAUSTED' : '413';
      assert.partialDeepStrictEqual(await send(randomBytes(2_000)), { status: 'too_large', code });
      assert.deepEqual(await send(Buffer.alloc(2_000)), sent);
    });

    it('nobody who listens', async (t) => {
      const { send } = await startSending(t, protocol, { endpoint: `http://127.0.0.1:${await freePort()}/v1/metrics` });
      const outcome = await send();
      assert.partialDeepStrictEqual(outcome, {
        status: 'retryable',
        code: protocol === 'grpc' ? 'UNAVAILABLE' : 'ECONNREFUSED',
      });
      assert.match(outcome.message, /ECONNREFUSED/);
    });

    it('a name that nobody has', async (t) => {
      const { send } = await startSending(t, protocol, { endpoint: 'http://metergate.invalid:4317' });
      const outcome = await send();
      assert.equal(outcome.status, 'retryable');
      assert.match(outcome.message, /metergate\.invalid/);
    });
  });
}
