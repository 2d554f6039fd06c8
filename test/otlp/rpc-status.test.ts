import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProtobufError } from '../../src/otlp/protobuf-error.ts';
import { decodeRpcStatus, type RpcStatus } from '../../src/otlp/rpc-status.ts';
import { encodeMessage } from './messages.ts';

const retryInfo = (retryDelay?: object, typeUrl = 'type.googleapis.com/google.rpc.RetryInfo'): object => ({
  typeUrl,
  value: encodeMessage('RetryInfo', { retryDelay }),
});
const other = { typeUrl: 'type.googleapis.com/google.rpc.DebugInfo', value: Uint8Array.of(0xff, 0xff) };

describe('a status', () => {
  const cases: Record<string, { status: object; is: RpcStatus }> = {
    'may say nothing': { status: {}, is: { code: 0, message: '' } },
    'has a code and a message': {
      status: { code: 8, message: 'too much – later' },
      is: { code: 8, message: 'too much – later' },
    },
    'says when it may be tried again': {
      status: { code: 14, details: [other, retryInfo({ seconds: 3, nanos: 500_000_000 })] },
      is: { code: 14, message: '', retryAfterMs: 3_500 },
    },
    'may say that at once': { status: { details: [retryInfo()] }, is: { code: 0, message: '', retryAfterMs: 0 } },
    'has the first delay of several': {
      status: { details: [retryInfo({ nanos: 1_000_000 }), retryInfo({ seconds: 9 })] },
      is: { code: 0, message: '', retryAfterMs: 1 },
    },
    'has no negative delay': {
      status: { details: [retryInfo({ seconds: -5, nanos: -1 })] },
      is: { code: 0, message: '', retryAfterMs: 0 },
    },
    'has no delay beyond what a duration is': {
      status: { details: [retryInfo({ seconds: '9223372036854775807' })] },
      is: { code: 0, message: '', retryAfterMs: 315_576_000_000_000 },
    },
    'has no delay of a detail of another kind': {
      status: { details: [retryInfo({ seconds: 1 }, 'x/not.google.rpc.RetryInfo'), other] },
      is: { code: 0, message: '' },
    },
  };
  for (const [what, { status, is }] of Object.entries(cases)) {
    it(what, () => assert.deepEqual(decodeRpcStatus(encodeMessage('Status', status)), is));
  }

  it('of any bytes is one, or an error of decoding', () => {
    const mutilated = fc
      .tuple(fc.nat(60), fc.nat(255))
      .map(([at, byte]) =>
        encodeMessage('Status', cases['says when it may be tried again']?.status ?? {}).with(at % 60, byte),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutilated), (bytes) => {
        try {
          const { retryAfterMs = 0 } = decodeRpcStatus(bytes);
          assert.ok(retryAfterMs >= 0 && Number.isFinite(retryAfterMs));
        } catch (error) {
          assert.ok(error instanceof ProtobufError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
