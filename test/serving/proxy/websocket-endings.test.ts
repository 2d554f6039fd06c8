import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, send, type RawConnection } from './downstream.ts';
import { assertCounts, assertHttp, assertNothingActive, startProxy, upstreamAt } from './running-proxy.ts';
import type { ProxyChanges, RunningProxy } from './running-proxy.ts';
import { askForWebSocket, openWebSocket } from './websocket-client.ts';
import {
  frame,
  OPCODE,
  startWebSocketUpstream,
  type WebSocketOptions,
  type WebSocketUpstream,
} from './websocket-server.ts';

/** A prediction by any method: so a WebSocket there is an inference request. */
const PREDICT = '/predictions/iris';

interface Open {
  readonly running: RunningProxy;
  readonly upstream: WebSocketUpstream;
  readonly downstream: RawConnection;
  /** The upstream's end. */
  readonly far: Socket;
}

interface OpenOptions extends Pick<WebSocketOptions, 'staysHalfOpen'> {
  readonly upstream?: Partial<UpstreamOptions>;
  readonly proxy?: ProxyChanges;
}

/** A WebSocket through the proxy, with bare connections on both ends. */
async function openTunnel(t: TestContext, { upstream: changes, proxy, ...how }: OpenOptions = {}): Promise<Open> {
  const answer: RequestListener = (_request, response) => void response.end('ok');
  const upstream = await startWebSocketUpstream(t, { greeting: 'welcome', answer, ...how });
  const protocol = protocols.torchserve({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol, ...changes })], proxy);
  const downstream = await connectTo(t, running.url);
  downstream.write(askForWebSocket(PREDICT));
  await downstream.see('welcome');
  const [far] = upstream.sockets;
  assert.ok(far instanceof Socket);
  return { running, upstream, downstream, far };
}

interface Ending {
  /** What is said or done until both sides are closed. */
  readonly end: (open: Open) => void;
  readonly outcome: 'success' | 'failure' | 'aborted';
  readonly error?: string;
}

const CLOSE = frame(OPCODE.close, Buffer.from([3, 232]));
const endings: Record<string, Ending> = {
  'the downstream says goodbye, and the upstream too': {
    end: ({ downstream }) => downstream.write(frame(OPCODE.close, '', { masked: true })),
    outcome: 'success',
  },
  'the upstream says goodbye, and the downstream too': {
    end: ({ far, downstream }) => {
      far.end(CLOSE);
      downstream.socket.once('data', () => downstream.socket.end(frame(OPCODE.close, '', { masked: true })));
    },
    outcome: 'success',
  },
  'the upstream just closes': { end: ({ far }) => far.end(), outcome: 'success' },
  'the downstream just closes, and the upstream follows': {
    end: ({ downstream }) => void downstream.socket.end(),
    outcome: 'success',
  },
  'the downstream breaks its connection': {
    end: ({ downstream }) => downstream.socket.resetAndDestroy(),
    outcome: 'aborted',
    error: 'downstream_closed',
  },
  'the upstream breaks its connection': {
    end: ({ far }) => far.resetAndDestroy(),
    outcome: 'failure',
    error: 'upstream_closed',
  },
};
for (const [name, { end, outcome, error }] of Object.entries(endings)) {
  test(`a WebSocket where ${name} is counted once, as ${outcome}`, async (t) => {
    const open = await openTunnel(t);
    const { running, downstream, far } = open;
    assert.equal(await running.telemetry.value('inference.active_requests'), 1);
    end(open);
    await downstream.closed;
    await until('the upstream is closed', () => far.destroyed);
    await assertCounts(running, { [outcome]: 1 });
    await assertHttp(running, {
      'http.request.method': 'GET',
      'http.route': '/predictions/{model_name}',
      'http.response.status_code': 101,
      'inference.upstream.name': 'up',
      ...(error !== undefined && { 'error.type': error }),
    });
    const duration = { 'inference.outcome': outcome, ...(error !== undefined && { 'error.type': error }) };
    assert.equal(await running.telemetry.value('inference.request.duration', duration), 1);
  });
}

