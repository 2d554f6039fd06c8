import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, send } from './downstream.ts';
import { limited, numberedPost, queueDuration, sendNumbered, startHeldUpstream, waiting } from './held-upstream.ts';
import { assertCounts, INFER, METADATA, startProxy, upstreamAt } from './running-proxy.ts';

const HTTP = {
  'http.request.method': 'POST',
  'http.route': '/v2/models/{model_name}/infer',
  'inference.upstream.name': 'up',
};
const codeOf = (body: Buffer): string => (JSON.parse(body.toString()) as { code: string }).code;

test('who finds no place waits, in the order of coming, and who finds no room is answered 503', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 2, waiting: 3 })]);
  const answers = [];
  for (const n of [1, 2, 3, 4, 5]) answers.push((await sendNumbered(running, n)).answer);
  await upstream.took(2);
  assert.equal(await waiting(running), 3);
  const ofModel = { 'inference.model.name': 'iris', 'inference.upstream.name': 'up' };
  assert.equal(await running.telemetry.value('inference.queue.size', ofModel), 3);
  assert.equal(await running.telemetry.value('inference.active_requests', ofModel), 2);
  const [status] = running.proxy.status().upstreams as [{ requestsWaiting: number }];
  assert.equal(status.requestsWaiting, 3);

  const sixth = await send(running.url, { method: 'POST', path: INFER, body: '{}' });
  assert.deepEqual([sixth.status, sixth.response.headers['retry-after']], [503, '1']);
  assert.equal(sixth.response.headers['proxy-status'], 'metergate; error=connection_limit_reached');
  assert.equal(codeOf(sixth.body), 'queue_full');
  await sleep(50);
  assert.deepEqual(upstream.seen, ['1', '2']);

  for (let n = 3; n <= 5; n++) {
    upstream.answer();
    await upstream.took(n);
    assert.equal(await waiting(running), 5 - n);
  }
  upstream.answer();
  upstream.answer();
  const bodies = (await Promise.all(answers)).map(({ body }) => body.toString());
  assert.deepEqual(
    bodies,
    [1, 2, 3, 4, 5].map((n) => `answer ${n}`),
  );
  assert.deepEqual(upstream.seen, ['1', '2', '3', '4', '5']);
  await assertCounts(running, { success: 5, rejected: 1 });
  const rejected = { ...ofModel, 'inference.outcome': 'rejected' };
  assert.equal(await running.telemetry.value('inference.requests', rejected), 1);
  assert.equal(await running.telemetry.value('inference.request.duration', rejected), 0);
});

test('how long each waited is measured once, 0 for who found a place', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const first = await sendNumbered(running, 1);
  await upstream.took(1);
  const before = await queueDuration(running);
  assert.deepEqual(before, { count: 1, sum: 0 });
  const startMs = performance.now();
  const second = await sendNumbered(running, 2);
  await sleep(200);
  const leastMs = performance.now() - startMs - 150;
  upstream.answer();
  await upstream.took(2);
  const mostMs = performance.now() - startMs;
  const { count, sum } = await queueDuration(running);
  assert.equal(count, 2);
  assert.ok(sum >= Math.min(leastMs, 150) / 1_000 && sum <= mostMs / 1_000, `${sum} s`);
  upstream.answer();
  await Promise.all([first.answer, second.answer]);
  assert.equal((await queueDuration(running)).count, 2);
  assert.equal(await running.telemetry.value('inference.queue.duration', { 'inference.model.name': 'iris' }), 2);
  await assertCounts(running, { success: 2 });
});

test('without a limit nobody waits, and each is measured all the same', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const answers = await Promise.all([1, 2, 3].map((n) => sendNumbered(running, n)));
  await upstream.took(3);
  for (let n = 0; n < 3; n++) upstream.answer();
  await Promise.all(answers.map(({ answer }) => answer));
  assert.deepEqual(await queueDuration(running), { count: 3, sum: 0 });
});

