import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost } from './downstream.ts';
import { assertCounts, assertHttp, createTestProxy, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

/** Longer than any test is let run: what waits for it hangs. */
const NEVER = () => deadlineIn(3_600_000);

async function assertRefused(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const [error] = (await once(connect(Number(port), hostname), 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
}

test('what is in flight finishes, its connection closes, and new ones are refused', async (t) => {
  const responses: ServerResponse[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    responses.push(response);
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const [waiting, streaming, idle, unused] = [
    await connectTo(t, running.url),
    await connectTo(t, running.url),
    await connectTo(t, running.url),
    await connectTo(t, running.url),
  ];
  idle.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('it is in flight', () => responses.length === 1);
  responses[0]?.end('done');
  await idle.see('done');
  streaming.write(rawPost(INFER));
  await until('it is in flight', () => responses.length === 2);
  responses[1]?.write('part one, ');
  await streaming.see('part one, ');
  waiting.write(rawPost(INFER));
  await until('it is in flight', () => responses.length === 3);

  const shutdown = running.proxy.shutdown(NEVER());
  assert.equal(running.proxy.ready(), false);
  await Promise.all([idle.closed, unused.closed]);
  await assertRefused(running.url);
  responses[1]?.end('part two');
  responses[2]?.end('answer');
  await shutdown;
  await Promise.all([waiting.closed, streaming.closed]);
  assert.match(waiting.received(), /\r\nConnection: close\r\n.*answer$/s);
  assert.match(streaming.received(), /part one, .*part two/s);
  await assertCounts(running, { success: 2 });
  await until('the connections to the upstream are closed', () => responses.every(({ req }) => req.socket.destroyed));
});

test('at the deadline what is left is cut off or answered, and each a failure by shutdown', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    if (request.headers['x-stream'] !== undefined) response.write('part');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const waiting = await connectTo(t, running.url);
  waiting.write(rawPost(INFER));
  const streaming = await connectTo(t, running.url);
  streaming.write(rawPost(INFER).replace('host:', 'x-stream: 1\r\nhost:'));
  await streaming.see('part');
  await until('both are in flight', () => running.inFlight() === 2);

  await running.proxy.shutdown(deadlineIn(50));
  await Promise.all([waiting.closed, streaming.closed]);
  assert.match(waiting.received(), /^HTTP\/1.1 504 .*"code":"shutdown"\}$/s);
  assert.doesNotMatch(streaming.received(), /\r\n0\r\n\r\n$/);
  await assertCounts(running, { failure: 2 });
  const failed = { 'error.type': 'shutdown', 'inference.upstream.name': 'up' };
  assert.equal(await running.telemetry.value('http.server.request.duration', failed), 2);
  assert.equal(
    await running.telemetry.value('inference.request.duration', { ...failed, 'inference.outcome': 'failure' }),
    2,
  );
});

test('a request body that is under way finishes too', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nhalf`);
  await until('it is in flight', () => running.inFlight() === 1);
  const shutdown = running.proxy.shutdown(NEVER());
  downstream.write('half');
  await shutdown;
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1.1 200 /);
  await assertCounts(running, { success: 1 });
});

test('an upstream that fails during the shutdown is answered as ever', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(rawPost(INFER));
  await until('the upstream has it', () => upstream.received() !== '');
  const shutdown = running.proxy.shutdown(NEVER());
  upstream.sockets[0]?.destroy();
  await shutdown;
  await downstream.closed;
  await assertCounts(running, { failure: 1 });
  await assertHttp(running, {
    'http.request.method': 'POST',
    'http.route': '/v2/models/{model_name}/infer',
    'http.response.status_code': 502,
    'error.type': 'upstream_closed',
    'inference.upstream.name': 'up',
  });
});

test('a shutdown without a start, and a second one, do nothing', async (t) => {
  const { proxy } = createTestProxy([upstreamAt('http://127.0.0.1:1')]);
  assert.deepEqual(
    [proxy.ready(), proxy.status()],
    [false, { url: '', listening: false, requestsInFlight: 0, upstreams: [] }],
  );
  await proxy.shutdown(NEVER());
  await proxy.shutdown(NEVER());

  let answer = (): void => {};
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    answer = () => response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  assert.deepEqual([running.proxy.ready(), running.proxy.status().listening], [true, true]);
  const downstream = await connectTo(t, running.url);
  downstream.write(rawPost(INFER));
  await until('it is in flight', () => running.inFlight() === 1);
  const shutdowns = [running.proxy.shutdown(NEVER()), running.proxy.shutdown(NEVER())];
  await new Promise((resolve) => setTimeout(resolve, 20));
  answer();
  await Promise.all(shutdowns);
  await running.proxy.shutdown(NEVER());
  await assertCounts(running, { success: 1 });
  assert.deepEqual([running.proxy.ready(), running.proxy.status().listening], [false, false]);
});

test('a port in use aborts the start, and the error names the key and the address', async (t) => {
  const running = await startProxy(t, [upstreamAt('http://127.0.0.1:1')]);
  const { host, port } = new URL(running.url);
  const { proxy: second } = createTestProxy([], { address: { host: '127.0.0.1', port: Number(port) } });
  await assert.rejects(second.start(), { message: `listen.inference: ${host} is in use by another program` });
  await second.shutdown(NEVER());
});

test('a connection that never says a whole head does not hold a shutdown up', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write('POST /v2 HTTP/1.1\r\nHos');
  await until('it has arrived', () => new Promise((resolve) => setTimeout(() => resolve(true), 50)));
  await running.proxy.shutdown(NEVER());
  await downstream.closed;
});

test('a shutdown during the start leaves nothing listening', async () => {
  const { proxy } = createTestProxy([upstreamAt('http://127.0.0.1:9')]);
  const starting = proxy.start();
  await proxy.shutdown(NEVER());
  await starting;
  assert.equal(proxy.ready(), false);
  assert.equal(proxy.status().listening, false);
});
