import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../../support/until.ts';
import { connectTo, send, type RawConnection } from './downstream.ts';
import { assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { readResponses, type ReadResponse } from './response-reader.ts';
import { startUpstream } from './upstream-servers.ts';
import { askForWebSocket } from './websocket-client.ts';
import { startWebSocketUpstream } from './websocket-server.ts';

// Whatever a connection is asked, all at once, in whatever pieces it comes: every request has its own answer, in its turn.

type Framing = 'nothing' | 'length' | 'chunks' | 'trailers';

interface Asked {
  readonly framing: Framing;
  readonly isUpgrade: boolean;
  readonly expects: boolean;
  readonly isHead: boolean;
  readonly bytes: number;
  readonly delayMs: number;
  /** How the upstream answers. */
  readonly answer: 'length' | 'chunks' | 'trailers' | 'hints' | 'empty';
  readonly answerBytes: number;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  framing: fc.constantFrom<Framing>('nothing', 'length', 'chunks', 'trailers'),
  isUpgrade: fc.boolean(),
  expects: fc.constantFrom(false, false, true),
  isHead: fc.constantFrom(false, false, false, true),
  bytes: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 100_000 })),
  delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15 })),
  answer: fc.constantFrom('length', 'chunks', 'trailers', 'hints', 'empty'),
  answerBytes: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 300_000 })),
});

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const bodyOf = ({ bytes }: Asked, n: number): string => `${n}`.repeat(bytes).slice(0, bytes);
const methodOf = ({ framing, isHead }: Asked): string => (framing !== 'nothing' ? 'POST' : isHead ? 'HEAD' : 'GET');

/** As bytes. @param n which one it is. */
function textOf(each: Asked, n: number): string {
  const { framing, isUpgrade, expects, delayMs, answer, answerBytes } = each;
  const body = bodyOf(each, n);
  const half = Math.ceil(body.length / 2);
  const chunks = [body.slice(0, half), body.slice(half)].filter((part) => part !== '');
  const chunked = chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
  const [lines, content] = {
    nothing: [[], ''] as const,
    length: [[`content-length: ${body.length}`], body] as const,
    chunks: [['transfer-encoding: chunked'], `${chunked}0\r\n\r\n`] as const,
    trailers: [['transfer-encoding: chunked', 'trailer: x-n'], `${chunked}0\r\nx-n: ${n}\r\n\r\n`] as const,
  }[framing];
  const head = [
    ...[`${methodOf(each)} ${INFER} HTTP/1.1`, 'host: a', `x-n: ${n}`, `x-delay: ${delayMs}`],
    ...[`x-answer: ${answer}`, `x-bytes: ${answerBytes}`, ...lines],
    ...(isUpgrade ? ['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AA'] : []),
    ...(expects ? ['expect: 100-continue'] : []),
  ];
  return `${head.join('\r\n')}\r\n\r\n${content}`;
}

async function answerAsAsked(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { 'x-n': n = '', 'x-delay': delayMs, 'x-answer': answer, 'x-bytes': bytes } = request.headers;
  const body = await buffer(request);
  if (Number(delayMs) > 0) await sleep(Number(delayMs));
  if (answer === 'hints') response.writeEarlyHints({ link: `</${String(n)}>; rel=preload` });
  const said = answer === 'empty' ? '' : 'r'.repeat(Number(bytes));
  const isChunked = (answer === 'chunks' || answer === 'trailers') && request.method !== 'HEAD';
  response.writeHead(200, {
    ...{ 'x-n': n, 'x-sha': sha256(body), 'x-trailer': request.trailers['x-n'] ?? 'none' },
    ...(isChunked ? { trailer: 'x-end' } : { 'content-length': said.length }),
  });
  if (answer === 'trailers') response.addTrailers({ 'x-end': String(n) });
  response.end(said);
}

/** What one says of itself, in a line. */
function shown({ status, headers, body, trailers }: ReadResponse): string {
  const { 'x-n': n, 'x-sha': sha, 'x-trailer': trailer } = headers;
  return [status, n, sha, trailer, body.length, ...trailers].join(' ');
}

function expected(each: Asked, n: number): string {
  const sha = sha256(each.framing === 'nothing' ? '' : bodyOf(each, n));
  const isEmpty = methodOf(each) === 'HEAD' || each.answer === 'empty';
  const trailers = each.answer === 'trailers' && !isEmpty ? [`x-end: ${n}`] : [];
  return [200, n, sha, each.framing === 'trailers' ? n : 'none', isEmpty ? 0 : each.answerBytes, ...trailers].join(' ');
}

