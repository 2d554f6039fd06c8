import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { assertHttp, assertNothingActive, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream } from './upstream-servers.ts';
import { askForWebSocket, openWebSocket } from './websocket-client.ts';
import { frame, OPCODE, startWebSocketUpstream } from './websocket-server.ts';

const MEBIBYTE = 1024 * 1024;

const messages: Record<string, readonly (string | Buffer)[]> = {
  'a text': ['hello'],
  'a text beyond ASCII': ['é€𝄞'],
  'a binary message': [Buffer.from([0, 255, 13, 10, 0])],
  'an empty message of each kind': ['', Buffer.alloc(0)],
  'texts and binary messages in turn': ['1', Buffer.from([2]), '3', Buffer.from([4])],
  '1 MiB of text': ['x'.repeat(MEBIBYTE)],
  '1 MiB of bytes': [randomBytes(MEBIBYTE)],
  'four times 1 MiB': [1, 2, 3, 4].map(() => randomBytes(MEBIBYTE)),
  'a thousand small ones': Array.from({ length: 1_000 }, (_, n) => `message ${n}`),
};
for (const [name, sent] of Object.entries(messages)) {
  test(`${name} passes in both directions as it was sent`, async (t) => {
    const upstream = await startWebSocketUpstream(t);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const opened = await openWebSocket(t, `${running.url}/chat`);
    for (const message of sent) opened.socket.send(message);
    await opened.see(sent.length);
    assert.deepEqual(opened.messages, sent);
  });
}

test('what the upstream says with its 101 and the downstream with its request passes, too', async (t) => {
  const upstream = await startWebSocketUpstream(t, { greeting: 'welcome' });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(Buffer.concat([Buffer.from(askForWebSocket()), frame(OPCODE.text, 'impatient', { masked: true })]));
  await downstream.see('impatient');
  const [head = '', rest] = downstream.received().split('\r\n\r\n');
  assert.match(head, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  assert.equal(
    rest,
    Buffer.concat([frame(OPCODE.text, 'welcome'), frame(OPCODE.text, 'impatient')]).toString('latin1'),
  );
});

test('1 MiB that comes right behind the head of either side is whole', async (t) => {
  const large = 'y'.repeat(MEBIBYTE);
  const upstream = await startWebSocketUpstream(t, { greeting: large });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  const message = frame(OPCODE.binary, Buffer.from(large), { masked: true });
  downstream.write(Buffer.concat([Buffer.from(askForWebSocket()), message]));
  const expected = frame(OPCODE.text, large).toString('latin1') + frame(OPCODE.binary, large).toString('latin1');
  await until('all is there', () => downstream.received().length >= expected.length + 100);
  await until('all is there', () => downstream.received().endsWith(expected));
});

test('both pass the same frames, byte for byte: pings, fragments, whatever they may be', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n'))
      socket.write('HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    else socket.write(received.split('\r\n\r\n')[1] ?? '', 'latin1');
  });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(askForWebSocket());
  await downstream.see('\r\n\r\n');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  downstream.write(bytes);
  await downstream.see(bytes.toString('latin1'));
  assert.ok(upstream.received().endsWith(`\r\n\r\n${bytes.toString('latin1')}`));
});

