import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { connectTo, send } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

const MEBIBYTE = randomBytes(1024 * 1024);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Answers with the body that came, and says how it came framed. */
const echo = (request: IncomingMessage, response: ServerResponse): void => {
  void buffer(request).then((body) => {
    const chunked = request.headers['x-want'] === 'chunked';
    response.writeHead(200, {
      ...(chunked ? {} : { 'content-length': body.length }),
      'x-came': request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? 'nothing',
    });
    response.end(body);
  });
};

const framings: Record<string, { headers: Record<string, string>; came: string }> = {
  'with a content-length both ways': { headers: { 'content-length': String(MEBIBYTE.length) }, came: '1048576' },
  'chunked both ways': { headers: { 'transfer-encoding': 'chunked', 'x-want': 'chunked' }, came: 'chunked' },
  'chunked there, content-length back': { headers: { 'transfer-encoding': 'chunked' }, came: 'chunked' },
};
for (const [name, { headers, came }] of Object.entries(framings)) {
  for (const method of ['POST', 'PUT', 'DELETE', 'GET']) {
    test(`1 MiB by ${method} ${name} arrives as it was sent`, async (t) => {
      const upstream = await startUpstream(t, echo);
      const running = await startProxy(t, [upstreamAt(upstream.url)]);
      const { status, body, response } = await send(running.url, { method, path: INFER, headers, body: MEBIBYTE });
      assert.equal(status, 200);
      assert.equal(sha256(body), sha256(MEBIBYTE));
      assert.equal(response.headers['x-came'], came);
      assert.equal(response.headers['transfer-encoding'], 'x-want' in headers ? 'chunked' : undefined);
      if (method === 'POST') await assertCounts(running, { success: 1 });
    });
  }
}

test('the sizes of both bodies are measured, those of our own answers too', async (t) => {
  const upstream = await startUpstream(t, echo);
  const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: '/up' })]);
  const { body } = await send(running.url, { path: '/elsewhere' });
  await send(running.url, { method: 'POST', path: `/up${INFER}`, body: MEBIBYTE });
  await assertCounts(running, { success: 1, rejected: 1 });
  const sumOf = async (name: string): Promise<number> => {
    const { resourceMetrics } = await running.telemetry.pull.collect(1_000);
    const metric = resourceMetrics()
      .scopeMetrics.flatMap(({ metrics }) => metrics)
      .find((m) => m.descriptor.name === name);
    return (metric?.dataPoints ?? []).reduce((sum, { value }) => sum + ((value as { sum?: number }).sum ?? 0), 0);
  };
  assert.equal(await sumOf('http.server.request.body.size'), MEBIBYTE.length);
  assert.equal(await sumOf('http.server.response.body.size'), MEBIBYTE.length + body.length);
});

const withoutBody: Record<string, { method?: string; status: number; headers: Record<string, string | number> }> = {
  'the answer to HEAD keeps its content-length and has no body': {
    method: 'HEAD',
    status: 200,
    headers: { 'content-length': 1234 },
  },
  'a 204 has no body': { status: 204, headers: {} },
  'a 304 keeps its headers and has no body': { status: 304, headers: { etag: '"a"' } },
  'an empty 200 stays empty': { status: 200, headers: { 'content-length': 0 } },
  'an empty chunked 200 stays empty': { status: 200, headers: { 'transfer-encoding': 'chunked' } },
};
for (const [name, { method = 'GET', status, headers }] of Object.entries(withoutBody)) {
  test(`${name}, and the connection goes on`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.writeHead(status, headers).end());
    const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, url);
    const request = `${method} /v2 HTTP/1.1\r\nhost: a\r\n\r\n`;
    downstream.write(request);
    await downstream.see('\r\n\r\n');
    downstream.write(request.replace('HTTP/1.1', 'HTTP/1.0'));
    await downstream.closed;
    const [, first = '', second = ''] = downstream.received().split('HTTP/1.1 ');
    const [head = '', body] = first.split('\r\n\r\n');
    assert.ok(head.startsWith(String(status)) && second.startsWith(String(status)));
    assert.equal(body, 'transfer-encoding' in headers ? '0' : '');
    for (const [key, value] of Object.entries(headers)) assert.ok(head.toLowerCase().includes(`${key}: ${value}`));
  });
}

test('a hundred headers of the response pass', async (t) => {
  const headers = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-header-${n}`, `value ${n}`]));
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(200, headers).end('ok'));
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const { response } = await send(url, { path: '/v2' });
  for (const [name, value] of Object.entries(headers)) assert.equal(response.headers[name], value);
});

test('a body that the upstream ends by closing is whole, chunked to HTTP/1.1, closed to HTTP/1.0', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const { body, response } = await send(running.url, { method: 'POST', path: INFER, body: '{}' });
  assert.equal(body.toString(), 'all of it');
  assert.equal(response.headers['transfer-encoding'], 'chunked');

  const old = await connectTo(t, running.url);
  old.write(`POST ${INFER} HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}`);
  assert.equal(await old.closed, 'end');
  assert.ok(old.received().endsWith('\r\n\r\nall of it'));
  assert.doesNotMatch(old.received(), /chunked/);
  await assertCounts(running, { success: 2 });
});

test('a chunked body from HTTP/1.1 keeps its trailers to itself', async (t) => {
  const upstream = await startUpstream(t, echo);
  const { url } = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n`);
  downstream.write('2\r\n{}\r\n0\r\nx-t: 1\r\n\r\n');
  await downstream.see('{}');
  assert.match(downstream.received(), /^HTTP\/1.1 200 /);
});

test('informational answers of the upstream are waited through', async (t) => {
  const upstream = await startUpstream(t, (_request, response) =>
    response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.end('ok')),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const { status, body } = await send(running.url, { method: 'POST', path: INFER, body: '{}' });
  assert.deepEqual([status, body.toString()], [200, 'ok']);
  await assertCounts(running, { success: 1 });
});
