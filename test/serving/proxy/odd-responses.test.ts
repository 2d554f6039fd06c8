import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTo, rawPost, send } from './downstream.ts';
import { assertCounts, assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

const reasons = { 'latin-1': 'caf\xe9', 'a control character': 'a\x01b', 'no words': '' };
for (const [name, reason] of Object.entries(reasons)) {
  test(`a reason phrase with ${name} costs its words and nothing else`, async (t) => {
    const head = `HTTP/1.1 200 ${reason}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n`;
    const upstream = await startRawUpstream(t, (socket) => socket.end(`${head}ok`, 'latin1'));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const { status, body } = await send(running.url, { method: 'POST', path: INFER });
    assert.deepEqual([status, String(body)], [200, 'ok']);
    await assertCounts(running, { success: 1 });
    await assertNothingActive(running);
    assert.equal(running.inFlight(), 0);
  });
}

test('a response in a transfer coding that would be lost on the way is a failure', async (t) => {
  const chunks = 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const upstream = await startRawUpstream(t, (socket) => socket.end(chunks));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  assert.equal((await send(running.url, { method: 'POST', path: INFER })).status, 502);
  await assertCounts(running, { failure: 1 });
});

test('a pipelined response that waits for its turn is not taken for a stalled reader', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    const large = Buffer.alloc(4 * 1024 * 1024);
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 1_500);
    else response.end(large);
  });
  const timeouts = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 500 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { timeouts })]);
  const downstream = await connectTo(t, running.url);
  downstream.write(rawPost('/slow') + rawPost(INFER).replace('host:', 'connection: close\r\nhost:'));
  await downstream.closed;
  assert.match(downstream.received().slice(0, 400), /slow/);
  assert.ok(downstream.received().length > 4 * 1024 * 1024);
  await assertCounts(running, { success: 1 });
});
