import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { connectTo, open } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const MEBIBYTE = 1024 * 1024;
/** More than all buffers on the way hold: those of four sockets in the kernel, and ours. */
const LARGE = 64 * MEBIBYTE;

test('each part of a response arrives before the upstream writes the next', async (t) => {
  let upstreamResponse: ServerResponse | undefined;
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    upstreamResponse = response;
    response.flushHeaders();
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await open(running.url, { method: 'POST', path: INFER, body: '{}' });
  const received: string[] = [];
  downstream.setEncoding('utf8').on('data', (part: string) => received.push(part));
  for (let n = 1; n <= 5; n++) {
    upstreamResponse?.write(`part ${n}`);
    await until(`part ${n} comes`, () => received.includes(`part ${n}`));
  }
  assert.deepEqual((await running.counts()).success, 0);
  upstreamResponse?.end();
  await once(downstream, 'end');
  await assertCounts(running, { success: 1 });
});

test('each part of a request arrives before the downstream writes the next', async (t) => {
  const received: string[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.setEncoding('utf8').on('data', (part: string) => received.push(part));
    request.on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const request = httpRequest(running.url, { method: 'POST', path: INFER, agent: false });
  for (let n = 1; n <= 5; n++) {
    request.write(`part ${n}`);
    await until(`part ${n} comes`, () => received.includes(`part ${n}`));
  }
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.resume();
  await assertCounts(running, { success: 1 });
});

test('request and response pass at the same time', async (t) => {
  const upstream = await startUpstream(t, (request, response) => void request.pipe(response));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`);
  for (let n = 1; n <= 5; n++) {
    downstream.write(`6\r\nping ${n}\r\n`);
    await downstream.see(`ping ${n}`);
  }
  downstream.write('0\r\n\r\n');
  await downstream.see('\r\n0\r\n\r\n');
  await assertCounts(running, { success: 1 });
});

/** Waits until a writer has been waiting for its reader for a while, as seen from the number of bytes it has written. */
async function standsStill(written: () => number): Promise<number> {
  for (let before = -1; before !== written();) {
    before = written();
    await sleep(150);
  }
  return written();
}

test('a downstream that does not read makes the upstream wait, and then gets everything', async (t) => {
  let written = 0;
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': LARGE });
    const part = Buffer.alloc(64 * 1024);
    const write = (): void => {
      while (written < LARGE) {
        written += part.length;
        if (!response.write(part)) return void response.once('drain', write);
      }
      response.end();
    };
    write();
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const before = process.memoryUsage().arrayBuffers;
  const downstream = await open(running.url, { method: 'POST', path: INFER, body: '{}' });
  downstream.pause();
  const stoppedAt = await standsStill(() => written);
  assert.ok(stoppedAt < LARGE / 2, `the upstream wrote ${stoppedAt} of ${LARGE} bytes`);
  assert.ok(process.memoryUsage().arrayBuffers - before < LARGE / 2);
  assert.deepEqual((await running.counts()).success, 0);

  let received = 0;
  downstream.on('data', (part: Buffer) => (received += part.length)).resume();
  await once(downstream, 'end');
  assert.equal(received, LARGE);
  await assertCounts(running, { success: 1 });
});

test('an upstream that does not read makes the downstream wait, and then gets everything', async (t) => {
  let upstreamRequest: IncomingMessage | undefined;
  let received = 0;
  const upstream = await startUpstream(t, (request, response) => {
    upstreamRequest = request;
    request.on('data', (part: Buffer) => (received += part.length)).pause();
    request.on('end', () => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const request = httpRequest(running.url, {
    method: 'POST',
    path: INFER,
    agent: false,
    headers: { 'content-length': LARGE },
  });
  const before = process.memoryUsage().arrayBuffers;
  let written = 0;
  const part = Buffer.alloc(64 * 1024);
  const write = (): void => {
    while (written < LARGE) {
      written += part.length;
      if (!request.write(part)) return void request.once('drain', write);
    }
    request.end();
  };
  write();
  await until('the upstream has the request', () => upstreamRequest !== undefined);
  const stoppedAt = await standsStill(() => written);
  assert.ok(stoppedAt < LARGE / 2, `the downstream wrote ${stoppedAt} of ${LARGE} bytes`);
  assert.ok(process.memoryUsage().arrayBuffers - before < LARGE / 2);

  upstreamRequest?.resume();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.resume().statusCode, 200);
  assert.equal(received, LARGE);
  await assertCounts(running, { success: 1 });
});

test('a request body that waits for its upstream is not taken for a stalled one', async (t) => {
  let upstreamRequest: IncomingMessage | undefined;
  const upstream = await startUpstream(t, (request, response) => {
    upstreamRequest = request.on('end', () => response.end('ok'));
  });
  const timeouts = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 500 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { timeouts })]);
  const request = httpRequest(running.url, { method: 'POST', path: INFER, agent: false });
  request.end(Buffer.alloc(LARGE / 4));
  await until('the upstream has the request', () => upstreamRequest !== undefined);
  await sleep(1_200);
  upstreamRequest?.resume();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.resume().statusCode, 200);
  await assertCounts(running, { success: 1 });
});
