import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyErrors, type ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { assertCounts, assertHttp, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

const get = (target: string, ...lines: string[]): string =>
  ['GET ' + target + ' HTTP/1.1', ...lines, '', ''].join('\r\n');

/** What is never a request to our parser; the connection is closed. */
const unreadable: Record<string, { says: string; code: ProxyErrorCode }> = {
  'no HTTP': { says: 'hello there\r\n\r\n', code: 'malformed_request' },
  TLS: { says: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', code: 'malformed_request' },
  'HTTP/2': { says: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', code: 'malformed_request' },
  'an unknown method': { says: 'FETCH / HTTP/1.1\r\nhost: a\r\n\r\n', code: 'malformed_request' },
  'an unknown version': { says: 'GET / HTTP/9.9\r\nhost: a\r\n\r\n', code: 'malformed_request' },
  'a space in the path': { says: get('/v2 models', 'host: a'), code: 'malformed_request' },
  'a header without a name': { says: get('/', 'host: a', ': b'), code: 'malformed_request' },
  'a header without a colon': { says: get('/', 'host: a', 'x-a'), code: 'malformed_request' },
  'a space in a header name': { says: get('/', 'host: a', 'x a: b'), code: 'malformed_request' },
  'a control character in a header': { says: get('/', 'host: a', 'x-a: \x01'), code: 'malformed_request' },
  'a length that is no number': { says: get('/', 'host: a', 'content-length: ten'), code: 'malformed_request' },
  'a head that is too large': {
    says: get('/', 'host: a', `x-a: ${'a'.repeat(20_000)}`),
    code: 'request_header_too_large',
  },
  'a target that is too large': { says: get(`/${'a'.repeat(20_000)}`, 'host: a'), code: 'request_header_too_large' },
  'too many headers at once': {
    says: get('/', 'host: a', ...Array.from({ length: 1_000 }, (_, n) => `x-header-number-${n}: ${n}`)),
    code: 'request_header_too_large',
  },
  'a tunnel': { says: 'CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n', code: 'method_not_allowed' },
};
for (const [name, { says, code }] of Object.entries(unreadable)) {
  const { status, message } = proxyErrors[code];
  test(`${name} is answered ${status} ${code}, rejected and closed`, async (t) => {
    const upstream = await startUpstream(t, () => {});
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.socket.write(says, 'latin1');
    await downstream.closed;
    const [head = '', body = ''] = downstream.received().split('\r\n\r\n');
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.match(head, /\r\nconnection: close/);
    assert.deepEqual(JSON.parse(body), { error: message, code });
    await assertCounts(running, { rejected: 1 });
    assert.deepEqual(upstream.seen, []);
  });
}

/** What is HTTP, but goes to no upstream; the connection goes on. */
const refused: Record<string, { says: string; code: ProxyErrorCode; upstream?: string }> = {
  'a request without a Host': { says: get('/v2'), code: 'malformed_request' },
  'a request with two Hosts': { says: get('/v2', 'host: a', 'Host: b'), code: 'malformed_request' },
  'a path with bad encoding': { says: get('/v2/models/%zz', 'host: a'), code: 'malformed_path' },
  'a path with dot segments': { says: get('/v2/../admin', 'host: a'), code: 'malformed_path' },
  'a path with hidden dot segments': { says: get('/v2/%2e%2e%2fadmin', 'host: a'), code: 'malformed_path' },
  'a path with a fragment': { says: get('/v2#a', 'host: a'), code: 'malformed_path' },
  'the asterisk': { says: get('*', 'host: a').replace('GET', 'OPTIONS'), code: 'malformed_path' },
  'a path without an upstream': { says: get('/other', 'host: a'), code: 'no_route' },
  'the beginning of a prefix': { says: get('/v2x/models', 'host: a'), code: 'no_route' },
};
for (const [name, { says, code }] of Object.entries(refused)) {
  const { status, message } = proxyErrors[code];
  test(`${name} is answered ${status} ${code} and rejected, and the connection goes on`, async (t) => {
    const upstream = await startUpstream(t, () => {});
    const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: '/v2' })]);
    const downstream = await connectTo(t, running.url);
    downstream.write(says);
    await downstream.see('}');
    const [head = '', body = ''] = downstream.received().split('\r\n\r\n');
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.deepEqual(JSON.parse(body), { error: message, code });
    await assertCounts(running, { rejected: 1 });
    await assertHttp(running, {
      'http.request.method': says.split(' ')[0],
      'http.route': '_other',
      'http.response.status_code': status,
      'error.type': code,
    });
    downstream.write(get('/again', 'host: a'));
    await until('the next is answered too', () => downstream.received().split('HTTP/1.1 ').length === 3);
    await assertCounts(running, { rejected: 2 });
    assert.deepEqual(upstream.seen, []);
  });
}

test('the answer to HEAD has the length of its body and no body', async (t) => {
  const running = await startProxy(t, [upstreamAt('http://127.0.0.1:1', { pathPrefix: '/up' })]);
  const { status, body, response } = await send(running.url, { method: 'HEAD', path: '/other' });
  assert.deepEqual([status, body.length], [404, 0]);
  assert.ok(Number(response.headers['content-length']) > 0);
});

