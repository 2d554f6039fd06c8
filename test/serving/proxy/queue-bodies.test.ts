import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, send } from './downstream.ts';
import { limited, numberedPost, sendNumbered, startHeldUpstream, waiting } from './held-upstream.ts';
import { startReplica } from './replica-servers.ts';
import { assertCounts, INFER, startProxy } from './running-proxy.ts';

const MIB = Buffer.alloc(1024 * 1024, 'one mebibyte of something. ');
const post = { method: 'POST', path: INFER };
const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

const bodies: Record<string, { body: Buffer; headers?: OutgoingHttpHeaders }> = {
  'no body': { body: Buffer.alloc(0) },
  'a small body': { body: Buffer.from('{"a":1}') },
  'a body of 60 KiB': { body: MIB.subarray(0, 60 * 1024) },
  'a large body': { body: MIB },
  'a small body in chunks': { body: Buffer.from('{"a":1}'), headers: { 'transfer-encoding': 'chunked' } },
  'a large body in chunks': { body: MIB, headers: { 'transfer-encoding': 'chunked' } },
  'a large body that waits for the word to go on': { body: MIB, headers: { expect: '100-continue' } },
};
for (const [name, { body, headers = {} }] of Object.entries(bodies)) {
  test(`a request that waited with ${name} comes whole to the upstream`, async (t) => {
    const upstream = await startReplica(t);
    upstream.mode = 'hold';
    const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
    const first = send(running.url, { ...post, body: 'first' });
    await until('it has the place', () => upstream.bodies.length === 1);
    upstream.mode = 'ok';
    const second = send(running.url, { ...post, body, headers });
    await until('it waits', async () => (await waiting(running)) === 1);
    await sleep(50);
    assert.equal(upstream.seen.length, 1);
    upstream.release();
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.equal(upstream.bodies[1], sha256(body));
    await assertCounts(running, { success: 2 });
  });
}

test('pipelined requests wait one by one, and are answered in their order', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 2 })]);
  const downstream = await connectTo(t, running.url);
  downstream.write([1, 2, 3, 4, 5].map((n) => numberedPost(n)).join(''));
  await upstream.took(2);
  assert.equal(await waiting(running), 3);
  for (let n = 1; n <= 5; n++) {
    await upstream.took(Math.min(n + 1, 5));
    upstream.answer();
  }
  await downstream.see('answer 5');
  assert.deepEqual(
    downstream.received().match(/answer \d/g),
    [1, 2, 3, 4, 5].map((n) => `answer ${n}`),
  );
  assert.deepEqual(upstream.seen, ['1', '2', '3', '4', '5']);
  await assertCounts(running, { success: 5 });
});

test('pipelined requests beyond the line are answered 503 in their turn', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1, waiting: 1 })]);
  const downstream = await connectTo(t, running.url);
  downstream.write([1, 2, 3].map((n) => numberedPost(n)).join(''));
  await until('one waits', async () => (await waiting(running)) === 1);
  for (let n = 1; n <= 2; n++) {
    await upstream.took(n);
    upstream.answer();
  }
  await downstream.see('queue_full');
  const statuses = downstream.received().match(/HTTP\/1\.1 (\d+)/g);
  assert.deepEqual(statuses, ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 503']);
  await assertCounts(running, { success: 2, rejected: 1 });
});

test('pipelined requests of a downstream that leaves have each aborted, in flight or waiting', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const downstream = await connectTo(t, running.url);
  downstream.write([1, 2, 3].map((n) => numberedPost(n)).join(''));
  await until('two wait', async () => (await waiting(running)) === 2);
  await upstream.took(1);
  downstream.socket.resetAndDestroy();
  await assertCounts(running, { aborted: 3 });
  assert.deepEqual(upstream.seen, ['1']);
});

const half = (bytes: number, sent: number): string =>
  `POST ${INFER} HTTP/1.1\r\nhost: a\r\nx-n: 2\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(sent)}`;

