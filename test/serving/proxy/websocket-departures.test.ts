import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, type RawConnection } from './downstream.ts';
import { assertNothingActive, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';
import { askForWebSocket } from './websocket-client.ts';
import { frame, OPCODE, startWebSocketUpstream } from './websocket-server.ts';

const LARGE = 'x'.repeat(8 * 1024 * 1024);

const departures: Record<string, (downstream: RawConnection) => void> = {
  'closes its half': ({ socket }) => void socket.end(),
  closes: ({ socket }) => void socket.destroy(),
  'breaks its connection': ({ socket }) => void socket.resetAndDestroy(),
};
for (const [name, leave] of Object.entries(departures)) {
  for (const [when, behind] of [
    ['', ''],
    [', with words behind its request', 'words'],
  ] as const) {
    test(`a downstream that ${name} before the WebSocket is open${when} has left`, async (t) => {
      const upstream = await startRawUpstream(t, () => {});
      const running = await startProxy(t, [upstreamAt(upstream.url)]);
      const downstream = await connectTo(t, running.url);
      downstream.write(askForWebSocket('/v2') + behind);
      await until('the upstream has it', () => upstream.received() !== '');
      leave(downstream);
      await until('it is over', () => running.inFlight() === 0);
      await until('the connection to the upstream is closed', () =>
        upstream.sockets.every(({ destroyed }) => destroyed),
      );
      const left = { 'error.type': 'downstream_closed', 'inference.upstream.name': 'up' };
      assert.equal(await running.telemetry.value('http.server.request.duration', left), 1);
      await assertNothingActive(running);
    });
  }
}

const fates: Record<string, (socket: Socket) => void> = {
  closes: (socket) => socket.destroy(),
  breaks: (socket) => socket.resetAndDestroy(),
  'sends 1 MiB and closes': (socket) => socket.end(LARGE.slice(0, 1024 * 1024)),
};
for (const [name, end] of Object.entries(fates)) {
  test(`an upstream that opens a WebSocket and ${name} before it is its turn on the connection ends it`, async (t) => {
    let answerFirst = (): void => {};
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      if (received.startsWith('GET /slow '))
        answerFirst = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst');
      else socket.write('HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nopen', () => end(socket));
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`GET /slow HTTP/1.1\r\nhost: a\r\n\r\n${askForWebSocket()}`);
    await until('the upstream has both', () => upstream.sockets.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    answerFirst();
    await downstream.see('first');
    await downstream.closed;
    await until('it is over', () => running.inFlight() === 0);
    assert.equal(await running.telemetry.value('http.server.request.duration'), 2);
    await assertNothingActive(running);
  });
}

test('at the deadline of a shutdown a request for a WebSocket is answered', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(askForWebSocket());
  await until('the upstream has it', () => upstream.received() !== '');
  await running.proxy.shutdown(deadlineIn(100));
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1.1 504 .*"code":"shutdown"\}$/s);
});

test('a refusal that nobody reads does not hold up a shutdown at its deadline', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(403).end(LARGE));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.socket.pause();
  downstream.write(askForWebSocket());
  await until('it is on its way', () => upstream.seen.length === 1);
  await running.proxy.shutdown(deadlineIn(100));
  await until('it is over', () => running.inFlight() === 0);
  await assertNothingActive(running);
});

test('200 WebSockets that end in any way and at any time leave nothing behind', async (t) => {
  const upstream = await startWebSocketUpstream(t, { greeting: 'x'.repeat(10_000) });
  const running = await startProxy(t, [upstreamAt(upstream.url)], {
    limits: { requestsInFlightMax: 1_000, connectionsMax: 1_000 },
  });
  const rounds = Array.from({ length: 200 }, async (_, n) => {
    const downstream = await connectTo(t, running.url);
    downstream.write(askForWebSocket() + (n % 2 === 0 ? frame(OPCODE.text, 'hello').toString('latin1') : ''));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    const end = Math.floor(Math.random() * 5);
    if (end === 0) downstream.socket.resetAndDestroy();
    else if (end === 1) downstream.socket.destroy();
    else if (end === 2) downstream.write(frame(OPCODE.close, '', { masked: true }));
    else if (end === 3) upstream.sockets[n]?.destroy();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    downstream.socket.destroy();
  });
  await Promise.all(rounds);
  await until('all are over', () => running.inFlight() === 0);
  await assertNothingActive(running);
  const duration = await running.telemetry.value('http.server.request.duration');
  assert.ok(duration <= 200 && duration > 100, String(duration));
  await until('all are closed', () => upstream.sockets.every(({ destroyed }) => destroyed));
});

test('a large answer in front of a request for a WebSocket arrives whole, and then the WebSocket', async (t) => {
  const upstream = await startWebSocketUpstream(t, {
    greeting: 'welcome',
    answer: (_request, response) => void response.writeHead(200, { 'content-length': LARGE.length }).end(LARGE),
  });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(`GET /large HTTP/1.1\r\nhost: a\r\n\r\n${askForWebSocket()}`);
  await until('all is there', () => downstream.received().length > LARGE.length + 200);
  await downstream.see('welcome');
  assert.ok(downstream.received().includes(`\r\n\r\n${LARGE}HTTP/1.1 101 `));
});

test('a WebSocket behind answers that wait to be read hears all that is said, and hears who leaves', async (t) => {
  const upstream = await startWebSocketUpstream(t, {
    greeting: 'welcome',
    answer: (request, response) => void response.end(request.url === '/large' ? LARGE : 'small'),
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.socket.pause();
  downstream.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Node reads no further behind the second, but the third is in the same piece.
  downstream.write(`GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n${askForWebSocket()}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  downstream.socket.resume();
  await downstream.see('welcome');
  downstream.write(frame(OPCODE.text, 'are you there?', { masked: true }));
  await downstream.see('are you there?');
  downstream.socket.destroy();
  await until('it is over', () => running.inFlight() === 0);
  await assertNothingActive(running);
});
