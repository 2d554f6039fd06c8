import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { connectTo, send, type RawConnection } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt, type ProxyChanges } from './running-proxy.ts';
import { closedUrl, startRawUpstream, startUpstream } from './upstream-servers.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const MEBIBYTE = randomBytes(1024 * 1024);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A head that waits. */
const asking = (lines: readonly string[], path = INFER): string =>
  [`POST ${path} HTTP/1.1`, 'host: a', 'expect: 100-continue', ...lines, '', ''].join('\r\n');
const LENGTH_4 = asking(['content-length: 4']);

const countOf = (downstream: RawConnection, text: string): number => downstream.received().split(text).length - 1;

/** Says that it goes on, as Node's server does by itself, and then what it got. */
const answerHash = (request: IncomingMessage, response: ServerResponse): void => {
  void buffer(request).then((body) => response.end(`${request.headers.expect} ${sha256(body)}`));
};

const bodies: Record<string, { body: Buffer; lines: string[]; framed?: Buffer }> = {
  'a small body': { body: Buffer.from('body'), lines: ['content-length: 4'] },
  'an empty body': { body: Buffer.alloc(0), lines: ['content-length: 0'] },
  '1 MiB': { body: MEBIBYTE, lines: [`content-length: ${MEBIBYTE.length}`] },
  '1 MiB in chunks': {
    body: MEBIBYTE,
    lines: ['transfer-encoding: chunked'],
    framed: Buffer.concat([Buffer.from(`${MEBIBYTE.length.toString(16)}\r\n`), MEBIBYTE, Buffer.from('\r\n0\r\n\r\n')]),
  },
};
for (const [name, { body, lines, framed = body }] of Object.entries(bodies)) {
  test(`${name} that waits for a 100 is sent after one, and arrives as it is`, async (t) => {
    const upstream = await startUpstream(t, answerHash);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    for (let round = 1; round <= 2; round++) {
      downstream.write(asking(lines));
      await until('it may go on', () => countOf(downstream, CONTINUE) === round);
      downstream.write(framed);
      await until('it is answered', () => countOf(downstream, `100-continue ${sha256(body)}`) === round);
    }
    assert.equal(countOf(downstream, CONTINUE), 2);
    await assertCounts(running, { success: 2 });
  });
}

const finals: Record<string, { says: string; status: number }> = {
  'a 413': { says: 'HTTP/1.1 413 Large\r\ncontent-length: 5\r\n\r\nlarge', status: 413 },
  'a 417': { says: 'HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n', status: 417 },
  'a 401 that closes': { says: 'HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno', status: 401 },
  'a 200': { says: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', status: 200 },
};
for (const [name, { says, status }] of Object.entries(finals)) {
  test(`where the upstream answers ${name} at once, there is no 100, and no body is waited for`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => socket.write(says));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(LENGTH_4);
    await downstream.see(says.split('\r\n\r\n')[1] ?? '');
    await assertCounts(running, status < 400 ? { success: 1 } : { failure: 1 });
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${status} `));
    assert.equal(countOf(downstream, CONTINUE), 0);
    assert.doesNotMatch(upstream.received(), /body/);

    // One that sends its body all the same gets its next answer, too, or is told that there is none.
    downstream.write(`bodyGET /v2 HTTP/1.1\r\nhost: a\r\n\r\n`);
    if (/^connection: close$/im.test(downstream.received())) await downstream.closed;
    else await until('the next is answered', () => countOf(downstream, `HTTP/1.1 ${status} `) === 2);
  });
}

test('of two 100s of the upstream one passes', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write(CONTINUE + CONTINUE);
    if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await downstream.see(CONTINUE);
  downstream.write('body');
  await downstream.see('\r\n\r\nok');
  assert.equal(countOf(downstream, CONTINUE), 1);
  await assertCounts(running, { success: 1 });
});

test('a downstream that is tired of waiting sends its body, and gets its answer without a 100', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('the upstream has the head', () => upstream.received().endsWith('\r\n\r\n'));
  downstream.write('body');
  await downstream.see('\r\n\r\nok');
  assert.equal(countOf(downstream, CONTINUE), 0);
  await assertCounts(running, { success: 1 });
});

interface Refusal {
  readonly path?: string;
  readonly length?: string;
  readonly changes?: ProxyChanges;
  readonly upstream?: (t: TestContext) => Promise<string>;
  readonly status: number;
  readonly code: string;
}

const silent = async (t: TestContext): Promise<string> => (await startRawUpstream(t, () => {})).url;
const closing = async (t: TestContext): Promise<string> => (await startRawUpstream(t, (socket) => socket.end())).url;
const refusals: Record<string, Refusal> = {
  'cannot be sent': { status: 502, code: 'upstream_unreachable' },
  'the upstream closes on': { upstream: closing, status: 502, code: 'upstream_closed' },
  'the upstream has no word for': { upstream: silent, status: 504, code: 'upstream_response_timeout' },
  'leads nowhere': { path: '/elsewhere', status: 404, code: 'no_route' },
  'has a path with dots': { path: '/up/../v2', status: 400, code: 'malformed_path' },
  'is too large': { length: '1000000001', status: 413, code: 'request_body_too_large' },
  'is one too many': { changes: { limits: { requestsInFlightMax: 0 } }, status: 503, code: 'requests_in_flight' },
};
for (const [name, { path = `/up${INFER}`, length = '4', upstream = closedUrl, ...refusal }] of Object.entries(
  refusals,
)) {
  test(`a request that ${name} gets its ${refusal.status} and no 100`, async (t) => {
    const timeouts = { connectMs: 5_000, responseHeadersMs: 200, idleMs: 30_000 };
    const up = upstreamAt(await upstream(t), { pathPrefix: '/up', timeouts });
    const running = await startProxy(t, [up], refusal.changes);
    const downstream = await connectTo(t, running.url);
    downstream.write(asking([`content-length: ${length}`], path));
    await downstream.see(`"code":"${refusal.code}"}`);
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${refusal.status} `), downstream.received());
    await assertCounts(running, refusal.status === 502 || refusal.status === 504 ? { failure: 1 } : { rejected: 1 });
  });
}

