import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import { collectSdk, resourceMetrics, text } from '../metric/sdk-metrics.ts';
import { countPoints } from '../support/count-points.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { encodeExportMetricsResponse } from '../../src/otlp/response.ts';
import { ProtobufError } from '../../src/otlp/protobuf-error.ts';

function serialized(resourceMetrics: ResourceMetrics): Uint8Array {
  const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
  assert.ok(bytes);
  return bytes;
}

test('what a MeterProvider collected comes back with every scope, metric, attribute and value', async () => {
  const sent = await collectSdk();
  const { snapshots, unsupported } = decodeExportMetricsRequest(serialized(sent));
  assert.deepEqual({ snapshot: snapshots[0], unsupported }, fromSdk(sent));
  assert.deepEqual(unsupported, []);
  assert.deepEqual(snapshots.map(countPoints), [9]);
});

test('any metrics come back from the official serializer as they were', () => {
  fc.assert(
    fc.property(resourceMetrics, (sent) => {
      const { snapshots, unsupported } = decodeExportMetricsRequest(serialized(sent));
      assert.deepEqual({ snapshot: snapshots[0], unsupported }, fromSdk(sent));
    }),
  );
});

test('a message that is cut off anywhere, or has any byte changed, decodes or throws a ProtobufError within it', async () => {
  const bytes = serialized(await collectSdk());
  const decodesOrSaysWhere = (mutilated: Uint8Array): void => {
    try {
      decodeExportMetricsRequest(mutilated);
    } catch (error) {
      assert.ok(error instanceof ProtobufError, String(error));
      assert.ok(error.offset >= 0 && error.offset <= mutilated.length);
    }
  };
  for (let i = 0; i < bytes.length; i++) {
    decodesOrSaysWhere(bytes.subarray(0, i));
    for (const byte of [0, 1, 0x7f, 0x80, 0xff, ((bytes[i] ?? 0) + 1) % 256]) decodesOrSaysWhere(bytes.with(i, byte));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodesOrSaysWhere));
});

test('the official deserializer reads our responses', () => {
  assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(encodeExportMetricsResponse()), {});
  const partial = fc.record({ rejectedDataPoints: fc.maxSafeNat(), errorMessage: text }, { noNullPrototype: true });
  fc.assert(
    fc.property(partial, (partialSuccess) => {
      const bytes = encodeExportMetricsResponse(partialSuccess);
      assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(bytes), { partialSuccess });
    }),
  );
});
