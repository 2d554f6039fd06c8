import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { discardRest } from '../../../src/serving/proxy/linger.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, type RawConnection } from './downstream.ts';
import { assertCounts, assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const BODY_BYTES = 32 * 1024 * 1024;
const head = (path: string): string => `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`;

/** As many downstreams do it: sends everything, and reads only then. */
async function sendAllThenRead({ socket }: RawConnection): Promise<void> {
  socket.pause();
  const part = Buffer.alloc(256 * 1024);
  for (let sent = 0; sent < BODY_BYTES; sent += part.length) {
    if (!socket.write(part)) await once(socket, 'drain');
  }
  socket.resume();
}

test("an upstream's answer before the end of the request body reaches a downstream that sends all of it first", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(413).end('too large'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(head(INFER));
  await sendAllThenRead(downstream);
  await downstream.see('too large');
  assert.match(downstream.received(), /^HTTP\/1.1 413 /);
  await assertCounts(running, { failure: 1 });
  downstream.write(rawPost(INFER));
  await until('the connection goes on', () => downstream.received().split('HTTP/1.1 413 ').length === 3);
  await assertCounts(running, { failure: 2 });
});

test('so does an answer of ours', async (t) => {
  const running = await startProxy(t, [upstreamAt('http://127.0.0.1:1', { pathPrefix: '/up' })]);
  const downstream = await connectTo(t, running.url);
  downstream.write(head('/elsewhere'));
  await sendAllThenRead(downstream);
  await downstream.see('"code":"no_route"}');
  await assertCounts(running, { rejected: 1 });
});

test('an answer comes at once, and a downstream that then leaves within its body is counted once', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(202).end('enough'));
  const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: '/up' })]);
  for (const path of [`/up${INFER}`, '/elsewhere']) {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const downstream = await connectTo(t, running.url);
      downstream.write(`${head(path)}part`);
      await downstream.see('HTTP/1.1 ');
      downstream.socket[how]();
      await downstream.closed;
      assert.equal(downstream.received().split('HTTP/1.1 ').length, 2);
    }
  }
  await assertCounts(running, { success: 2, rejected: 2 });
});

test('a response that streams while the request does is a success when both end', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    response.write('early ');
    request.resume().on('end', () => response.end('late'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nhalf`);
  await downstream.see('early ');
  downstream.write('half');
  await downstream.see('late');
  await assertCounts(running, { success: 1 });
  await assertNothingActive(running);
});

test('what is left of a request is read for a while, then the connection is closed', async (t) => {
  const server = createServer((request, response) => {
    response.on('close', () => discardRest(request, 50)).end('enough');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const downstream = await connectTo(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  downstream.write(`${head('/')}part`);
  await downstream.see('enough');
  await downstream.closed;
});
