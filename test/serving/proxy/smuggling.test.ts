import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n';
const post = (lines: readonly string[], body: string): string =>
  [`POST ${INFER} HTTP/1.1`, 'host: a', ...lines, '', body].join('\r\n');

/** Requests that two parsers could end at two places; each is refused, and nothing of it reaches the upstream as a request. */
const ambiguous: Record<string, string> = {
  'a content-length and chunks': post(['content-length: 4', 'transfer-encoding: chunked'], `0\r\n\r\n${SMUGGLED}`),
  'chunks and a content-length': post(['transfer-encoding: chunked', 'content-length: 4'], `0\r\n\r\n${SMUGGLED}`),
  'two lengths that differ': post(['content-length: 0', `content-length: ${SMUGGLED.length}`], SMUGGLED),
  'two lengths that agree': post(['content-length: 2', 'Content-Length: 2'], `{}${SMUGGLED}`),
  'two lengths in one header': post(['content-length: 0, 37'], SMUGGLED),
  'a length with a sign': post(['content-length: +2'], `{}${SMUGGLED}`),
  'a negative length': post(['content-length: -1'], SMUGGLED),
  'a length in hexadecimal': post(['content-length: 0x2'], `{}${SMUGGLED}`),
  'a folded header': post(['x-a: 1', ' transfer-encoding: chunked', 'content-length: 2'], `{}${SMUGGLED}`),
  'a folded transfer-encoding': post(['transfer-encoding:', ' chunked', 'content-length: 4'], `0\r\n\r\n${SMUGGLED}`),
  'a space before the colon': post(['transfer-encoding : chunked'], `0\r\n\r\n${SMUGGLED}`),
  'an encoding behind chunked': post(['transfer-encoding: chunked, identity'], `0\r\n\r\n${SMUGGLED}`),
  'an encoding that is not chunked': post(['transfer-encoding: xchunked'], `0\r\n\r\n${SMUGGLED}`),
  'a bare line feed in the head': `POST ${INFER} HTTP/1.1\r\nhost: a\ncontent-length: 0\r\n\r\n${SMUGGLED}`,
  'a bare carriage return in a value': post(['x-a: b\rtransfer-encoding: chunked'], `0\r\n\r\n${SMUGGLED}`),
  'a NUL in a value': post(['x-a: b\0c'], SMUGGLED),
  'a chunk length with a sign': post(['transfer-encoding: chunked'], `+0\r\n\r\n${SMUGGLED}`),
  'a chunk length in 0x': post(['transfer-encoding: chunked'], `0x0\r\n\r\n${SMUGGLED}`),
  'a chunk that is longer than it says': post(['transfer-encoding: chunked'], `2\r\n{}x\r\n0\r\n\r\n${SMUGGLED}`),
  'a chunk with a bare line feed': post(['transfer-encoding: chunked'], `2\n{}\r\n0\r\n\r\n${SMUGGLED}`),
};
for (const [name, says] of Object.entries(ambiguous)) {
  test(`${name}: refused, and never two requests to the upstream`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end('ok'), { insecureHTTPParser: true });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.socket.write(says, 'latin1');
    await downstream.closed;
    const status = name === 'an encoding that is not chunked' ? 501 : 400;
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${status} `), downstream.received());
    assert.equal(downstream.received().split('HTTP/1.1 ').length, 2);
    assert.deepEqual(
      upstream.seen.filter((request) => request.includes('smuggled')),
      [],
    );
    await until('it is counted', async () => {
      const { rejected, aborted } = await running.counts();
      return rejected + aborted === 1;
    });
  });
}

test('a request in the body of another stays a body', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(post([`content-length: ${SMUGGLED.length}`], SMUGGLED));
  downstream.write(post(['transfer-encoding: chunked'], `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`));
  await until('both are answered', () => downstream.received().split('\r\n\r\nok').length === 3);
  assert.deepEqual(upstream.seen, [`POST ${INFER}`, `POST ${INFER}`]);
  await assertCounts(running, { success: 2 });
});

test('line breaks that are encoded in a path stay encoded', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write('GET /a%0d%0a%0d%0aGET%20/smuggled?b=%0d%0a HTTP/1.1\r\nhost: a\r\n\r\n');
  await downstream.see('ok');
  assert.match(upstream.received(), /^GET \/a%0d%0a%0d%0aGET%20\/smuggled\?b=%0d%0a HTTP\/1\.1\r\n/);
  assert.equal(upstream.received().match(/ HTTP\/1\.1\r\n/g)?.length, 1);
});

test('what an upstream says behind its response goes to nobody', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  for (let n = 1; n <= 3; n++) {
    downstream.write(post(['content-length: 2'], '{}'));
    await until(`answer ${n} comes`, () => downstream.received().split('\r\n\r\nok').length > n);
  }
  assert.doesNotMatch(downstream.received(), /poison/);
  await assertCounts(running, { success: 3 });
});

test('an upgrade to another protocol of HTTP is not made', async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(`upgrade: ${request.headers.upgrade}`));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write('GET /v2 HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
  await downstream.see('upgrade: undefined');
  assert.match(downstream.received(), /^HTTP\/1.1 200 /);
});
