import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startRawUpstream } from './upstream-servers.ts';

const GET = `POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`;

interface Answered {
  readonly running: RunningProxy;
  /** The whole response. */
  readonly head: string;
  readonly rest: string;
}

/** What the downstream reads when the upstream says this, as often as it is asked. */
async function answered(t: TestContext, says: string, { request = GET, end = /$/ } = {}): Promise<Answered> {
  const upstream = await startRawUpstream(t, (socket) => socket.write(says, 'latin1'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(request);
  await until('the response is whole', () => end.test(downstream.received()));
  const [head = '', ...rest] = downstream.received().split('\r\n\r\n');
  return { running, head, rest: rest.join('\r\n\r\n') };
}

const chunked = (trailers: readonly string[], lines: readonly string[] = []): string =>
  ['HTTP/1.1 200 OK', ...lines, 'transfer-encoding: chunked', '', '4', 'body', '0', ...trailers, '', ''].join('\r\n');

const responses: Record<string, { trailers: string[]; lines?: string[]; passed?: string[] }> = {
  'an announced one passes': { trailers: ['x-sum: 1'], lines: ['trailer: x-sum'] },
  'one that was not announced passes, too': { trailers: ['x-sum: 1'] },
  'several pass': { trailers: ['x-a: 1', 'x-b: two words', 'server-timing: a;dur=1'], lines: ['trailer: x-a, x-b'] },
  'one that comes twice passes with both values': { trailers: ['x-a: 1', 'x-a: 2'], passed: ['x-a: 1', 'x-a: 2'] },
  'bytes beyond ASCII pass': { trailers: ['x-a: \xe9\xff'] },
  'an empty one passes': { trailers: ['x-a: '] },
  'none are made of an announcement': { trailers: [], lines: ['trailer: x-sum'] },
  'what says where a message ends stops here': {
    trailers: ['x-a: 1', 'transfer-encoding: gzip', 'transfer-encoding: chunked'],
    passed: ['x-a: 1'],
  },
  'what is about a connection stops here': {
    trailers: ['x-a: 1', 'connection: close', 'keep-alive: timeout=1', 'upgrade: h2c', 'te: x', 'trailer: y'],
    passed: ['x-a: 1'],
  },
  'what says who one is, or where to go, stops here': {
    trailers: ['x-a: 1', 'host: evil', 'authorization: x', 'set-cookie: a=1', 'www-authenticate: Basic'],
    passed: ['x-a: 1'],
  },
  'what says what the content is stops here': {
    trailers: ['x-a: 1', 'content-type: text/html', 'content-encoding: gzip', 'cache-control: public'],
    passed: ['x-a: 1'],
  },
  'what the response nominates stops here': {
    trailers: ['x-a: 1', 'x-one: 1'],
    lines: ['connection: x-one'],
    passed: ['x-a: 1'],
  },
};
for (const [name, { trailers, lines = [], passed = trailers }] of Object.entries(responses)) {
  test(`of the trailers of a response ${name}`, async (t) => {
    const { running, head, rest } = await answered(t, chunked(trailers, lines), { end: /\r\n0\r\n(.+\r\n)*\r\n$/ });
    assert.deepEqual(rest.split('\r\n').map(normal), ['4', 'body', '0', ...passed, '', '']);
    assert.match(head, /^transfer-encoding: chunked$/im);
    await assertCounts(running, { success: 1 });
  });
}

/** Some write a list with a space and some without. */
function normal(line: string): string {
  return line.replace(/,(?=\S)/g, ', ');
}

test('the announcement of trailers passes', async (t) => {
  const { head } = await answered(t, chunked(['x-sum: 1'], ['trailer: x-sum']), { end: /x-sum: 1\r\n\r\n$/ });
  assert.match(head, /^trailer: x-sum$/im);
});

const without: Record<string, { says: string; request?: string; rest: string }> = {
  'to HTTP/1.0': {
    says: chunked(['x-sum: 1'], ['trailer: x-sum']),
    request: GET.replace('HTTP/1.1', 'HTTP/1.0'),
    rest: 'body',
  },
  'to HEAD': {
    says: 'HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n',
    request: 'HEAD /v2 HTTP/1.1\r\nhost: a\r\n\r\n',
    rest: '',
  },
  'with a content-length': { says: 'HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ncontent-length: 4\r\n\r\nbody', rest: 'body' },
  'of a 204': { says: 'HTTP/1.1 204 No Content\r\ntrailer: x-sum\r\n\r\n', rest: '' },
  'of a 304': { says: 'HTTP/1.1 304 Not Modified\r\ntrailer: x-sum\r\netag: "a"\r\n\r\n', rest: '' },
};
for (const [name, { says, request, rest: expected }] of Object.entries(without)) {
  test(`a response ${name} is whole without its trailers, and nothing announces them`, async (t) => {
    const { head, rest } = await answered(t, says, {
      ...(request !== undefined && { request }),
      end: new RegExp(`\\r\\n\\r\\n${expected}$`),
    });
    assert.equal(rest, expected);
    assert.doesNotMatch(head, /x-sum/);
  });
}

test('one that ends with its connection is chunked to the downstream, with what it announces or without', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ntrailer: x-sum\r\n\r\nbody'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(GET);
  await downstream.see('\r\n4\r\nbody\r\n0\r\n\r\n');
  await assertCounts(running, { success: 1 });
});

test('after trailers the connection goes on', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(chunked(['x-sum: 1'])));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  for (let round = 1; round <= 3; round++) {
    downstream.write(GET);
    await until('it is whole', () => downstream.received().split('\r\n0\r\nx-sum: 1\r\n\r\n').length === round + 1);
  }
  await assertCounts(running, { success: 3 });
});