test('the path below the prefix and the headers of the request reach the upstream, and those of the 101 the downstream', async (t) => {
  const headers = ['Sec-WebSocket-Protocol: v2.chat', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-Served-By: one'];
  const upstream = await startWebSocketUpstream(t, { headers });
  const options = { pathPrefix: '/gpu/', urls: [new URL(`${upstream.url}/base/`)] };
  const { url } = await startProxy(t, [upstreamAt(upstream.url, options)]);
  const downstream = await connectTo(t, url);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const lines = [
    'cookie: s=1',
    `traceparent: ${traceparent}`,
    'sec-websocket-protocol: v1.chat, v2.chat',
    'origin: http://o',
  ];
  downstream.write(askForWebSocket('/gpu/chat/%C3%A9?q=1&r=a%20b', [...lines, 'x-forwarded-for: 1.1.1.1']));
  await downstream.see('\r\n\r\n');

  const [request] = upstream.requests;
  assert.equal(request?.url, '/base/chat/%C3%A9?q=1&r=a%20b');
  assert.partialDeepStrictEqual(request.headers, {
    ...{ host: new URL(upstream.url).host, connection: 'upgrade', upgrade: 'websocket', traceparent },
    ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' },
    ...{ 'sec-websocket-protocol': 'v1.chat, v2.chat', cookie: 's=1', origin: 'http://o', via: '1.1 metergate' },
    ...{ 'x-forwarded-for': '1.1.1.1, 127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway' },
  });
  const head = downstream.received().split('\r\n').slice(1, -2).sort();
  assert.deepEqual(
    head.map((line) => line.toLowerCase()).filter((line) => !line.startsWith('date:')),
    [
      ...[
        'connection: upgrade',
        'sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=',
        'sec-websocket-protocol: v2.chat',
      ],
      ...['set-cookie: a=1', 'set-cookie: b=2', 'upgrade: websocket', 'x-served-by: one'],
    ].sort(),
  );
});

test('the protocol that the upstream chooses is that of the WebSocket', async (t) => {
  const upstream = await startWebSocketUpstream(t, { headers: ['Sec-WebSocket-Protocol: v2.chat'] });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const { socket } = await openWebSocket(t, `${url}/chat`, ['v1.chat', 'v2.chat']);
  assert.equal(socket.protocol, 'v2.chat');
});

test('of a 101 what has no place there is left out', async (t) => {
  const upstream = await startWebSocketUpstream(t, {
    headers: ['Content-Length: 5', 'Trailer: x-a', 'Keep-Alive: timeout=5', 'X-Served-By: one'],
    greeting: 'welcome',
  });
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(askForWebSocket());
  await downstream.see('welcome');
  assert.match(downstream.received(), /^x-served-by: one$/im);
  assert.doesNotMatch(downstream.received(), /^(content-length|trailer|keep-alive):/im);
});

const spellings: Record<string, string> = {
  'with keep-alive beside it': askForWebSocket().replace('connection: Upgrade', 'connection: keep-alive, Upgrade'),
  'in other cases': askForWebSocket().replace('upgrade: websocket', 'UPGRADE: WebSocket'),
  'with a length of zero': askForWebSocket('/chat', ['content-length: 0']),
};
for (const [name, head] of Object.entries(spellings)) {
  test(`a request for a WebSocket ${name} is one`, async (t) => {
    const upstream = await startWebSocketUpstream(t, { greeting: 'welcome' });
    const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, url);
    downstream.write(head);
    await downstream.see('welcome');
    assert.equal(upstream.requests[0]?.headers.upgrade, 'websocket');
  });
}

test('one that is behind other requests on its connection has its turn when they are answered', async (t) => {
  let answer = (): void => {};
  const upstream = await startWebSocketUpstream(t, {
    greeting: 'welcome',
    answer: (_request, response) => (answer = () => response.end('first')),
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`GET /slow HTTP/1.1\r\nhost: a\r\n\r\n${askForWebSocket()}`);
  await until('the upstream has both', () => upstream.sockets.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(downstream.received(), '');
  answer();
  await downstream.see('welcome');
  downstream.write(frame(OPCODE.text, 'and on', { masked: true }));
  await downstream.see('and on');
  assert.match(downstream.received(), /^HTTP\/1.1 200 .*first.*HTTP\/1.1 101 /s);
  downstream.write(frame(OPCODE.close, '', { masked: true }));
  await downstream.closed;
  await until('it is over', () => running.inFlight() === 0);
  await assertNothingActive(running);
});

test('a WebSocket is one HTTP request with status 101, and on a path of no inference no inference request', async (t) => {
  const upstream = await startWebSocketUpstream(t);
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const { socket, closed } = await openWebSocket(t, `${running.url}/v2`);
  assert.deepEqual([running.inFlight(), await running.telemetry.value('http.server.active_requests')], [1, 1]);
  socket.close();
  await closed;
  await until('it is over', () => running.inFlight() === 0);
  await assertHttp(running, {
    'http.request.method': 'GET',
    'http.route': '/v2',
    'http.response.status_code': 101,
    'inference.upstream.name': 'up',
  });
  assert.equal(await running.telemetry.value('inference.requests'), 0);
  await assertNothingActive(running);
});
