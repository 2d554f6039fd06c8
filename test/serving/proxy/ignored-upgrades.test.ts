import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { describe, H2C, told } from './asking-for-h2c.ts';
import { connectTo } from './downstream.ts';
import { assertCounts, assertHttp, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const MEBIBYTE = randomBytes(1024 * 1024);
const chunked = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

interface Case {
  readonly method?: string;
  readonly lines?: readonly string[];
  readonly body?: Buffer;
  /** As it is framed. */
  readonly sent?: Buffer;
  /** Between head and body. */
  readonly pauseMs?: number;
}

const text = Buffer.from('{"inputs": []}');
const WEBSOCKET = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: a'];
const cases: Record<string, Case> = {
  'h2c by GET': { method: 'GET' },
  'h2c by HEAD, as far as HEAD goes': { method: 'HEAD' },
  'h2c by POST with a body': { body: text },
  'h2c by POST with a body that comes later': { body: text, pauseMs: 50 },
  'h2c by POST with an empty body': { body: Buffer.alloc(0) },
  'h2c by POST with 1 MiB': { body: MEBIBYTE },
  'h2c by POST with a body in chunks': {
    lines: [...H2C, 'transfer-encoding: chunked'],
    body: MEBIBYTE,
    sent: chunked(MEBIBYTE),
  },
  'h2c by POST with a body in chunks that comes later': {
    lines: [...H2C, 'transfer-encoding: chunked'],
    ...{ body: text, sent: chunked(text), pauseMs: 50 },
  },
  'a WebSocket by POST with a body': { lines: WEBSOCKET, body: text },
  'a WebSocket by GET with a body': { method: 'GET', lines: WEBSOCKET, body: text },
  'TLS, as RFC 2817 has it': { method: 'OPTIONS', lines: ['connection: Upgrade', 'upgrade: TLS/1.0'] },
  'a WebSocket or something else': { lines: ['connection: upgrade', 'upgrade: websocket, h2c'], body: text },
  'a WebSocket without saying so in Connection': { method: 'GET', lines: ['upgrade: websocket'] },
};
for (const [name, { method = 'POST', lines = H2C, body, sent = body, pauseMs }] of Object.entries(cases)) {
  test(`a request for an upgrade to ${name} is answered as one without, and the connection goes on`, async (t) => {
    const upstream = await startUpstream(t, describe);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    const length = body === undefined || body !== sent ? [] : [`content-length: ${body.length}`];
    const head = Buffer.from([`${method} ${INFER} HTTP/1.1`, 'host: a', ...lines, ...length, '', ''].join('\r\n'));
    const next = Buffer.from('GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n');
    if (pauseMs === undefined) downstream.write(Buffer.concat([head, sent ?? Buffer.alloc(0), next]));
    else {
      downstream.write(head);
      await sleep(pauseMs);
      downstream.write(Buffer.concat([sent ?? Buffer.alloc(0), next]));
    }
    if (method !== 'HEAD') await downstream.see(told(method, body));
    await downstream.see(told('GET'));
    await until('both are answered', () => downstream.received().split('HTTP/1.1 200 ').length === 3);
    assert.deepEqual([...upstream.seen].sort(), [`${method} ${INFER}`, 'GET /v2'].sort());
    assert.doesNotMatch(downstream.received(), /upgrade: h|HTTP\/1\.1 101/i);
    await assertCounts(running, method === 'POST' ? { success: 1 } : {});
    const measured = () => running.telemetry.value('http.server.request.duration');
    await until('both are measured', async () => (await measured()) === 2);
  });
}

test('a request for h2c is counted under the model in its body', async (t) => {
  const upstream = await startUpstream(t, describe);
  const protocol = protocols.openai({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol, models: [{ name: 'llama' }] })]);
  const downstream = await connectTo(t, running.url);
  const body = '{"model": "llama", "prompt": "once"}';
  const lines = [...H2C, `content-length: ${body.length}`, '', body];
  downstream.write(['POST /v1/completions HTTP/1.1', 'host: a', ...lines].join('\r\n'));
  await downstream.see(told('POST', body));
  await assertCounts(running, { success: 1 });
  const llama = { 'inference.model.name': 'llama', 'inference.outcome': 'success' };
  assert.equal(await running.telemetry.value('inference.requests', llama), 1);
  await assertHttp(running, {
    'http.request.method': 'POST',
    'http.route': '/v1/completions',
    'http.response.status_code': 200,
    'inference.upstream.name': 'up',
  });
});

test('what waits for 100 Continue gets it, upgrade or not', async (t) => {
  const upstream = await startUpstream(t, describe);
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  const lines = [...H2C, 'expect: 100-continue', `content-length: ${text.length}`, '', ''];
  downstream.write([`POST ${INFER} HTTP/1.1`, 'host: a', ...lines].join('\r\n'));
  await downstream.see('HTTP/1.1 100 Continue\r\n\r\n');
  downstream.write(text);
  await downstream.see(told('POST', text));
  await assertCounts(running, { success: 1 });
});

test('a downstream that leaves before its answer has left, upgrade or not', async (t) => {
  const upstream = await startUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  const lines = [...H2C, `content-length: ${text.length}`, '', text.toString()];
  downstream.write([`POST ${INFER} HTTP/1.1`, 'host: a', ...lines].join('\r\n'));
  await until('the upstream has it', () => upstream.seen.length === 1);
  downstream.socket.destroy();
  await assertCounts(running, { aborted: 1 });
});