const announced = (names: string): string =>
  `POST ${INFER} HTTP/1.1\r\nhost: a\r\ntrailer: ${names}\r\ntransfer-encoding: chunked\r\n\r\n`;
const requests: Record<string, { announce: string; trailers: string[]; passed?: string[]; told?: string }> = {
  'an announced one passes': { announce: 'x-sum', trailers: ['x-sum: 1'] },
  'several pass, with their names as they are': {
    announce: 'X-A, x-b',
    trailers: ['X-A: 1', 'x-b: two words', 'X-A: 3'],
  },
  'one passes beside one that was announced': { announce: 'x-a', trailers: ['x-a: 1', 'x-b: 2'] },
  'what says who one is, or where to go, stops here': {
    announce: 'host, authorization, x-a',
    trailers: ['host: evil', 'authorization: x', 'cookie: a=1', 'x-forwarded-for: 1.1.1.1', 'x-a: 1'],
    ...{ passed: ['x-a: 1'], told: 'x-a' },
  },
  'what is about the connection stops here': {
    announce: 'connection, x-a',
    trailers: ['connection: close', 'upgrade: h2c', 'proxy-authorization: x', 'expect: 100-continue', 'x-a: 1'],
    ...{ passed: ['x-a: 1'], told: 'x-a' },
  },
};
for (const [name, { announce, trailers, passed = trailers, told = announce }] of Object.entries(requests)) {
  test(`of the trailers of a request ${name}`, async (t) => {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (/\r\n0\r\n(.+\r\n)*\r\n$/.test(received)) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(announced(announce));
    await until('the upstream has the head', () => upstream.received().includes('\r\n\r\n'));
    downstream.write(['2', '{}', '0', ...trailers, '', ''].join('\r\n'));
    await downstream.see('\r\n\r\nok');
    const [head = '', ...rest] = upstream.received().split('\r\n\r\n');
    assert.match(head, new RegExp(`^trailer: ${told}$`, 'im'));
    assert.equal(rest.join('\r\n\r\n'), ['2', '{}', '0', ...passed, '', ''].join('\r\n'));
    await assertCounts(running, { success: 1 });
  });
}

const framing = ['content-length: 3', 'transfer-encoding: gzip'];
for (const trailer of framing) {
  test(`a request with ${trailer} among its trailers is refused, and never whole to the upstream`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(announced('x-a'));
    await until('the upstream has the head', () => upstream.received().includes('\r\n\r\n'));
    downstream.write(['2', '{}', '0', trailer, 'x-a: 1', '', ''].join('\r\n'));
    await downstream.closed;
    assert.match(downstream.received(), /^HTTP\/1\.1 400 .*"code":"malformed_request"\}$/s);
    await until('the upstream is left', () => upstream.sockets.every(({ destroyed }) => destroyed));
    assert.doesNotMatch(upstream.received(), /\r\n0\r\n/);
    await assertCounts(running, { aborted: 1 });
  });
}

test('a response with content-length among its trailers is cut off, and a failure', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(chunked(['content-length: 3'])));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(GET);
  await downstream.closed;
  assert.doesNotMatch(downstream.received(), /\r\n0\r\n/);
  await assertCounts(running, { failure: 1 });
});

test('100,000 trailers of a request are too many', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(announced('x-a') + '2\r\n{}\r\n0\r\n' + 'x-a: 1\r\n'.repeat(100_000));
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1\.1 431 /);
  await assertCounts(running, { aborted: 1 });
});
