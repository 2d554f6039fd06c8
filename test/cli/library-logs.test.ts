import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { diag } from '@opentelemetry/api';
import { logLibraries } from '../../src/cli/library-logs.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

test('what libraries say is in the log, and nothing of it beside', (t) => {
  const lines: unknown[] = [];
  const write = t.mock.method(process.stderr, 'write');
  logLibraries({
    ...silentLogger,
    warn: (message, fields) => lines.push([message, fields]),
    error: (message, fields) => lines.push([message, fields]),
  });

  // Three times it is said, each time of another value.
  for (const value of ['one\u0001', 'two\u0001', 'three\u0001']) Metadata.fromHttp2Headers({ 'x-bad': value });
  diag.error('it is %s', 'so');
  assert.deepEqual(lines, [
    ['gRPC library', { message: 'Failed to add metadata entry x-bad' }],
    ['OpenTelemetry SDK', { message: 'it is so' }],
  ]);
  assert.equal(write.mock.callCount(), 0);
});
