import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, open, send } from './downstream.ts';
import { assertCounts, assertNothingActive, createTestProxy, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { createAuthority } from './test-authority.ts';
import { authority, HERE, startTlsUpstream, tlsOf, type Trust } from './tls-upstream.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';
import { openWebSocket } from './websocket-client.ts';
import { frame, OPCODE, startWebSocketUpstream } from './websocket-server.ts';

const TRUSTED: Trust = { ca: authority.cert };
const MEBIBYTE = randomBytes(1024 * 1024);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('1 MiB passes over TLS in both directions, and the connection is used again', async (t) => {
  const upstream = await startTlsUpstream(t, {}, (request, response) => {
    void buffer(request).then((body) => response.end(body));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { tls: await tlsOf(t, TRUSTED) })]);
  for (let round = 0; round < 3; round++) {
    const { status, body } = await send(running.url, { method: 'POST', path: INFER, body: MEBIBYTE });
    assert.deepEqual([status, sha256(body)], [200, sha256(MEBIBYTE)]);
  }
  assert.equal(upstream.serverNames.length, 1);
  await assertCounts(running, { success: 3 });
});

test('each part of a response over TLS arrives before the upstream writes the next', async (t) => {
  let response: ServerResponse | undefined;
  const upstream = await startTlsUpstream(t, {}, (request, answer) => {
    request.resume();
    (response = answer).flushHeaders();
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { tls: await tlsOf(t, TRUSTED) })]);
  const downstream = await open(running.url, { method: 'POST', path: INFER, body: '{}' });
  const received: string[] = [];
  downstream.setEncoding('utf8').on('data', (part: string) => received.push(part));
  for (let n = 1; n <= 5; n++) {
    response?.write(`part ${n}`);
    await until(`part ${n} comes`, () => received.includes(`part ${n}`));
  }
  response?.end();
  await assertCounts(running, { success: 1 });
});

test('a WebSocket passes over TLS', async (t) => {
  const tls = authority.issue({ names: HERE });
  const upstream = await startWebSocketUpstream(t, { tls, greeting: 'welcome' });
  const url = upstream.url.replace('localhost', '127.0.0.1');
  const running = await startProxy(t, [upstreamAt(url, { tls: await tlsOf(t, TRUSTED) })]);
  const opened = await openWebSocket(t, `${running.url}/chat`);
  opened.socket.send('hello');
  opened.socket.send(MEBIBYTE);
  await opened.see(3);
  assert.deepEqual(opened.messages, ['welcome', 'hello', MEBIBYTE]);
  opened.socket.close(4_000, 'enough');
  assert.deepEqual(await opened.closed, { code: 4_000, reason: 'enough', wasClean: true });
  await until('it is over', () => running.inFlight() === 0);
  const switched = { 'http.response.status_code': 101 };
  const [series, ...others] = await running.telemetry.series('http.server.request.duration', switched);
  assert.deepEqual([series?.value, series?.attributes['error.type'], others], [1, undefined, []]);
  await assertNothingActive(running);
});

test('a WebSocket over TLS whose upstream says goodbye at once loses nothing of what it said', async (t) => {
  const upstream = await startWebSocketUpstream(t, { tls: authority.issue({ names: HERE }) });
  const url = upstream.url.replace('localhost', '127.0.0.1');
  const running = await startProxy(t, [upstreamAt(url, { tls: await tlsOf(t, TRUSTED) })]);
  const { closed, messages } = await openWebSocket(t, `${running.url}/chat`);
  const close = frame(OPCODE.close, Buffer.from([0x0f, 0xa0]));
  upstream.sockets[0]?.end(Buffer.concat([frame(OPCODE.binary, MEBIBYTE), close]));
  assert.equal((await closed).code, 4_000);
  assert.deepEqual(messages, [MEBIBYTE]);
  await until('it is over', () => running.inFlight() === 0);
  await assertNothingActive(running);
});

const checked: Record<string, { trust: Trust; healthy: number }> = {
  'find well whom they trust': { trust: TRUSTED, healthy: 1 },
  'find ill whom they do not': { trust: {}, healthy: 0 },
};
for (const [name, { trust, healthy }] of Object.entries(checked)) {
  test(`checks of health over TLS ${name}`, async (t) => {
    const upstream = await startTlsUpstream(t);
    const health: UpstreamOptions['health'] = {
      ...{ path: '/ready', intervalMs: 20, timeoutMs: 1_000, unhealthyAfter: 2, backoffMaxMs: 1_000 },
    };
    const running = await startProxy(t, [upstreamAt(upstream.url, { tls: await tlsOf(t, trust), health })]);
    const isHealthy = (): Promise<number> => running.telemetry.value('inference.upstream.healthy');
    await until('it is known', async () => (await isHealthy()) === healthy);
    if (healthy) await until('it was asked often', () => upstream.seen.length > 3);
    assert.equal(await isHealthy(), healthy);
    assert.deepEqual([...new Set(upstream.seen)], healthy ? ['GET /ready'] : []);
  });
}