for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
  test(`a downstream that leaves the line by ${how} has aborted, and the upstream never sees it`, async (t) => {
    const upstream = await startHeldUpstream(t);
    const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
    const first = await sendNumbered(running, 1);
    await upstream.took(1);
    const leaving = await connectTo(t, running.url);
    leaving.write(numberedPost(2));
    await until('it waits', async () => (await waiting(running)) === 1);
    const third = await sendNumbered(running, 3);
    leaving.socket[how]();
    if (how === 'end') leaving.socket.destroySoon();
    await until('it has left', async () => (await running.counts()).aborted === 1);
    assert.equal(await waiting(running), 1);
    assert.equal(running.inFlight(), 2);
    upstream.answer();
    await upstream.took(2);
    upstream.answer();
    await Promise.all([first.answer, third.answer]);
    assert.deepEqual(upstream.seen, ['1', '3']);
    await assertCounts(running, { success: 2, aborted: 1 });
    assert.equal((await queueDuration(running)).count, 3);
    const left = { ...HTTP, 'error.type': 'downstream_closed' };
    assert.equal(await running.telemetry.value('http.server.request.duration', left), 1);
  });
}

test('who waits too long is answered 503 and rejected, and the others are served', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1, timeoutMs: 500 })]);
  const first = await sendNumbered(running, 1);
  const second = await sendNumbered(running, 2);
  const { status, response, body } = await second.answer;
  assert.deepEqual([status, response.headers['retry-after'], codeOf(body)], [503, '1', 'queue_timeout']);
  assert.equal(await waiting(running), 0);
  const third = await sendNumbered(running, 3);
  upstream.answer();
  await upstream.took(2);
  // Its time in the line is over, and does not go on behind it.
  await sleep(600);
  upstream.answer();
  assert.deepEqual([(await first.answer).status, (await third.answer).status], [200, 200]);
  assert.deepEqual(upstream.seen, ['1', '3']);
  await assertCounts(running, { success: 2, rejected: 1 });
  const tooLong = { ...HTTP, 'http.response.status_code': 503, 'error.type': 'queue_timeout' };
  assert.equal(await running.telemetry.value('http.server.request.duration', tooLong), 1);
});

test('without a line, who finds no place is answered 503 at once', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1, waiting: 0 })]);
  const first = await sendNumbered(running, 1);
  assert.equal((await send(running.url, { method: 'POST', path: INFER, body: '{}' })).status, 503);
  await upstream.took(1);
  upstream.answer();
  await first.answer;
  await assertCounts(running, { success: 1, rejected: 1 });
});

test('requests for health and metadata pass a full upstream by, and those of unknown paths do not', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const first = await sendNumbered(running, 1);
  await upstream.took(1);
  for (const path of ['/v2/health/ready', METADATA, INFER]) {
    assert.equal((await send(running.url, { path })).body.toString(), 'at once');
  }
  const unknown = send(running.url, { path: '/unknown' });
  await until('it is in flight', () => running.inFlight() === 2);
  await sleep(50);
  assert.equal(running.inFlight(), 2);
  upstream.answer();
  assert.equal((await unknown).body.toString(), 'at once');
  await first.answer;
  await assertCounts(running, { success: 1 });
  // It is no inference request, so the metrics of those know nothing of it.
  assert.deepEqual((await queueDuration(running)).count, 1);
});

test('whoever waits when a shutdown begins is served before its deadline', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const answers = [];
  for (const n of [1, 2, 3]) answers.push((await sendNumbered(running, n)).answer);
  const shutdown = running.proxy.shutdown(deadlineIn(3_600_000));
  for (let n = 1; n <= 3; n++) {
    await upstream.took(n);
    upstream.answer();
  }
  await shutdown;
  assert.deepEqual(
    (await Promise.all(answers)).map(({ status }) => status),
    [200, 200, 200],
  );
  await assertCounts(running, { success: 3 });
});
