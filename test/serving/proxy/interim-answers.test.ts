import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream } from './upstream-servers.ts';

const LINK = '</style.css>; rel=preload; as=style';
const HINTS = `HTTP/1.1 103 Early Hints\r\nlink: ${LINK}\r\n\r\n`;
const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody';

const plain = `POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`;
const requests: Record<string, string> = {
  'a request': plain,
  'a request without a body': `GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n`,
  'a request that expects a 100': plain.replace('host: a', 'host: a\r\nexpect: 100-continue'),
  'a request with trailers': `POST ${INFER} HTTP/1.1\r\nhost: a\r\ntrailer: x-t\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-t: 1\r\n\r\n`,
  'a request for a WebSocket': 'GET /v2 HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
};

for (const [name, request] of Object.entries(requests)) {
  test(`early hints to ${name} come before its answer is there`, async (t) => {
    let answered = false;
    const upstream = await startRawUpstream(t, (socket) => {
      if (!answered) socket.write(HINTS);
      answered = true;
    });
    const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, url);
    downstream.write(request);
    await downstream.see('\r\n\r\n');
    assert.match(downstream.received(), /^HTTP\/1\.1 103 Early Hints\r\nlink: [^\r]+\r\n\r\n$/i);
    assert.ok(downstream.received().includes(LINK));
    upstream.sockets[0]?.write(FINAL);
    await downstream.see('\r\n\r\nbody');
    assert.equal(downstream.received().match(/HTTP\/1\.1 /g)?.length, 2);
  });
}

/** What the upstream says before its final answer, and what of it the downstream sees. */
const interims: Record<string, { says: string; seen: RegExp; version?: string }> = {
  'several early hints pass': {
    says: HINTS + HINTS + HINTS,
    seen: /^(HTTP\/1\.1 103 [^\r]*\r\nlink: [^\r]*\r\n\r\n){3}HTTP\/1\.1 200 /i,
  },
  'early hints with several links pass': {
    says: `HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nlink: </b>; rel=preload\r\n\r\n`,
    seen: /^HTTP\/1\.1 103 [^\r]*\r\nlink: <\/a>; rel=preload, <\/b>; rel=preload\r\n\r\nHTTP\/1\.1 200 /i,
  },
  'what early hints say beside links passes': {
    says: `HTTP/1.1 103 Early Hints\r\nlink: ${LINK}\r\nx-more: 1\r\n\r\n`,
    seen: /^HTTP\/1\.1 103 [^\r]*\r\n(link: [^\r]*\r\nx-more: 1|x-more: 1\r\nlink: [^\r]*)\r\n\r\nHTTP\/1\.1 200 /i,
  },
  'what of early hints is about the connection stops here': {
    says: `HTTP/1.1 103 Early Hints\r\nlink: ${LINK}\r\nconnection: x-one\r\nx-one: 1\r\nkeep-alive: timeout=1\r\nproxy-authenticate: Basic\r\nupgrade: h2c\r\n\r\n`,
    seen: /^HTTP\/1\.1 103 [^\r]*\r\nlink: [^\r]*\r\n\r\nHTTP\/1\.1 200 /i,
  },
  'early hints without a link are left out': {
    says: 'HTTP/1.1 103 Early Hints\r\nx-a: 1\r\n\r\n',
    seen: /^HTTP\/1\.1 200 /,
  },
  'a link that is none is left out': {
    says: 'HTTP/1.1 103 Early Hints\r\nlink: nowhere\r\n\r\n',
    seen: /^HTTP\/1\.1 200 /,
  },
  'early hints are nothing for HTTP/1.0': { says: HINTS, seen: /^HTTP\/1\.1 200 /, version: '1.0' },
  'processing, 102, is left out': { says: 'HTTP/1.1 102 Processing\r\n\r\n', seen: /^HTTP\/1\.1 200 / },
  'an interim answer that nobody knows is left out': {
    says: 'HTTP/1.1 199 What\r\nx-a: 1\r\n\r\n',
    seen: /^HTTP\/1\.1 200 /,
  },
  'a mix of them passes as far as it may': {
    says: `HTTP/1.1 102 P\r\n\r\n${HINTS}HTTP/1.1 102 P\r\n\r\n`,
    seen: /^HTTP\/1\.1 103 [^\r]*\r\nlink: [^\r]*\r\n\r\nHTTP\/1\.1 200 /i,
  },
};
for (const [name, { says, seen, version = '1.1' }] of Object.entries(interims)) {
  for (const together of [false, true]) {
    test(`${name}${together ? ', in one piece with the final answer too' : ''}`, async (t) => {
      const upstream = await startRawUpstream(t, (socket) => {
        if (together) socket.write(says + FINAL);
        else socket.write(says, () => setTimeout(() => socket.write(FINAL), 20));
      });
      const running = await startProxy(t, [upstreamAt(upstream.url)]);
      const downstream = await connectTo(t, running.url);
      downstream.write(plain.replace('HTTP/1.1', `HTTP/${version}`));
      await downstream.see('\r\n\r\nbody');
      assert.match(downstream.received(), seen);
      await assertCounts(running, { success: 1 });
      assert.equal(
        await running.telemetry.value('http.server.request.duration', { 'http.response.status_code': 200 }),
        1,
      );
    });
  }
}

test('early hints are left out when the head of their answer is there before its turn, never put behind it', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.startsWith('GET')) setTimeout(() => socket.write(FINAL.replace('body', 'slow')), 100);
    else socket.write(HINTS + FINAL);
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n${plain}`);
  await downstream.see('\r\n\r\nbody');
  assert.match(downstream.received(), /^HTTP\/1\.1 200 .*slowHTTP\/1\.1 200 ((?!103).)*\r\n\r\nbody$/s);
});

test('an upstream that says nothing but interim answers is not waited for for ever', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(HINTS));
  const timeouts = { connectMs: 5_000, responseHeadersMs: 500, idleMs: 30_000 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { timeouts })]);
  const downstream = await connectTo(t, running.url);
  downstream.write(plain);
  await downstream.see('"code":"upstream_response_timeout"}');
  assert.match(downstream.received(), /^HTTP\/1\.1 103 .*HTTP\/1\.1 504 /s);
  await assertCounts(running, { failure: 1 });
});

test('a downstream that leaves between early hints and answer has left', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(HINTS));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(plain);
  await downstream.see('\r\n\r\n');
  downstream.socket.destroy();
  await assertCounts(running, { aborted: 1 });
  await until('the connection to the upstream is closed', () => upstream.sockets.every(({ destroyed }) => destroyed));
});
