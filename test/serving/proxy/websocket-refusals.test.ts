import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import type { ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { assertHttp, assertNothingActive, startProxy, upstreamAt, type ProxyChanges } from './running-proxy.ts';
import { timeoutsFor } from './timeouts.ts';
import { closedUrl, startRawUpstream, startUpstream } from './upstream-servers.ts';
import { askForWebSocket, openWebSocket } from './websocket-client.ts';

const LARGE = 'x'.repeat(8 * 1024 * 1024);

/** What the upstream answers instead of opening a WebSocket. */
const refusals: Record<string, (response: ServerResponse) => { status: number; body: string; line?: RegExp }> = {
  'a 403 with a length': (response) => {
    response.writeHead(403, { 'content-length': 2 }).end('no');
    return { status: 403, body: 'no' };
  },
  'a 426 that says what it wants': (response) => {
    response.writeHead(426, { 'sec-websocket-version': '13', 'content-length': 0 }).end();
    return { status: 426, body: '', line: /^sec-websocket-version: 13$/im };
  },
  'a 200 in chunks': (response) => {
    response.write('one, ');
    setTimeout(() => response.end('two'), 20);
    return { status: 200, body: '5\r\none, \r\n3\r\ntwo\r\n0\r\n\r\n' };
  },
  'a 302': (response) => {
    response.writeHead(302, { location: '/elsewhere', 'content-length': 0 }).end();
    return { status: 302, body: '', line: /^location: \/elsewhere$/im };
  },
  'a 503 of 8 MiB': (response) => {
    response.writeHead(503, { 'content-length': LARGE.length }).end(LARGE);
    return { status: 503, body: LARGE };
  },
};
for (const [name, refuse] of Object.entries(refusals)) {
  test(`${name} to a request for a WebSocket is passed on as it is, and closes the connection`, async (t) => {
    const expected: ReturnType<typeof refuse>[] = [];
    const upstream = await startUpstream(t, (_request, response) => expected.push(refuse(response)));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(askForWebSocket('/chat'));
    assert.equal(await downstream.closed, 'end');
    const [{ status, body, line = /^/ }] = expected as [ReturnType<typeof refuse>];
    const [head = '', ...rest] = downstream.received().split('\r\n\r\n');
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.match(head, line);
    assert.match(head, /^connection: close$/im);
    assert.ok(rest.join('\r\n\r\n') === body);
    await until('it is over', () => running.inFlight() === 0);
    await assertHttp(running, {
      'http.request.method': 'GET',
      'http.route': '_other',
      'http.response.status_code': status,
      'inference.upstream.name': 'up',
      ...(status >= 400 && { 'error.type': String(status) }),
    });
    await assertNothingActive(running);
  });
}

test('a client of WebSockets hears of a refusal', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(403).end());
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  await assert.rejects(openWebSocket(t, url));
});

test('a refusal arrives although the downstream has already said more than it may', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(403).end('refused'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(askForWebSocket() + LARGE);
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1.1 403 .*refused/s);
});

interface Answer {
  readonly upstream?: (t: TestContext) => Promise<string>;
  readonly prefix?: string;
  readonly changes?: ProxyChanges;
  readonly status: number;
  readonly code: ProxyErrorCode;
}

/** Nothing more than that; nothing at all is the end. */
const saying = (text: string) => async (t: TestContext) =>
  (await startRawUpstream(t, (socket) => (text === '' ? socket.end() : socket.write(text)))).url;
const answers: Record<string, Answer> = {
  'that cannot be sent': { upstream: closedUrl, status: 502, code: 'upstream_unreachable' },
  'that gets no answer': { upstream: saying(''), status: 502, code: 'upstream_closed' },
  'that gets rubbish': { upstream: saying('HELLO\r\n\r\n'), status: 502, code: 'upstream_malformed_response' },
  'that gets a 101 which is none': {
    upstream: saying('HTTP/1.1 101 Go\r\n\r\n'),
    ...{ status: 502, code: 'upstream_malformed_response' },
  },
  'that gets a 101 to another protocol': {
    upstream: saying('HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: chess\r\n\r\n'),
    ...{ status: 502, code: 'upstream_malformed_response' },
  },
  'that nobody answers in time': {
    upstream: async (t) => (await startRawUpstream(t, () => {})).url,
    status: 504,
    code: 'upstream_response_timeout',
  },
  'that leads nowhere': { prefix: '/up', status: 404, code: 'no_route' },
  'beyond the limit': { changes: { limits: { requestsInFlightMax: 0 } }, status: 503, code: 'requests_in_flight' },
};
for (const [name, { upstream = closedUrl, prefix = '/', changes, status, code }] of Object.entries(answers)) {
  test(`a request for a WebSocket ${name} is answered ${status}`, async (t) => {
    const up = upstreamAt(await upstream(t), { pathPrefix: prefix, timeouts: timeoutsFor(code) });
    const running = await startProxy(t, [up], changes);
    const downstream = await connectTo(t, running.url);
    downstream.write(askForWebSocket('/v2'));
    assert.equal(await downstream.closed, 'end');
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${status} `), downstream.received());
    assert.equal((JSON.parse(downstream.received().split('\r\n\r\n')[1] ?? '') as { code: string }).code, code);
    await until('it is over', () => running.inFlight() === 0);
    assert.equal(await running.telemetry.value('http.server.request.duration', { 'error.type': code }), 1);
    await assertNothingActive(running);
  });
}
