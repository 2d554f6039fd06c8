import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { REFUSING, replicated, retried, startReplica, startSockets } from './replica-servers.ts';
import { assertCounts, assertHttp, INFER, METADATA, startProxy } from './running-proxy.ts';
import { timeoutsFor } from './timeouts.ts';
import { startStuckUpstream } from './upstream-servers.ts';

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex');
const MIB = Buffer.alloc(1024 * 1024, 'one mebibyte of something. ');
const post = { method: 'POST', path: INFER };

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly headers?: OutgoingHttpHeaders;
}

const requests: Record<string, Sent> = {
  'without a body': { method: 'GET', path: METADATA },
  'with a small body': { ...post, body: Buffer.from('{"a":1}') },
  'with an empty body': { ...post, body: Buffer.alloc(0), headers: { 'content-length': 0 } },
  'with a large body': { ...post, body: MIB },
  'with a large body in chunks': { ...post, body: MIB, headers: { 'transfer-encoding': 'chunked' } },
  'that announces trailers': { ...post, body: MIB, headers: { 'transfer-encoding': 'chunked', trailer: 'x-a' } },
  'that waits for the word to go on': { ...post, body: MIB, headers: { expect: '100-continue' } },
  'that waits for it with a small body': { ...post, body: Buffer.from('{}'), headers: { expect: '100-continue' } },
};
for (const [name, request] of Object.entries(requests)) {
  test(`a request ${name} that a replica refuses the connection for succeeds at the other one`, async (t) => {
    const well = await startReplica(t);
    const running = await startProxy(t, [replicated([REFUSING[0], well.url])]);
    // It may be the second one whose turn it is at the one that is down.
    let sent = 0;
    while ((await retried(running)) === 0) {
      assert.equal((await send(running.url, request)).status, 200);
      assert.equal(well.seen.length, ++sent);
    }
    assert.ok(sent <= 2);
    assert.deepEqual(well.bodies, Array(sent).fill(sha256(request.body ?? Buffer.alloc(0))));
    assert.equal(await retried(running), 1);
    await assertCounts(running, request.path === INFER ? { success: sent } : {});
  });
}

test('a request that all replicas refuse the connection for is answered 502 once', async (t) => {
  const running = await startProxy(t, [replicated(REFUSING)]);
  const { status, response } = await send(running.url, { ...post, body: '{}' });
  assert.deepEqual([status, response.headers['proxy-status']], [502, 'metergate; error=destination_unavailable']);
  assert.equal(await retried(running), 1);
  await assertCounts(running, { failure: 1 });
  await assertHttp(running, {
    'http.request.method': 'POST',
    'http.route': '/v2/models/{model_name}/infer',
    'http.response.status_code': 502,
    'error.type': 'upstream_unreachable',
    'inference.upstream.name': 'up',
  });
});

test('a request that the only replica refuses the connection for is not tried again', async (t) => {
  const running = await startProxy(t, [replicated([REFUSING[0]])]);
  assert.equal((await send(running.url, { ...post, body: '{}' })).status, 502);
  assert.equal(await retried(running), 0);
});

const onceRead = (act: (socket: Socket) => void) => (socket: Socket) => void socket.once('data', () => act(socket));
/** What a replica that took the connection does; whether it has done what it was asked for, nobody knows. */
const breaks: Record<string, { does: (socket: Socket) => void; status: number }> = {
  'closes at once': { does: (socket) => socket.end(), status: 502 },
  'closes when it has read': { does: onceRead((socket) => socket.end()), status: 502 },
  'resets when it has read': { does: onceRead((socket) => socket.resetAndDestroy()), status: 502 },
  'closes within its head': { does: onceRead((socket) => socket.end('HTTP/1.1 200 OK\r\nx-a')), status: 502 },
  'says what is no HTTP': { does: onceRead((socket) => socket.write('garbage\r\n\r\n')), status: 502 },
  'says nothing': { does: () => {}, status: 504 },
};
for (const [name, { does, status }] of Object.entries(breaks)) {
  test(`a request whose replica ${name} is not tried again`, async (t) => {
    const replicas = [await startSockets(t, does), await startSockets(t, does)];
    const timeouts = timeoutsFor(status === 504 ? 'upstream_response_timeout' : 'upstream_closed');
    const running = await startProxy(t, [
      replicated(
        replicas.map(({ url }) => url),
        { timeouts },
      ),
    ]);
    for (let n = 1; n <= 2; n++) {
      assert.equal((await send(running.url, { ...post, body: '{}' })).status, status);
      assert.equal(
        replicas.reduce((sum, { connections }) => sum + connections(), 0),
        n,
      );
    }
    assert.equal(await retried(running), 0);
    await assertCounts(running, { failure: 2 });
  });
}

const timeouts = { connectMs: 300, responseHeadersMs: 30_000, idleMs: 30_000 };

test('a request, whatever its body, whose replica accepts no connection goes to the other one', async (t) => {
  const well = await startReplica(t);
  const running = await startProxy(t, [replicated([await startStuckUpstream(t), well.url], { timeouts })]);
  const bodies = [Buffer.from('{}'), MIB, Buffer.from('{}'), MIB];
  const answers = await Promise.all(bodies.map((body) => send(running.url, { ...post, body })));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.deepEqual([...well.bodies].sort(), bodies.map(sha256).sort());
  assert.ok((await retried(running)) >= 1);
  await assertCounts(running, { success: 4 });
});

test('a request whose replicas accept no connection is answered 504 once', async (t) => {
  const stuck = [await startStuckUpstream(t), await startStuckUpstream(t)];
  const running = await startProxy(t, [replicated(stuck, { timeouts })]);
  assert.equal((await send(running.url, { ...post, body: '{}' })).status, 504);
  assert.equal(await retried(running), 1);
  await assertCounts(running, { failure: 1 });
});

test('a request whose downstream left while it was connected for is not sent to another replica', async (t) => {
  const well = await startReplica(t);
  well.mode = 'hold';
  const running = await startProxy(t, [replicated([well.url, await startStuckUpstream(t)], { timeouts })]);
  const downstreams = [await connectTo(t, running.url), await connectTo(t, running.url)];
  for (const downstream of downstreams) downstream.write(rawPost(INFER));
  await until('one has its replica, the other none', () => well.seen.length === 1 && running.inFlight() === 2);
  for (const { socket } of downstreams) socket.resetAndDestroy();
  await assertCounts(running, { aborted: 2 });
  assert.equal(well.seen.length, 1);
  assert.equal(await retried(running), 0);
});
