import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { assertCounts, assertHttp, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startStuckUpstream, startUpstream } from './upstream-servers.ts';

const HTTP = {
  'http.request.method': 'POST',
  'http.route': '/v2/models/{model_name}/infer',
  'inference.upstream.name': 'up',
};
const ways = { closes: 'end', resets: 'resetAndDestroy', vanishes: 'destroy' } as const;

for (const [word, how] of Object.entries(ways)) {
  test(`a downstream that ${word} while it waits for the head has aborted, and the upstream hears of it`, async (t) => {
    let request: IncomingMessage | undefined;
    const upstream = await startUpstream(t, (incoming) => (request = incoming.resume()));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(rawPost(INFER));
    await until('the upstream has the request', () => request !== undefined);
    downstream.socket[how]();
    if (how === 'end') downstream.socket.destroySoon();
    await until('the upstream hears of it', () => request?.socket.destroyed === true);
    await assertCounts(running, { aborted: 1 });
    await assertHttp(running, { ...HTTP, 'error.type': 'downstream_closed' });
  });

  test(`a downstream that ${word} within the response has aborted, and the upstream hears of it`, async (t) => {
    let request: IncomingMessage | undefined;
    const upstream = await startUpstream(t, (incoming, response) => {
      request = incoming.resume();
      response.write('part');
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(rawPost(INFER));
    await downstream.see('part');
    downstream.socket[how]();
    if (how === 'end') downstream.socket.destroySoon();
    await until('the upstream hears of it', () => request?.socket.destroyed === true);
    await assertCounts(running, { aborted: 1 });
    await assertHttp(running, { ...HTTP, 'http.response.status_code': 200, 'error.type': 'downstream_closed' });
  });

  test(`a downstream that ${word} within its request body has aborted, and the upstream gets no whole request`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    for (const framing of ['content-length: 100', 'transfer-encoding: chunked']) {
      const seen = upstream.received().length;
      const downstream = await connectTo(t, running.url);
      downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n4\r\nabcd\r\n`);
      await until('the upstream has a part', () => upstream.received().slice(seen).includes('abcd'));
      downstream.socket[how]();
    }
    await until('the upstream hears of it', () =>
      upstream.sockets.every((socket) => socket.readableEnded || socket.destroyed),
    );
    assert.doesNotMatch(upstream.received(), /\r\n0\r\n\r\n/);
    await assertCounts(running, { aborted: 2 });
  });
}

test('a downstream that leaves while the upstream is being connected to has aborted', async (t) => {
  const timeouts = { connectMs: 1_500, responseHeadersMs: 30_000, idleMs: 30_000 };
  const running = await startProxy(t, [upstreamAt(await startStuckUpstream(t), { timeouts })]);
  const downstream = await connectTo(t, running.url);
  downstream.write(rawPost(INFER));
  await until('the request is in flight', () => running.inFlight() === 1);
  downstream.socket.resetAndDestroy();
  await assertCounts(running, { aborted: 1 });
  await assertHttp(running, { ...HTTP, 'error.type': 'downstream_closed' });
});

const inHead: Record<string, string> = {
  nothing: '',
  'a part of the first line': 'POST /v2/mod',
  'a part of the head': `POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-le`,
};
for (const [name, text] of Object.entries(inHead)) {
  test(`a downstream that says ${name} and leaves asked for nothing`, async (t) => {
    const upstream = await startUpstream(t, () => {});
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const closed = await connectTo(t, running.url);
    closed.write(text);
    closed.socket.end();
    await closed.closed;
    const reset = await connectTo(t, running.url);
    reset.socket.write(text, () => reset.socket.resetAndDestroy());
    await reset.closed;
    await assertCounts(running, {});
    assert.deepEqual(upstream.seen, []);
  });
}

test('pipelined requests of a downstream that leaves have each aborted once', async (t) => {
  const upstream = await startUpstream(t, (request) => request.resume());
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(rawPost(INFER).repeat(3));
  await until('all are in flight', () => running.inFlight() === 3);
  downstream.socket.resetAndDestroy();
  await assertCounts(running, { aborted: 3 });
});

test('pipelined requests are answered in their order and counted one by one', async (t) => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => waiting.push(() => response.end(`answer to ${String(request.headers['x-n'])}`)));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  for (const n of [1, 2, 3]) downstream.write(rawPost(INFER).replace('host:', `x-n: ${n}\r\nhost:`));
  await until('all are in flight', () => waiting.length === 3);
  for (const answer of waiting.reverse()) answer();
  await downstream.see('answer to 3');
  assert.deepEqual(downstream.received().match(/answer to \d/g), ['answer to 1', 'answer to 2', 'answer to 3']);
  await assertCounts(running, { success: 3 });
});

test('a request body that stalls is answered 408 and aborted', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const timeouts = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 100 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { timeouts })]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart`);
  assert.equal(await downstream.closed, 'end');
  assert.match(downstream.received(), /^HTTP\/1.1 408 /);
  assert.match(downstream.received(), /"code":"request_body_timeout"\}$/);
  await assertCounts(running, { aborted: 1 });
  await assertHttp(running, { ...HTTP, 'http.response.status_code': 408, 'error.type': 'request_body_timeout' });
});

test('a downstream that takes no part of the response is left, and has aborted', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    response.end(Buffer.alloc(64 * 1024 * 1024));
  });
  const timeouts = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 200 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { timeouts })]);
  const downstream = await connectTo(t, running.url);
  downstream.socket.pause();
  downstream.write(rawPost(INFER));
  await assertCounts(running, { aborted: 1 });
  await assertHttp(running, { ...HTTP, 'http.response.status_code': 200, 'error.type': 'downstream_timeout' });
});

test('who leaves while the upstream is being connected to keeps its place until that is over', async (t) => {
  const timeouts = { connectMs: 2_000, responseHeadersMs: 30_000, idleMs: 30_000 };
  const upstream = upstreamAt(await startStuckUpstream(t), { timeouts });
  const running = await startProxy(t, [upstream], { limits: { requestsInFlightMax: 1 } });
  const impatient = await connectTo(t, running.url);
  impatient.write(rawPost(INFER));
  await until('it is in flight', () => running.inFlight() === 1);
  impatient.socket.resetAndDestroy();
  await until('it is counted', async () => (await running.counts()).aborted === 1);
  assert.equal(running.inFlight(), 1);
  assert.equal((await send(running.url, { method: 'POST', path: INFER })).status, 503);
  await until('the connection was given up', () => running.inFlight() === 0);
  await assertCounts(running, { aborted: 1, rejected: 1 });
});
