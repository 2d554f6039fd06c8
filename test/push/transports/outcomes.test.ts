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

const inJson = (body: string): SinkAnswer => ({ status: 200, headers: { 'content-type': 'application/json' }, body });

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
      outcome: {
        status: 'retryable',
        code: 'UNKNOWN',
        message: '200 with a web page (text/html): is this an OTLP endpoint?',
      },
    },
  },
  'a redirect': {
    grpc: {
      answer: {
        status: 302,
        headers: { location: 'https://u:p@login.test:8443/in?token=1#x' },
        body: '<h1>Moved</h1>',
      },
      outcome: {
        status: 'permanent',
        code: '302',
        message: 'it redirects to https://login.test:8443/in, and is not followed',
      },
    },
    'http/protobuf': {
      answer: {
        status: 302,
        headers: { location: 'https://u:p@login.test:8443/in?token=1#x' },
        body: '<h1>Moved</h1>',
      },
      outcome: {
        status: 'permanent',
        code: '302',
        message: 'it redirects to https://login.test:8443/in, and is not followed',
      },
    },
  },
  'a refusal without a word': {
    grpc: {
      answer: { status: 7, headers: {} },
      outcome: { status: 'permanent', code: 'PERMISSION_DENIED', message: 'no reason is given' },
    },
    'http/protobuf': {
      answer: { status: 403, body: '' },
      outcome: { status: 'permanent', code: '403', message: 'Forbidden' },
    },
  },
};

const httpOnly: Record<string, Case> = {
  'a redirect to nowhere': {
    answer: { status: 307, body: '' },
    outcome: { status: 'permanent', code: '307', message: 'Temporary Redirect' },
  },
  'a web page without an end': {
    answer: { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: 'x'.repeat(5_000_000) },
    outcome: {
      status: 'retryable',
      code: 'UNKNOWN',
      message: '200 with a web page (text/html; charset=utf-8): is this an OTLP endpoint?',
    },
  },
  'a web page with nothing in it': {
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '' },
    outcome: sent,
  },
  'a word that is called a web page': {
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: 'ok' },
    outcome: { ...sent, message: "the receiver's answer cannot be read: it is text/html" },
  },
  'a short web page': {
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Log in</p>' },
    outcome: {
      status: 'retryable',
      code: 'UNKNOWN',
      message: '200 with a web page (text/html): is this an OTLP endpoint?',
    },
  },
  'an accepting answer in plain text': {
    answer: { status: 202, headers: { 'content-type': 'text/plain' }, body: 'ok' },
    outcome: { ...sent, message: "the receiver's answer cannot be read: it is text/plain" },
  },
  'no content': { answer: { status: 204, body: '' }, outcome: sent },
  'a success in JSON': { answer: inJson('{}'), outcome: sent },
  'a success in JSON, with what nobody asked for': {
    answer: inJson('{"code":0,"partialSuccess":null}'),
    outcome: sent,
  },
  'a success in JSON that is nothing': { answer: inJson('null'), outcome: sent },
  'a partial success in JSON': {
    answer: inJson('{"partialSuccess":{"rejectedDataPoints":"5","errorMessage":"too\\nold"}}'),
    outcome: { ...sent, rejectedPoints: 5, message: 'too old' },
  },
  'a partial success in JSON, with a number': {
    answer: inJson('{"partialSuccess":{"rejectedDataPoints":7}}'),
    outcome: { ...sent, rejectedPoints: 7 },
  },
  'a partial success in JSON that makes no sense': {
    answer: inJson('{"partialSuccess":{"rejectedDataPoints":"many","errorMessage":{}}}'),
    outcome: sent,
  },
  'what is called JSON, and is none': {
    answer: inJson('{'),
    outcome: { ...sent, message: "the receiver's answer cannot be read: it is not JSON, though it says so" },
  },
  'a time to wait that is a date': {
    answer: { status: 503, headers: { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' } },
    outcome: { status: 'retryable', code: '503', message: 'Service Unavailable', retryAfterMs: 0 },
  },
  'a time to wait in the body': {
    answer: { status: 503, retryAfterMs: 1_500 },
    outcome: { status: 'retryable', code: '503', message: 'Service Unavailable', retryAfterMs: 1_500 },
  },
  'a refusal in plain text': {
    answer: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'out of\r\nbounds' },
    outcome: { status: 'permanent', code: '400', message: 'out of bounds' },
  },
  'a refusal that is no google.rpc.Status': {
    answer: { status: 500, body: Buffer.from([0xff, 0xff, 0xff]) },
    outcome: { status: 'permanent', code: '500', message: 'Internal Server Error' },
  },
  'a refusal without end': {
    answer: { status: 502, headers: { 'content-type': 'text/html' }, body: 'x'.repeat(100_000) },
    outcome: { status: 'retryable', code: '502', message: 'Bad Gateway' },
  },
  'a request that is too large for the Collector': {
    answer: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'http: request body too large' },
    outcome: { status: 'too_large', code: '400', message: 'http: request body too large' },
  },
};

const grpcOnly: Record<string, Case> = {
  'a refusal of a proxy': {
    answer: { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' },
    outcome: { status: 'retryable', code: '502', message: 'Bad Gateway' },
  },
  'a refusal of a proxy until a time': {
    answer: { status: 429, headers: { 'retry-after': '7' }, body: '' },
    outcome: { status: 'retryable', code: '429', message: 'Too Many Requests', retryAfterMs: 7_000 },
  },
  'a refusal of a proxy for good': {
    answer: { status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>Forbidden</h1>' },
    outcome: { status: 'permanent', code: '403', message: 'Forbidden' },
  },
  'a proxy for which the request is too large': {
    answer: { status: 413, headers: { 'content-type': 'text/html' }, body: '<h1>413 Request Entity Too Large</h1>' },
    outcome: { status: 'too_large', code: '413', message: 'Payload Too Large' },
  },
  'a success of HTTP alone': {
    answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: '' },
    outcome: { status: 'retryable', code: 'UNKNOWN', message: 'what answers there does not speak gRPC' },
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
