import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { describe, H2C, told } from './asking-for-h2c.ts';
import { connectTo } from './downstream.ts';
import { readResponses } from './response-reader.ts';
import { assertCounts, assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

// Requests for an upgrade among others on one connection, none of which waits for its answer.

test('many of them in a row, with and without bodies, are answered in order and with all of their bodies', async (t) => {
  const upstream = await startUpstream(t, describe);
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  const bodies = Array.from({ length: 20 }, (_, n) => 'x'.repeat(n * 1_000));
  const post = (body: string): string =>
    [`POST ${INFER} HTTP/1.1`, 'host: a', ...H2C, `content-length: ${body.length}`, '', body].join('\r\n');
  downstream.write(bodies.map(post).join(''));
  await downstream.see(told('POST', bodies.at(-1)));
  const answers = downstream.received().match(/\{.*\}/g);
  assert.deepEqual(
    answers,
    bodies.map((body) => told('POST', body)),
  );
  await assertCounts(running, { success: bodies.length });
});

test('one that is behind large answers is answered, too', async (t) => {
  const large = 'x'.repeat(16 * 1024 * 1024);
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/large') response.end(large);
    else describe(request, response);
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.socket.pause();
  downstream.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await until('the upstream is asked', () => upstream.seen.length === 1);
  await sleep(100);
  const smuggled = Buffer.from('GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(30_000));
  // Node reads no further behind the second, but the third is in the same piece.
  const lines = [...H2C, `content-length: ${smuggled.length}`, '', ''];
  const head = ['GET /v2 HTTP/1.1', 'host: a', '', `POST ${INFER} HTTP/1.1`, 'host: a', ...lines].join('\r\n');
  downstream.write(Buffer.concat([Buffer.from(head), smuggled]));
  await sleep(100);
  downstream.socket.resume();
  await downstream.see(told('POST', smuggled));
  assert.deepEqual([...upstream.seen].sort(), ['GET /large', 'GET /v2', `POST ${INFER}`]);
  await assertCounts(running, { success: 1 });
});

for (const upgrade of ['h2c', 'websocket']) {
  test(`an answer that closes its connection is whole although a request for an upgrade to ${upgrade} is behind it`, async (t) => {
    const large = 'x'.repeat(1024 * 1024);
    const upstream = await startUpstream(t, (request, response) => {
      request.resume();
      if (request.url === '/large') setTimeout(() => response.end(large), 50);
      else response.end();
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.socket.pause();
    downstream.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
    // Its answer is there before it is its turn, so that there is no point in a 100, and the connection is closed behind it.
    downstream.write('POST /last HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nbody');
    downstream.write(`GET /next HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`);
    await until('the upstream is asked', () => upstream.seen.length >= 2);
    await sleep(200);
    downstream.socket.resume();
    await downstream.closed;
    const { responses, rest } = readResponses(downstream.received());
    assert.deepEqual([responses.map(({ body }) => body.length), rest.length], [[large.length, 0], 0]);
    assert.equal(responses[1]?.headers.connection, 'close');
    await until('all are over', () => running.inFlight() === 0);
    await assertNothingActive(running);
    if (upgrade === 'h2c') assert.deepEqual(upstream.seen, ['GET /large', 'POST /last']);
  });
}
