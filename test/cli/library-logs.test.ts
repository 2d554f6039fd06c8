import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { diag } from '@opentelemetry/api';
import { logLibraries } from '../../src/cli/library-logs.ts';
import { createTransport } from '../../src/push/transports/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { freePort } from '../support/processes.ts';

test('what libraries say is in the log, and nothing of it beside', async (t) => {
  const lines: unknown[] = [];
  const write = t.mock.method(process.stderr, 'write');
  logLibraries({
    ...silentLogger,
    warn: (message, fields) => lines.push([message, fields]),
    error: (message, fields) => lines.push([message, fields]),
  });

  const port = await freePort();
  process.env.grpc_proxy = `http://127.0.0.1:${port}`;
  const options = { timeoutMs: 5_000, headers: {}, compression: 'none', tls: {}, userAgent: 'x' } as const;
  const transport = createTransport('grpc', { ...options, endpoint: 'http://receiver.test:4317' });
  const send = () => transport.send(new Uint8Array(10), new AbortController().signal);
  for (let i = 0; i < 3; i++) assert.equal((await send()).status, 'retryable');
  await transport.close();
  const failed = `Failed to connect to proxy 127.0.0.1:${port} with error connect ECONNREFUSED 127.0.0.1:${port}`;
  // Three times it was said.
  assert.deepEqual(lines.splice(0), [['gRPC library', { message: failed }]]);

  Metadata.fromHttp2Headers({ 'x-bad': 'sec\u0001ret' });
  diag.error('it is %s', 'so');
  assert.deepEqual(lines, [
    ['gRPC library', { message: 'Failed to add metadata entry x-bad' }],
    ['OpenTelemetry SDK', { message: 'it is so' }],
  ]);
  assert.equal(write.mock.callCount(), 0);
});
