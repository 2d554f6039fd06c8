import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { connectTo, send } from './downstream.ts';
import { answerHash, asking, CONTINUE, countOf, LENGTH_4, sha256 } from './expecting.ts';
import { assertCounts, INFER, startProxy, upstreamAt, type ProxyChanges } from './running-proxy.ts';
import { timeoutsFor } from './timeouts.ts';
import { closedUrl, startRawUpstream, startUpstream } from './upstream-servers.ts';

interface Refusal {
  readonly path?: string;
  readonly length?: string;
  readonly changes?: ProxyChanges;
  readonly upstream?: (t: TestContext) => Promise<string>;
  readonly status: number;
  readonly code: ProxyErrorCode;
}

const silent = async (t: TestContext): Promise<string> => (await startRawUpstream(t, () => {})).url;
const closing = async (t: TestContext): Promise<string> => (await startRawUpstream(t, (socket) => socket.end())).url;
const refusals: Record<string, Refusal> = {
  'cannot be sent': { status: 502, code: 'upstream_unreachable' },
  'the upstream closes on': { upstream: closing, status: 502, code: 'upstream_closed' },
  'the upstream has no word for': { upstream: silent, status: 504, code: 'upstream_response_timeout' },
  'leads nowhere': { path: '/elsewhere', status: 404, code: 'no_route' },
  'has a path with dots': { path: '/up/../v2', status: 400, code: 'malformed_path' },
  'is too large': { length: '1000000001', status: 413, code: 'request_body_too_large' },
  'is one too many': { changes: { limits: { requestsInFlightMax: 0 } }, status: 503, code: 'requests_in_flight' },
};
for (const [name, { path = `/up${INFER}`, length = '4', upstream = closedUrl, ...refusal }] of Object.entries(
  refusals,
)) {
  test(`a request that ${name} gets its ${refusal.status} and no 100`, async (t) => {
    const up = upstreamAt(await upstream(t), { pathPrefix: '/up', timeouts: timeoutsFor(refusal.code) });
    const running = await startProxy(t, [up], refusal.changes);
    const downstream = await connectTo(t, running.url);
    downstream.write(asking([`content-length: ${length}`], path));
    await downstream.see(`"code":"${refusal.code}"}`);
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${refusal.status} `), downstream.received());
    await assertCounts(running, refusal.status === 502 || refusal.status === 504 ? { failure: 1 } : { rejected: 1 });
  });
}

for (const [who, prefix] of [
  ['the upstream', '/'],
  ['the gateway', '/elsewhere'],
] as const) {
  test(`an early answer of ${who} arrives, although the body is sent all the same`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) =>
      socket.write('HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n'),
    );
    const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: prefix })]);
    for (let round = 0; round < 5; round++) {
      const downstream = await connectTo(t, running.url);
      downstream.socket.pause();
      downstream.write(asking(['content-length: 8000000']) + 'x'.repeat(8_000_000));
      await new Promise((resolve) => setTimeout(resolve, 100));
      downstream.socket.resume();
      await downstream.see(prefix === '/' ? 'HTTP/1.1 413 ' : '"code":"no_route"}');
      downstream.socket.destroy();
    }
  });
}

test('one that waits in the queue is told to go on when it has its place', async (t) => {
  let answer = (): void => {};
  const upstream = await startUpstream(t, (request, response) => {
    if (request.headers.expect === undefined) answer = () => response.end('first');
    else answerHash(request, response);
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { requestsInFlightMax: 1 })]);
  const first = send(running.url, { method: 'POST', path: INFER });
  await until('the first is under way', () => upstream.seen.length === 1);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('it waits', async () => (await running.telemetry.value('inference.queue.size')) === 1);
  assert.equal(downstream.received(), '');
  answer();
  await first;
  await downstream.see(CONTINUE);
  downstream.write('body');
  await downstream.see(sha256(Buffer.from('body')));
  await assertCounts(running, { success: 2 });
});

test('one whose first replica cannot be reached is told to go on by the second', async (t) => {
  const upstream = await startUpstream(t, answerHash);
  const urls = [new URL(await closedUrl()), new URL(upstream.url)];
  const running = await startProxy(t, [upstreamAt(upstream.url, { urls })]);
  for (let round = 1; round <= 4; round++) {
    const downstream = await connectTo(t, running.url);
    downstream.write(LENGTH_4);
    await downstream.see(CONTINUE);
    downstream.write('body');
    await downstream.see(sha256(Buffer.from('body')));
    assert.equal(countOf(downstream, CONTINUE), 1);
  }
  await assertCounts(running, { success: 4 });
});

test('one whose model is in its body is told to go on, since nobody knows where to before', async (t) => {
  const upstream = await startUpstream(t, answerHash);
  const protocol = protocols.openai({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol, models: [{ name: 'llama' }] })]);
  const downstream = await connectTo(t, running.url);
  const body = '{"model": "llama"}';
  downstream.write(asking([`content-length: ${body.length}`], '/v1/completions'));
  await downstream.see(CONTINUE);
  downstream.write(body);
  await downstream.see(sha256(Buffer.from(body)));
  assert.equal(countOf(downstream, CONTINUE), 1);
  assert.equal(await running.telemetry.value('inference.requests', { 'inference.model.name': 'llama' }), 1);
});
