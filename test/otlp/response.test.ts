import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProtobufError } from '../../src/otlp/protobuf-error.ts';
import { decodeExportMetricsResponse, encodeExportMetricsResponse } from '../../src/otlp/response.ts';
import { encodeMessage } from './messages.ts';

const decoded = (partialSuccess?: object) =>
  decodeExportMetricsResponse(encodeMessage('ExportMetricsServiceResponse', { partialSuccess }));

describe('a response', () => {
  const cases: Record<string, { partial?: object; is: { rejectedDataPoints: number; errorMessage: string } }> = {
    'without anything is full success': { is: { rejectedDataPoints: 0, errorMessage: '' } },
    'with rejected points says how many, and why': {
      partial: { rejectedDataPoints: 7, errorMessage: 'too old 🕰' },
      is: { rejectedDataPoints: 7, errorMessage: 'too old 🕰' },
    },
    'with a message only is a warning': {
      partial: { errorMessage: 'x' },
      is: { rejectedDataPoints: 0, errorMessage: 'x' },
    },
    'that rejects fewer than no points rejects none': {
      partial: { rejectedDataPoints: -3 },
      is: { rejectedDataPoints: 0, errorMessage: '' },
    },
  };
  for (const [what, { partial, is }] of Object.entries(cases)) it(what, () => assert.deepEqual(decoded(partial), is));

  it('of ours comes back as it was', () => {
    const partial = fc.record({ rejectedDataPoints: fc.maxSafeNat(), errorMessage: fc.string({ unit: 'grapheme' }) });
    fc.assert(
      fc.property(partial, (own) => {
        assert.deepEqual(decodeExportMetricsResponse(encodeExportMetricsResponse(own)), { ...own });
      }),
    );
  });

  it('of any bytes is one, or an error of decoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeExportMetricsResponse(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtobufError);
        }
      }),
    );
  });
});