async function write({ socket }: RawConnection, text: string, cuts: readonly number[]): Promise<void> {
  let at = 0;
  for (const cut of cuts) {
    const end = Math.min(text.length, at + cut);
    socket.write(text.slice(at, end), 'latin1');
    at = end;
    await new Promise(setImmediate);
  }
  socket.write(text.slice(at), 'latin1');
}

const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 70_000 })), {
  maxLength: 30,
});
test('each of many mixed requests on one connection has its own answer, whole and in its turn', async (t) => {
  const upstream = await startUpstream(t, (request, response) => void answerAsAsked(request, response));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 10 }), cuts, async (some, pieces) => {
      // An answer to one that expected a 100, and did not wait for it, may close the connection.
      const all = some.map((each, n) => ({ ...each, expects: each.expects && n === some.length - 1 }));
      const downstream = await connectTo(t, running.url);
      const isHead = (n: number): boolean => all[n] !== undefined && methodOf(all[n]) === 'HEAD';
      await write(downstream, all.map(textOf).join(''), pieces);
      const finals = () => readResponses(downstream.received(), isHead).responses.filter(({ status }) => status >= 200);
      await until('all are answered', () => finals().length >= all.length);
      assert.equal(readResponses(downstream.received(), isHead).rest, '');
      assert.deepEqual(finals().map(shown), all.map(expected));
      downstream.socket.destroy();
    }),
    { numRuns: 60 },
  );
  await until('all are over', () => running.inFlight() === 0);
  await assertNothingActive(running);
});

test('small answers behind a large one that is read slowly are answered, and the large one is whole', async (t) => {
  const large = 'r'.repeat(16 * 1024 * 1024);
  const upstream = await startUpstream(
    t,
    (request, response) => void response.end(request.url === '/large' ? large : 'small'),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.socket.pause();
  downstream.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n');
  await sleep(100);
  downstream.write('GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3));
  await sleep(100);
  downstream.socket.resume();
  await until(
    'all are there',
    () => downstream.received().length > large.length && downstream.received().split('\r\n\r\nsmall').length === 4,
  );
  await until('all are over', () => running.inFlight() === 0);
});

const departures = ['end', 'destroy', 'resetAndDestroy'] as const;
test('connections that are given up at any moment, with whatever under way on them, leave nothing behind', async (t) => {
  const answer: RequestListener = (...asked) => void answerAsAsked(...asked).catch(() => {});
  const upstream = await startWebSocketUpstream(t, { greeting: 'welcome', answer });
  const running = await startProxy(t, [upstreamAt(upstream.url, { requestsInFlightMax: 5 })]);
  const abandon = fc.record({
    all: fc.array(asked, { minLength: 1, maxLength: 6 }),
    afterMs: fc.integer({ min: 0, max: 25 }),
    how: fc.constantFrom(...departures),
    isRead: fc.boolean(),
    endsInWebSocket: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(abandon, { minLength: 1, maxLength: 8 }), async (connections) => {
      const rounds = connections.map(async ({ all, afterMs, how, isRead, endsInWebSocket }) => {
        const downstream = await connectTo(t, running.url);
        if (!isRead) downstream.socket.pause();
        downstream.write(all.map(textOf).join('') + (endsInWebSocket ? askForWebSocket() : ''));
        await sleep(afterMs);
        downstream.socket[how]();
        await sleep(5);
        downstream.socket.destroy();
      });
      await Promise.all(rounds);
    }),
    { numRuns: 60 },
  );
  await until('all are over', () => running.inFlight() === 0);
  await until('nothing is active', async () => (await running.telemetry.value('http.server.active_requests')) === 0);
  await assertNothingActive(running);
  const [{ requestsWaiting, replicas }] = running.proxy.status().upstreams as [Status];
  assert.deepEqual([requestsWaiting, replicas.map(({ requestsInFlight }) => requestsInFlight)], [0, [0]]);
  const whole = await send(running.url, { method: 'POST', path: INFER, body: '{}', headers: { 'x-answer': 'empty' } });
  assert.equal(whole.status, 200);
});

interface Status {
  readonly requestsWaiting: number;
  readonly replicas: readonly { readonly requestsInFlight: number }[];
}
