import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, send } from './downstream.ts';
import { startReplica } from './replica-servers.ts';
import { assertCounts, startProxy, upstreamAt } from './running-proxy.ts';

const CHAT = '/v1/chat/completions';
const BODY = '{"model":"gpt"}';
const protocol = protocols.openai({ name: 'llm', models: [], routes: [] });
const head = (...lines: string[]): string => [`POST ${CHAT} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n');
/** Its model does not come. */
const HALF = `${head('content-length: 100')}{"prompt":`;

async function startLooking(t: TestContext, changes: Partial<UpstreamOptions> = {}) {
  const upstream = await startReplica(t);
  return { upstream, running: await startProxy(t, [upstreamAt(upstream.url, { protocol, models: [], ...changes })]) };
}

test('a downstream that leaves before its model has come has aborted, and nobody was asked', async (t) => {
  const { upstream, running } = await startLooking(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(HALF);
  await until('it is in flight', () => running.inFlight() === 1);
  downstream.socket.resetAndDestroy();
  await until('it is over', () => running.inFlight() === 0);
  assert.deepEqual(upstream.seen, []);
  await assertCounts(running, { aborted: 1 });
});

test('a body that stalls before its model has come is answered 408, and nobody was asked', async (t) => {
  const timeouts = { connectMs: 5_000, responseHeadersMs: 5_000, idleMs: 200 };
  const { upstream, running } = await startLooking(t, { timeouts });
  const downstream = await connectTo(t, running.url);
  downstream.write(HALF);
  await downstream.see('request_body_timeout');
  assert.deepEqual(upstream.seen, []);
  await assertCounts(running, { aborted: 1 });
});

test('a body whose model has not come at the deadline of a shutdown is answered 504', async (t) => {
  const { upstream, running } = await startLooking(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(HALF);
  await until('it is in flight', () => running.inFlight() === 1);
  await running.proxy.shutdown(deadlineIn(50));
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1.1 504 .*"code":"shutdown"\}$/s);
  assert.deepEqual(upstream.seen, []);
  await assertCounts(running, { failure: 1 });
});

test('a body that waits for the word to go on is told it once, so that its model can be read', async (t) => {
  const { upstream, running } = await startLooking(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(head('expect: 100-continue', `content-length: ${BODY.length}`));
  await downstream.see('100 Continue');
  assert.deepEqual(upstream.seen, []);
  downstream.write(BODY);
  await downstream.see('200 OK');
  assert.equal(downstream.received().match(/100 Continue/g)?.length, 1);
  await assertCounts(running, { success: 1 });
  assert.equal(await running.telemetry.value('inference.requests', { 'inference.model.name': 'gpt' }), 1);
});

test('requests of one model wait for a place by what their bodies say, and are counted for it', async (t) => {
  const queue = { sizeMax: 1, timeoutMs: 30_000 };
  const { upstream, running } = await startLooking(t, { models: [{ name: 'gpt' }], requestsInFlightMax: 1, queue });
  upstream.mode = 'hold';
  const post = { method: 'POST', path: CHAT, body: BODY };
  const first = send(running.url, post);
  await until('it has the place', () => upstream.bodies.length === 1);
  const second = send(running.url, post);
  const ofModel = { 'inference.model.name': 'gpt' };
  await until('it waits', async () => (await running.telemetry.value('inference.queue.size', ofModel)) === 1);
  assert.equal((await send(running.url, post)).status, 503);
  upstream.mode = 'ok';
  upstream.release();
  assert.deepEqual([(await first).status, (await second).status], [200, 200]);
  assert.equal(await running.telemetry.value('inference.queue.duration', ofModel), 2);
  assert.equal(await running.telemetry.value('inference.requests', ofModel), 3);
  await assertCounts(running, { success: 2, rejected: 1 });
});