const handshakes: Record<string, { close: (open: { socket: WebSocket; far: Socket }) => void; code: number }> = {
  downstream: { close: ({ socket }) => socket.close(4_001, 'enough'), code: 4_001 },
  upstream: {
    close: ({ far }) => far.write(frame(OPCODE.close, Buffer.from([0x0f, 0xa2, ...Buffer.from('enough')]))),
    code: 4_002,
  },
};
for (const [side, { close, code }] of Object.entries(handshakes)) {
  test(`the closing handshake of the ${side} passes with its code and reason`, async (t) => {
    const upstream = await startWebSocketUpstream(t);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const { socket, closed } = await openWebSocket(t, `${running.url}/chat`);
    close({ socket, far: upstream.sockets[0] as Socket });
    assert.deepEqual(await closed, { code, reason: 'enough', wasClean: true });
    await until('it is over', () => running.inFlight() === 0);
    await assertNothingActive(running);
  });
}

test('a half that the downstream has closed is closed at the upstream, and the other half goes on', async (t) => {
  const { running, downstream, far } = await openTunnel(t, { staysHalfOpen: true });
  downstream.socket.end('last words');
  await once(far, 'end');
  far.write('still here');
  await downstream.see('still here');
  far.end('goodbye');
  await downstream.closed;
  assert.match(downstream.received(), /goodbye$/);
  await assertCounts(running, { success: 1 });
});

test('a WebSocket on which nothing is said is left open for as long as it likes', async (t) => {
  const timeouts = { connectMs: 5_000, responseHeadersMs: 400, idleMs: 400 };
  const limits = { requestHeaderTimeoutMs: 400 };
  const { running, downstream } = await openTunnel(t, { upstream: { timeouts }, proxy: { limits } });
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  downstream.write(frame(OPCODE.text, 'still there?', { masked: true }));
  await downstream.see('still there?');
  assert.equal(running.inFlight(), 1);
});

test('open WebSockets count as requests in flight until they are closed', async (t) => {
  const { running, downstream } = await openTunnel(t, { proxy: { limits: { requestsInFlightMax: 1 } } });
  const refused = await send(running.url, { path: PREDICT });
  assert.deepEqual([refused.status, JSON.parse(refused.body.toString())], [503, { ...REFUSED }]);
  downstream.write(frame(OPCODE.close, '', { masked: true }));
  await downstream.closed;
  await until('it is over', () => running.inFlight() === 0);
  assert.equal((await send(running.url, { path: PREDICT })).status, 200);
  await assertCounts(running, { success: 2, rejected: 1 });
});
const REFUSED = {
  error: 'As many requests as limits.requests_in_flight allows are in flight',
  code: 'requests_in_flight',
};

test('an open WebSocket keeps its place at the upstream, and who waits has it next', async (t) => {
  const { running, downstream } = await openTunnel(t, { upstream: { requestsInFlightMax: 1 } });
  const next = send(running.url, { path: PREDICT });
  await until('it waits', async () => (await running.telemetry.value('inference.queue.size')) === 1);
  downstream.write(frame(OPCODE.close, '', { masked: true }));
  assert.equal((await next).status, 200);
  await assertCounts(running, { success: 2 });
});

test('a WebSocket that is open at the deadline of a shutdown is cut, and a failure by shutdown', async (t) => {
  const { running, downstream, far } = await openTunnel(t);
  const stopped = running.proxy.shutdown(deadlineIn(500));
  downstream.write(frame(OPCODE.text, 'until then', { masked: true }));
  await downstream.see('until then');
  await stopped;
  await downstream.closed;
  await until('the upstream is closed', () => far.destroyed);
  await assertCounts(running, { failure: 1 });
  const shutdown = { 'error.type': 'shutdown', 'http.response.status_code': 101 };
  assert.equal(await running.telemetry.value('http.server.request.duration', shutdown), 1);
});

test('a WebSocket that is closed during a shutdown ends it', async (t) => {
  const { running, downstream } = await openTunnel(t);
  const stopped = running.proxy.shutdown(deadlineIn(3_600_000));
  downstream.write(frame(OPCODE.close, '', { masked: true }));
  await stopped;
  await assertCounts(running, { success: 1 });
});
