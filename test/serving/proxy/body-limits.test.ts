import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { assertCounts, assertHttp, INFER, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream, type HttpUpstream } from './upstream-servers.ts';

const MAX = 100_000;
const limits = { requestBodyBytesMax: MAX, headerBytesMax: 4_096 };
const REFUSED = {
  'http.request.method': 'POST',
  'http.route': '/v2/models/{model_name}/infer',
  'http.response.status_code': 413,
  'error.type': 'request_body_too_large',
  'inference.upstream.name': 'up',
};
const head = (...lines: string[]): string => [`POST ${INFER} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n');
const chunk = (bytes: number): string => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`;

interface Counting {
  readonly upstream: HttpUpstream;
  readonly running: RunningProxy;
  /** Bytes of the bodies that came whole. */
  readonly whole: number[];
  readonly requests: IncomingMessage[];
}

async function startCounting(t: TestContext, changes: Partial<UpstreamOptions> = {}): Promise<Counting> {
  const [whole, requests]: [number[], IncomingMessage[]] = [[], []];
  const upstream = await startUpstream(t, (request, response) => {
    let bytes = 0;
    requests.push(request);
    request.on('error', () => {}).on('data', (data: Buffer) => (bytes += data.length));
    request.on('end', () => {
      whole.push(bytes);
      response.end('ok');
    });
  });
  return { upstream, whole, requests, running: await startProxy(t, [upstreamAt(upstream.url, changes)], { limits }) };
}

const sizes: Record<string, { bytes: number; chunked?: boolean; status: number }> = {
  'as long as it may be': { bytes: MAX, status: 200 },
  'a byte longer': { bytes: MAX + 1, status: 413 },
  'much longer': { bytes: 20 * MAX, status: 413 },
  'in chunks, as long as it may be': { bytes: MAX, chunked: true, status: 200 },
  'in chunks, a byte longer': { bytes: MAX + 1, chunked: true, status: 413 },
  'in chunks, much longer': { bytes: 20 * MAX, chunked: true, status: 413 },
};
for (const [name, { bytes, chunked = false, status }] of Object.entries(sizes)) {
  test(`a body ${name}, is answered ${status}, and its connection serves the next request`, async (t) => {
    const { running, upstream, whole } = await startCounting(t);
    const downstream = await connectTo(t, running.url);
    if (chunked) {
      downstream.write(head('transfer-encoding: chunked'));
      for (let left = bytes; left > 0; left -= 10_000) downstream.write(chunk(Math.min(left, 10_000)));
      downstream.write('0\r\n\r\n');
    } else {
      downstream.write(rawPost(INFER, 'x'.repeat(bytes)));
    }
    await downstream.see(`HTTP/1.1 ${status} `);
    downstream.write(rawPost(INFER, 'next'));
    await until('both are answered', () => downstream.received().match(/HTTP\/1\.1 \d/g)?.length === 2);
    assert.match(downstream.received(), /HTTP\/1\.1 200 OK[^]*ok$/);
    assert.deepEqual(whole, status === 200 ? [bytes, 4] : [4]);
    if (!chunked) assert.equal(upstream.seen.length, whole.length);
    if (status === 413) assert.match(downstream.received(), /"code":"request_body_too_large"\}/);
    await assertCounts(running, status === 200 ? { success: 2 } : { rejected: 1, success: 1 });
  });
}

test('a body that says that it is too large is refused before any of it, without the word to go on', async (t) => {
  const { running, upstream } = await startCounting(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(head(`content-length: ${MAX + 1}`, 'expect: 100-continue'));
  await downstream.see('}');
  assert.match(downstream.received(), /^HTTP\/1\.1 413 .*proxy-status: metergate; error=http_request_error.*\}$/s);
  assert.equal(upstream.connections(), 0);
  await assertCounts(running, { rejected: 1 });
  await assertHttp(running, REFUSED);
});

test('a length that no number can hold is refused', async (t) => {
  const { running, upstream } = await startCounting(t);
  for (const length of ['9007199254740993', '18446744073709551615', '99999999999999999999999']) {
    const downstream = await connectTo(t, running.url);
    downstream.write(head(`content-length: ${length}`));
    await downstream.see('}');
    assert.match(downstream.received(), /^HTTP\/1\.1 4(00|13) /);
  }
  assert.equal(upstream.connections(), 0);
  await assertCounts(running, { rejected: 3 });
});

test('a body that becomes too large is refused then, and the upstream never gets it whole', async (t) => {
  const { running, whole, requests } = await startCounting(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(head('transfer-encoding: chunked') + chunk(MAX));
  await until('the upstream has the request', () => requests.length === 1);
  downstream.write(chunk(1));
  await downstream.see('413');
  await until('the upstream hears of it', () => requests[0]?.socket.destroyed === true);
  assert.deepEqual([whole, requests[0]?.complete], [[], false]);
  await assertCounts(running, { rejected: 1 });
  await assertHttp(running, REFUSED);
});

test('a body that becomes too large when the response has begun is cut off', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.on('error', () => {}).resume();
    response.write('part');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits });
  const downstream = await connectTo(t, running.url);
  downstream.write(head('transfer-encoding: chunked') + chunk(10));
  await downstream.see('part');
  downstream.write(chunk(MAX));
  await downstream.closed;
  assert.doesNotMatch(downstream.received(), /\r\n0\r\n\r\n$/);
  await assertCounts(running, { rejected: 1 });
});

test('a body that is looked into and becomes too large is refused', async (t) => {
  const protocol = protocols.openai({ name: 'llm', models: [], routes: [] });
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const small = { ...limits, requestBodyBytesMax: 1_000 };
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol })], { limits: small });
  const downstream = await connectTo(t, running.url);
  downstream.write(head('transfer-encoding: chunked').replace(INFER, '/v1/completions'));
  downstream.write(`10\r\n{"prompt":"xxxxx\r\n${chunk(1_000)}`);
  await downstream.see('request_body_too_large');
  assert.equal(upstream.connections(), 0);
  await assertCounts(running, { rejected: 1 });
});

test('a head that is larger than it may be is answered 431, and one that is not is passed on', async (t) => {
  const { running, whole } = await startCounting(t);
  for (const [bytes, status] of [
    [3_000, 200],
    [5_000, 431],
  ] as const) {
    const downstream = await connectTo(t, running.url);
    downstream.write(head(`x-a: ${'a'.repeat(bytes)}`, 'content-length: 2') + '{}');
    await downstream.see(`HTTP/1.1 ${status} `);
  }
  assert.deepEqual(whole, [2]);
  await assertCounts(running, { success: 1, rejected: 1 });
});

for (const [how, headers] of [
  ['', {}],
  [' to a request that waited for the word to go on', { expect: '100-continue' }],
] as const) {
  test(`a response head${how} that is larger than it may be is a 502, and one that is not is passed on`, async (t) => {
    let bytes = 3_000;
    const upstream = await startUpstream(t, (request, response) => {
      request.resume().on('end', () => response.writeHead(200, { 'x-a': 'a'.repeat(bytes) }).end('ok'));
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)], { limits });
    const request = { method: 'POST', path: INFER, body: '{}', headers };
    assert.equal((await send(running.url, request)).response.headers['x-a']?.length, bytes);
    bytes = 5_000;
    const { status, body } = await send(running.url, request);
    assert.equal(status, 502);
    assert.equal((JSON.parse(body.toString()) as { code: string }).code, 'upstream_malformed_response');
    await assertCounts(running, { success: 1, failure: 1 });
  });
}