test('a replica that is not trusted is passed over for one that is', async (t) => {
  const [trusted, other] = [
    await startTlsUpstream(t),
    await startTlsUpstream(t, createAuthority('somebody').issue({ names: HERE })),
  ];
  const urls = [new URL(other.url), new URL(trusted.url)];
  const running = await startProxy(t, [upstreamAt(trusted.url, { urls, tls: await tlsOf(t, TRUSTED) })]);
  for (let n = 0; n < 6; n++) {
    assert.equal((await send(running.url, { method: 'POST', path: INFER, body: '{}' })).status, 200);
  }
  assert.deepEqual(other.seen, []);
  await assertCounts(running, { success: 6 });
});

test('an upstream that speaks no TLS is a 502, and it sees no request', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('plain'));
  const url = upstream.url.replace('http:', 'https:');
  const running = await startProxy(t, [upstreamAt(url, { tls: await tlsOf(t, TRUSTED) })]);
  assert.equal((await send(running.url, { method: 'POST', path: INFER, body: '{}' })).status, 502);
  await assertCounts(running, { failure: 1 });
  assert.deepEqual(upstream.seen, []);
  const unreachable = { 'error.type': 'upstream_unreachable' };
  assert.equal(await running.telemetry.value('http.server.request.duration', unreachable), 1);
});

for (const line of ['', 'expect: 100-continue\r\n']) {
  test(`an upstream whose handshake never ends is a 504${line === '' ? '' : ', for a request that expects a 100 as well'}`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const timeouts = { connectMs: 200, responseHeadersMs: 30_000, idleMs: 30_000 };
    const url = upstream.url.replace('http:', 'https:');
    const running = await startProxy(t, [upstreamAt(url, { timeouts, tls: await tlsOf(t, TRUSTED) })]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\n${line}content-length: 2\r\n\r\n{}`);
    await downstream.see('"code":"upstream_connect_timeout"}');
    await assertCounts(running, { failure: 1 });
  });
}

const mine = authority.issue();
const faults: Record<string, { trust: Trust; key: string; file: RegExp; why?: RegExp }> = {
  'that are no certificates to trust': { trust: { ca: 'rubbish' }, key: 'tls.ca_file', file: /ca\.pem/ },
  'that is an empty list of whom to trust': { trust: { ca: '' }, key: 'tls.ca_file', file: /ca\.pem/ },
  'that is no certificate': { trust: { cert: 'rubbish', key: mine.key }, key: 'tls.cert_file', file: /cert\.pem/ },
  'that has the key in place of the certificate': {
    trust: { cert: mine.key, key: mine.key },
    key: 'tls.cert_file',
    file: /cert\.pem/,
  },
  'that is no key': { trust: { cert: mine.cert, key: 'rubbish' }, key: 'tls.key_file', file: /key\.pem/ },
  'that has the certificate in place of the key': {
    trust: { cert: mine.cert, key: mine.cert },
    key: 'tls.key_file',
    file: /key\.pem/,
  },
  'that is the key of another certificate': {
    trust: { cert: mine.cert, key: authority.issue().key },
    key: 'tls.key_file',
    file: /key\.pem/,
  },
  'whose second certificate to trust is cut off': {
    trust: { ca: authority.cert + authority.cert.slice(0, 200) },
    key: 'tls.ca_file',
    file: /ca\.pem/,
  },
};
for (const [name, { trust, key, file }] of Object.entries(faults)) {
  test(`a file ${name} aborts the start, and the error names key and file`, async (t) => {
    const { proxy } = createTestProxy([upstreamAt('https://127.0.0.1:1', { tls: await tlsOf(t, trust) })]);
    t.after(() => proxy.shutdown(deadlineIn(0)));
    await assert.rejects(proxy.start(), ({ message }: Error) => {
      assert.ok(message.includes(`up: ${key} `) && file.test(message), message);
      assert.doesNotMatch(message, /BEGIN|rubbish/);
      return true;
    });
    assert.equal(proxy.ready(), false);
  });
}

for (const key of ['caFile', 'certFile', 'keyFile'] as const) {
  test(`a ${key} that is not there aborts the start`, async (t) => {
    const tls = { ...(await tlsOf(t, mine)), [key]: '/nowhere/to/be/found.pem' };
    const { proxy } = createTestProxy([upstreamAt('https://127.0.0.1:1', { tls })]);
    t.after(() => proxy.shutdown(deadlineIn(0)));
    const name = `tls.${key.replace('File', '_file')}`;
    await assert.rejects(proxy.start(), {
      message: new RegExp(`up: ${name} /nowhere/to/be/found\\.pem cannot be used: .*ENOENT`),
    });
  });
}
