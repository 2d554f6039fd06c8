import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream } from './upstream-servers.ts';

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** What the upstream reads of the head of a request, line by line, without its first line and its own `host`. */
async function atUpstream(t: TestContext, lines: readonly string[], version = '1.1'): Promise<string[]> {
  const upstream = await startRawUpstream(t, (socket) => socket.write(answer));
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write([`GET /v2 HTTP/${version}`, ...lines, '', ''].join('\r\n'));
  await downstream.see('\r\n\r\nok');
  const [, ...head] = upstream.received().split('\r\n\r\n')[0]?.split('\r\n') ?? [];
  assert.equal(head.filter((line) => line === `host: ${new URL(upstream.url).host}`).length, 1);
  return head.filter((line) => !/^(host|connection):/.test(line));
}

const FORWARDED = [
  'x-forwarded-for: 127.0.0.1',
  'x-forwarded-proto: http',
  'x-forwarded-host: gateway',
  'via: 1.1 metergate',
];

const requests: Record<string, { in: string[]; out: string[] }> = {
  'a request without anything gets what says where it came from': { in: ['host: gateway'], out: FORWARDED },
  'headers pass with their names, order and bytes as they came': {
    in: ['Host: gateway', 'X-B: 2', 'x-a: é;q="1"', 'ACCEPT:  */*  ', 'x-empty:'],
    out: ['X-B: 2', 'x-a: é;q="1"', 'ACCEPT: */*', 'x-empty: ', ...FORWARDED],
  },
  'headers that come twice stay two': {
    in: ['host: gateway', 'x-a: 1', 'cookie: a=1', 'X-A: 2', 'cookie: b=2'],
    out: ['x-a: 1', 'cookie: a=1', 'X-A: 2', 'cookie: b=2', ...FORWARDED],
  },
  'credentials for the upstream pass': {
    in: ['host: gateway', 'Authorization: Bearer t'],
    out: ['Authorization: Bearer t', ...FORWARDED],
  },
  'hop-by-hop headers and what was meant for us stop here': {
    in: [
      'host: gateway',
      'connection: keep-alive',
      'keep-alive: timeout=5',
      'proxy-connection: keep-alive',
      'proxy-authorization: Basic x',
      'proxy-authenticate: Basic',
      'te: trailers',
      'trailer: x-t',
      'upgrade: h2c',
    ],
    out: FORWARDED,
  },
  'headers that Connection nominates stop here, in whatever case and over several lines': {
    in: ['host: gateway', 'connection: X-One, close', 'x-one: 1', 'Connection: x-TWO', 'X-two: 2', 'x-three: 3'],
    out: ['x-three: 3', ...FORWARDED],
  },
  'X-Forwarded-For and Via are appended to, over several lines too': {
    in: ['host: gateway', 'X-Forwarded-For: 1.1.1.1', 'x-forwarded-for: 2.2.2.2', 'via: 1.0 a, 1.1 b'],
    out: [
      'x-forwarded-for: 1.1.1.1, 2.2.2.2, 127.0.0.1',
      'x-forwarded-proto: http',
      'x-forwarded-host: gateway',
      'via: 1.0 a, 1.1 b, 1.1 metergate',
    ],
  },
  'X-Forwarded-Proto and -Host of an earlier proxy are kept': {
    in: ['host: gateway', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: example.org'],
    out: [
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: example.org',
      'via: 1.1 metergate',
    ],
  },
};
for (const [name, { in: lines, out }] of Object.entries(requests)) {
  test(name, async (t) => {
    // As bytes of one encoding on both ways: what is not ASCII is passed on as it is.
    const latin1 = (line: string) => Buffer.from(line).toString('latin1');
    assert.deepEqual(await atUpstream(t, lines), out.map(latin1));
  });
}

test('what frames or routes the message cannot be nominated away', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(answer));
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(
    `POST ${INFER} HTTP/1.1\r\nhost: a\r\nconnection: content-length, host\r\ncontent-length: 4\r\n\r\nbody`,
  );
  await downstream.see('\r\n\r\nok');
  assert.match(upstream.received(), /\r\nx-forwarded-host: a\r\n/);
  assert.match(upstream.received(), /\r\ncontent-length: 4\r\n\r\nbody$/);
});

test('to HTTP/1.0 without a Host nothing is made up, and Via says the version', async (t) => {
  const lines = await atUpstream(t, [], '1.0');
  assert.deepEqual(lines, ['x-forwarded-for: 127.0.0.1', 'x-forwarded-proto: http', 'via: 1.0 metergate']);
});

test('an Expect is passed on, and answered when the upstream does', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    if (received.endsWith('body')) socket.write(answer);
  });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n`);
  await downstream.see('HTTP/1.1 100 Continue\r\n\r\n');
  downstream.write('body');
  await downstream.see('\r\n\r\nok');
  assert.match(upstream.received(), /\r\nexpect: 100-continue\r\n/i);
});

/** What the downstream reads of the head of a response. */
async function atDownstream(t: TestContext, lines: readonly string[]): Promise<string[]> {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.write([`HTTP/1.1 200 Fine`, ...lines, 'content-length: 2', '', 'ok'].join('\r\n')),
  );
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write('GET /v2 HTTP/1.1\r\nhost: gateway\r\n\r\n');
  await downstream.see('\r\n\r\nok');
  const [first, ...head] = downstream.received().split('\r\n\r\n')[0]?.split('\r\n') ?? [];
  assert.equal(first, 'HTTP/1.1 200 Fine');
  return head.filter((line) => !/^(date|connection|keep-alive|content-length):/i.test(line));
}

const responses: Record<string, { in: string[]; out: string[] }> = {
  'response headers pass, and duplicates stay apart': {
    in: [
      'Content-Type: text/plain',
      'Set-Cookie: a=1',
      'X-A: 1',
      'Set-Cookie: b=2; path=/',
      'x-a: 2',
      'Set-Cookie: c=3',
    ],
    out: [
      'content-type: text/plain',
      'set-cookie: a=1',
      'set-cookie: b=2; path=/',
      'set-cookie: c=3',
      'x-a: 1',
      'x-a: 2',
    ],
  },
  'bytes beyond ASCII pass as they are': { in: ['x-a: é€'], out: ['x-a: é€'] },
  'hop-by-hop headers of the upstream stop here': {
    in: ['keep-alive: timeout=5', 'proxy-authenticate: Basic', 'trailer: x', 'te: x', 'upgrade: h2c', 'x-a: 1'],
    out: ['x-a: 1'],
  },
  'what the upstream nominates stops here, over several lines too': {
    in: ['connection: keep-alive, X-One', 'x-one: 1', 'Connection: x-two', 'x-two: 2', 'x-three: 3'],
    out: ['x-three: 3'],
  },
  'a name that objects have already is a name like others': {
    in: ['constructor: 1', 'tostring: 2', 'hasownproperty: 3'],
    out: ['constructor: 1', 'tostring: 2', 'hasownproperty: 3'],
  },
};
for (const [name, { in: lines, out }] of Object.entries(responses)) {
  test(name, async (t) => {
    const latin1 = (line: string) => Buffer.from(line).toString('latin1');
    assert.deepEqual((await atDownstream(t, lines)).sort(), out.map(latin1).sort());
  });
}

test('the upstream closing its connection does not close that of the downstream', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'),
  );
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  for (let n = 1; n <= 3; n++) {
    downstream.write('GET /v2 HTTP/1.1\r\nhost: gateway\r\n\r\n');
    await until(`answer ${n} comes`, () => downstream.received().split('\r\n\r\nok').length > n);
  }
  assert.equal(upstream.sockets.length, 3);
});