test('a chunk that cannot be read is answered 400, counted once, and the upstream gets no whole request', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n`);
  await until('the upstream has a part', () => upstream.received().includes('abcd'));
  downstream.write('not a length\r\n');
  await downstream.closed;
  assert.match(downstream.received(), /^HTTP\/1.1 400 .*"code":"malformed_request"\}$/s);
  assert.doesNotMatch(upstream.received(), /\r\n0\r\n\r\n/);
  await assertCounts(running, { aborted: 1 });
  await assertHttp(running, {
    'http.request.method': 'POST',
    'http.route': '/v2/models/{model_name}/infer',
    'error.type': 'malformed_request',
    'inference.upstream.name': 'up',
  });
});

test('what cannot be read behind a request in flight is answered in its turn', async (t) => {
  let answer = (): void => {};
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    answer = () => response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  for (const garbage of ['no HTTP\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n']) {
    const downstream = await connectTo(t, running.url);
    const before = upstream.seen.length;
    downstream.write(rawPost(INFER));
    await until('the upstream has the first', () => upstream.seen.length === before + 1);
    downstream.write(garbage);
    await until(
      'the second is counted',
      async () => (await running.counts()).rejected > (await running.counts()).success,
    );
    answer();
    await downstream.closed;
    assert.match(downstream.received(), /^HTTP\/1\.1 200 .*\r\n\r\nokHTTP\/1\.1 40[05] .*\}$/s);
  }
  await assertCounts(running, { success: 2, rejected: 2 });
});

test('a downstream that asks for a tunnel and resets the connection breaks nothing', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  for (let n = 0; n < 100; n++) {
    const { socket } = await connectTo(t, running.url);
    socket.write('CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n', () => socket.resetAndDestroy());
  }
  assert.equal((await send(running.url, { path: '/v2' })).status, 200);
});

test('a head that takes too long is answered 408 and rejected; a connection without any is only closed', async (t) => {
  const running = await startProxy(t, [upstreamAt('http://127.0.0.1:1')], { limits: { requestHeaderTimeoutMs: 100 } });
  const silent = await connectTo(t, running.url);
  const slow = await connectTo(t, running.url);
  slow.write('GET /v2 HTTP/1.1\r\nhost:');
  await Promise.all([silent.closed, slow.closed]);
  assert.equal(silent.received(), '');
  assert.match(slow.received(), /^HTTP\/1.1 408 .*"code":"request_header_timeout"\}$/s);
  await assertCounts(running, { rejected: 1 });
});

test('a connection that waits between two requests is not taken for a slow head', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits: { requestHeaderTimeoutMs: 250 } });
  const downstream = await connectTo(t, running.url);
  for (let n = 1; n <= 2; n++) {
    downstream.write(get('/v2', 'host: a'));
    await until(`answer ${n} comes`, () => downstream.received().split('\r\n\r\nok').length > n);
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
  await assertCounts(running, {});
});

test('requests beyond the limit in flight are answered 503 with Retry-After and rejected for their model', async (t) => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    waiting.push(() => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits: { requestsInFlightMax: 2 } });
  const accepted = [1, 2].map(() => send(running.url, { method: 'POST', path: INFER, body: '{}' }));
  await until('both are in flight', () => waiting.length === 2);
  const { status, response, body } = await send(running.url, { method: 'POST', path: INFER, body: '{}' });
  assert.deepEqual([status, response.headers['retry-after']], [503, '1']);
  assert.equal((JSON.parse(body.toString()) as { code: string }).code, 'requests_in_flight');
  for (const answer of waiting) answer();
  assert.deepEqual(
    (await Promise.all(accepted)).map((each) => each.status),
    [200, 200],
  );
  await assertCounts(running, { success: 2, rejected: 1 });
  const ofModel = { 'inference.model.name': 'iris', 'inference.outcome': 'rejected' };
  assert.equal(await running.telemetry.value('inference.requests', ofModel), 1);
  assert.equal(await running.telemetry.value('inference.request.duration', ofModel), 0);
  const refusal = {
    'http.response.status_code': 503,
    'error.type': 'requests_in_flight',
    'inference.upstream.name': 'up',
  };
  assert.equal(await running.telemetry.value('http.server.request.duration', refusal), 1);
});

test('connections beyond the limit are closed and counted, and the others are served', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits: { connectionsMax: 2 } });
  const [first, second] = [await connectTo(t, running.url), await connectTo(t, running.url)];
  for (const accepted of [first, second]) {
    accepted.write(rawPost(INFER));
    await accepted.see('ok');
  }
  for (let n = 0; n < 3; n++) await (await connectTo(t, running.url)).closed;
  const rejected = { 'metergate.listener': 'inference' };
  await until(
    'they are counted',
    async () => (await running.telemetry.value('metergate.connections.rejected', rejected)) === 3,
  );
  assert.equal(running.telemetry.lines.filter(({ message }) => message === 'connection rejected').length, 1);
  first.socket.destroy();
  second.write(rawPost(INFER));
  await assertCounts(running, { success: 3 });
});