test('one that waits in the queue is told to go on when it has its place', async (t) => {
  let answer = (): void => {};
  const upstream = await startUpstream(t, (request, response) => {
    if (request.headers.expect === undefined) answer = () => response.end('first');
    else answerHash(request, response);
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { requestsInFlightMax: 1 })]);
  const first = send(running.url, { method: 'POST', path: INFER });
  await until('the first is under way', () => upstream.seen.length === 1);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('it waits', async () => (await running.telemetry.value('inference.queue.size')) === 1);
  assert.equal(downstream.received(), '');
  answer();
  await first;
  await downstream.see(CONTINUE);
  downstream.write('body');
  await downstream.see(sha256(Buffer.from('body')));
  await assertCounts(running, { success: 2 });
});

test('one whose first replica cannot be reached is told to go on by the second', async (t) => {
  const upstream = await startUpstream(t, answerHash);
  const urls = [new URL(await closedUrl()), new URL(upstream.url)];
  const running = await startProxy(t, [upstreamAt(upstream.url, { urls })]);
  for (let round = 1; round <= 4; round++) {
    const downstream = await connectTo(t, running.url);
    downstream.write(LENGTH_4);
    await downstream.see(CONTINUE);
    downstream.write('body');
    await downstream.see(sha256(Buffer.from('body')));
    assert.equal(countOf(downstream, CONTINUE), 1);
  }
  await assertCounts(running, { success: 4 });
});

test('one whose model is in its body is told to go on, since nobody knows where to before', async (t) => {
  const upstream = await startUpstream(t, answerHash);
  const protocol = protocols.openai({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol, models: [{ name: 'llama' }] })]);
  const downstream = await connectTo(t, running.url);
  const body = '{"model": "llama"}';
  downstream.write(asking([`content-length: ${body.length}`], '/v1/completions'));
  await downstream.see(CONTINUE);
  downstream.write(body);
  await downstream.see(sha256(Buffer.from(body)));
  assert.equal(countOf(downstream, CONTINUE), 1);
  assert.equal(await running.telemetry.value('inference.requests', { 'inference.model.name': 'llama' }), 1);
});

for (const patient of [true, false]) {
  test(`a 100 waits for its turn, as answers do, where the downstream ${patient ? 'waits' : 'does not wait'} for it`, async (t) => {
    let answerFirst = (): void => {};
    const upstream = await startUpstream(t, (request, response) => {
      if (request.method === 'GET') answerFirst = () => response.end('first');
      else answerHash(request, response);
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n${LENGTH_4}`);
    await until('the upstream has both', () => upstream.seen.length === 2);
    if (!patient) downstream.write('body');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(downstream.received(), '');
    answerFirst();
    if (patient) {
      await downstream.see(CONTINUE);
      downstream.write('body');
    }
    await downstream.see(sha256(Buffer.from('body')));
    assert.match(
      downstream.received(),
      /^HTTP\/1\.1 200 .*first(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 ((?!HTTP\/1).)*$/s,
    );
  });
}

test('a downstream that leaves while it waits has left', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('the upstream has the head', () => upstream.received() !== '');
  downstream.socket.destroy();
  await assertCounts(running, { aborted: 1 });
  await until('the connection to the upstream is closed', () => upstream.sockets.every(({ destroyed }) => destroyed));
});

const ignored: Record<string, { version: string; expect: string }> = {
  'of something else': { version: '1.1', expect: 'the best' },
  'of a 100 by HTTP/1.0, which knows none': { version: '1.0', expect: '100-continue' },
};
for (const [name, { version, expect }] of Object.entries(ignored)) {
  test(`an expectation ${name} is ignored, and not passed on`, async (t) => {
    const upstream = await startUpstream(t, answerHash);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`POST ${INFER} HTTP/${version}\r\nhost: a\r\nexpect: ${expect}\r\ncontent-length: 4\r\n\r\nbody`);
    await downstream.see(`undefined ${sha256(Buffer.from('body'))}`);
    assert.equal(countOf(downstream, CONTINUE), 0);
    await assertCounts(running, { success: 1 });
  });
}