test('a downstream that leaves the line with its body half sent has aborted', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const first = await sendNumbered(running, 1);
  await upstream.took(1);
  for (const [bytes, sent] of [
    [100, 4],
    [1_000_000, 0],
    [1_000_000, 30_000],
  ] as const) {
    const aborted = (await running.counts()).aborted;
    const leaving = await connectTo(t, running.url);
    leaving.write(half(bytes, sent));
    await until('it waits', async () => (await waiting(running)) === 1);
    leaving.socket.resetAndDestroy();
    await until('it has left', async () => (await running.counts()).aborted > aborted);
    assert.equal(await waiting(running), 0);
  }
  upstream.answer();
  await first.answer;
  assert.deepEqual(upstream.seen, ['1']);
  await assertCounts(running, { success: 1, aborted: 3 });
});

// A connection that is not read from, since nobody wants more of the body yet, does not tell that it is broken.
test('a downstream that leaves the line with more sent than is kept of it has aborted when its turn comes', async (t) => {
  const upstream = await startReplica(t);
  upstream.mode = 'hold';
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 })]);
  const first = send(running.url, { ...post, body: '{}' });
  await until('it has the place', () => upstream.bodies.length === 1);
  const leaving = await connectTo(t, running.url);
  leaving.write(half(9_000_000, 500_000));
  await until('it waits', async () => (await waiting(running)) === 1);
  const third = await sendNumbered(running, 3);
  leaving.socket.resetAndDestroy();
  await leaving.closed;
  upstream.mode = 'ok';
  upstream.release();
  assert.deepEqual([(await first).status, (await third.answer).status], [200, 200]);
  await assertCounts(running, { success: 2, aborted: 1 });
  assert.equal(upstream.bodies.length, 2);
});

test('a body that stalls while it waits is answered 408 and leaves the line', async (t) => {
  const upstream = await startHeldUpstream(t);
  const timeouts = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 200 };
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1 }, { timeouts })]);
  const first = await sendNumbered(running, 1);
  await upstream.took(1);
  const stalling = await connectTo(t, running.url);
  stalling.write(half(100, 4));
  const third = await sendNumbered(running, 3);
  await stalling.see('request_body_timeout');
  assert.equal(await waiting(running), 1);
  upstream.answer();
  await upstream.took(2);
  upstream.answer();
  assert.deepEqual([(await first.answer).status, (await third.answer).status], [200, 200]);
  assert.deepEqual(upstream.seen, ['1', '3']);
  await assertCounts(running, { success: 2, aborted: 1 });
});

test('a large body that finds no room is read away, and its connection serves the next request', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 1, waiting: 0 })]);
  const first = await sendNumbered(running, 1);
  await upstream.took(1);
  const downstream = await connectTo(t, running.url);
  downstream.write(numberedPost(2, 'x'.repeat(1_000_000)));
  await downstream.see('queue_full');
  upstream.answer();
  await first.answer;
  downstream.write(numberedPost(3));
  await upstream.took(2);
  upstream.answer();
  await downstream.see('answer 3');
  await assertCounts(running, { success: 2, rejected: 1 });
});

test('at the deadline of a shutdown those that wait are answered 504, and the upstream sees none of them', async (t) => {
  const upstream = await startHeldUpstream(t);
  const running = await startProxy(t, [limited(upstream.url, { inFlight: 2 })]);
  // It leaves connections that one more request could be sent on at once.
  await Promise.all([1, 2, 3, 4].map(() => send(running.url, { path: '/v2/health/ready' })));
  const waitingFor = [];
  for (const n of [1, 2, 3, 4, 5]) waitingFor.push((await sendNumbered(running, n)).answer);
  await upstream.took(2);
  await running.proxy.shutdown(deadlineIn(50));
  const answers = await Promise.all(waitingFor);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, (JSON.parse(body.toString()) as { code: string }).code]),
    Array(5).fill([504, 'shutdown']),
  );
  await sleep(50);
  assert.deepEqual(upstream.seen, ['1', '2']);
  await assertCounts(running, { failure: 5 });
});
