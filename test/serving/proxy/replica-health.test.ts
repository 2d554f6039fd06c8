import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { healthyOf, replicated, startReplica, startSockets, type Replica } from './replica-servers.ts';
import { assertCounts, assertNothingActive, INFER, startProxy, type RunningProxy } from './running-proxy.ts';
import { timeoutsFor } from './timeouts.ts';
import { startUpstream } from './upstream-servers.ts';

const health = { intervalMs: 100, timeoutMs: 100, unhealthyAfter: 2, backoffMaxMs: 30_000 };

interface Pair {
  readonly a: Replica;
  readonly b: Replica;
  readonly running: RunningProxy;
}

async function startPair(t: TestContext, changes: Partial<UpstreamOptions> = {}): Promise<Pair> {
  const [a, b] = [await startReplica(t), await startReplica(t)];
  return { a, b, running: await startProxy(t, [replicated([a.url, b.url], { health, ...changes })]) };
}

const infer = async ({ url }: RunningProxy): Promise<number> =>
  (await send(url, { method: 'POST', path: INFER, body: '{}' })).status;

async function inferUntil(running: RunningProxy, condition: () => boolean | Promise<boolean>): Promise<number[]> {
  const statuses: number[] = [];
  await until('enough was asked', async () => {
    statuses.push(await infer(running));
    return condition();
  });
  return statuses;
}

test('a replica that failed often enough is sent nothing, then a single request, and is back when that is answered', async (t) => {
  const { a, b, running } = await startPair(t);
  a.mode = 'reset';
  const statuses = await inferUntil(running, async () => (await healthyOf(running, a.url)) === 0);
  const knownMs = performance.now();
  assert.deepEqual([statuses.filter((status) => status !== 200), a.seen.length], [[502, 502], 2]);
  assert.equal(await healthyOf(running, b.url), 1);
  const at = { 'server.address': '127.0.0.1', 'server.port': Number(new URL(a.url).port) };
  assert.equal(await running.telemetry.value('metergate.serving.replica.failures', at), 1);
  assert.equal(await running.telemetry.value('metergate.serving.replica.failures'), 1);

  const answers = await Promise.all(Array.from({ length: 10 }, () => infer(running)));
  // On a machine that stood still for a second the back-off is over.
  if (performance.now() - knownMs < 900)
    assert.deepEqual([answers.every((status) => status === 200), a.seen.length], [true, 2]);

  a.mode = 'hold';
  const before = a.seen.length;
  const asked: Promise<number>[] = [];
  await until('it is sent one', () => {
    asked.push(infer(running));
    return a.seen.length > before;
  });
  await Promise.all(Array.from({ length: 20 }, () => infer(running)));
  assert.equal(a.seen.length, before + 1);
  assert.equal(await healthyOf(running, a.url), 0);
  a.mode = 'ok';
  assert.equal(a.release(), 1);
  assert.ok((await Promise.all(asked)).every((status) => status === 200));
  assert.equal(await healthyOf(running, a.url), 1);
  await Promise.all(Array.from({ length: 20 }, () => infer(running)));
  assert.ok(a.seen.length > before + 1);
  const changes = running.telemetry.lines.filter(({ message }) => message.startsWith('replica '));
  assert.deepEqual(
    changes.map(({ message }) => message),
    ['replica unhealthy', 'replica healthy'],
  );
});

const failures: Record<string, { mode: Replica['mode'] | 'down'; healthy: number }> = {
  'refuses connections': { mode: 'down', healthy: 0 },
  'resets connections': { mode: 'reset', healthy: 0 },
  'does not answer in time': { mode: 'silent', healthy: 0 },
  'answers 500': { mode: 500, healthy: 1 },
  'answers 503': { mode: 503, healthy: 1 },
  'answers 404': { mode: 404, healthy: 1 },
};
for (const [name, { mode, healthy }] of Object.entries(failures)) {
  test(`a replica that ${name} is ${healthy === 1 ? 'believed to be well' : 'unhealthy'}`, async (t) => {
    const timeouts = timeoutsFor(mode === 'silent' ? 'upstream_response_timeout' : 'upstream_closed');
    const { a, running } = await startPair(t, { timeouts, health: { ...health, unhealthyAfter: 1 } });
    if (mode === 'down') await a.down();
    else a.mode = mode;
    await Promise.all(Array.from({ length: 4 }, () => infer(running)));
    assert.equal(await healthyOf(running, a.url), healthy);
  });
}

test('what downstreams do is no failure of a replica', async (t) => {
  const changes = { health: { ...health, unhealthyAfter: 1 } };
  const { a, b, running } = await startPair(t, {
    ...changes,
    timeouts: { connectMs: 5_000, responseHeadersMs: 5_000, idleMs: 500 },
  });
  a.mode = b.mode = 'silent';
  const leave = async (text: string, how: 'resetAndDestroy' | 'destroySoon'): Promise<void> => {
    const downstream = await connectTo(t, running.url);
    downstream.write(text);
    await until('it is in flight', () => running.inFlight() === 1);
    downstream.socket[how]();
    await until('it is over', () => running.inFlight() === 0);
  };
  const half = rawPost(INFER, 'x'.repeat(100)).slice(0, -50);
  const chunked = `POST ${INFER} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n`;
  for (const how of ['resetAndDestroy', 'destroySoon'] as const)
    for (const text of [rawPost(INFER), half, chunked]) await leave(text, how);
  const stalling = await connectTo(t, running.url);
  stalling.write(half);
  await stalling.see('408');
  await until('all are over', () => running.inFlight() === 0);
  assert.deepEqual([await healthyOf(running, a.url), await healthyOf(running, b.url)], [1, 1]);
  await assertNothingActive(running);
});

test('when all replicas are unhealthy, each request is tried all the same', async (t) => {
  const { a, b, running } = await startPair(t, { health: { ...health, unhealthyAfter: 1 } });
  await Promise.all([a.down(), b.down()]);
  assert.deepEqual([await infer(running), await infer(running)], [502, 502]);
  assert.deepEqual([await healthyOf(running, a.url), await healthyOf(running, b.url)], [0, 0]);
  await b.up();
  assert.deepEqual([await infer(running), await infer(running)], [200, 200]);
  assert.deepEqual([await healthyOf(running, a.url), await healthyOf(running, b.url)], [0, 1]);
  await assertCounts(running, { failure: 2, success: 2 });
});

test('the status shows each replica, its health and what it has', async (t) => {
  const { a, b, running } = await startPair(t, { health: { ...health, unhealthyAfter: 1 } });
  a.mode = 'reset';
  await inferUntil(running, () => a.seen.length === 1);
  b.mode = 'hold';
  const held = infer(running);
  await until('it is held', () => running.inFlight() === 1);
  const host = (url: string): string => new URL(url).host;
  assert.deepEqual(running.proxy.status().upstreams, [
    {
      ...{ name: 'up', requestsInFlight: 1, requestsWaiting: 0 },
      replicas: [
        { address: host(a.url), healthy: false, requestsInFlight: 0 },
        { address: host(b.url), healthy: true, requestsInFlight: 1 },
      ],
    },
  ]);
  await until('it has come', () => b.release() === 1);
  assert.equal(await held, 200);
});

/** What the health path of a replica answers; undefined = nothing. */
const checks: Record<string, { says: number | undefined; healthy: number }> = {
  'answers 200': { says: 200, healthy: 1 },
  'answers 204': { says: 204, healthy: 1 },
  'answers 503': { says: 503, healthy: 0 },
  redirects: { says: 302, healthy: 0 },
  'does not answer in time': { says: undefined, healthy: 0 },
};
for (const [name, { says, healthy }] of Object.entries(checks)) {
  test(`a replica whose health path ${name} is ${healthy === 1 ? 'well' : 'out until it passes again'}`, async (t) => {
    let answer: number | undefined = says;
    const [a, b] = [await startReplica(t, () => answer), await startReplica(t)];
    const checked = { ...health, path: '/health/live?full=1', timeoutMs: says === undefined ? 300 : 60_000 };
    const running = await startProxy(t, [replicated([a.url, b.url], { health: checked })]);
    await until('it is known', async () => (await healthyOf(running, a.url)) === healthy);
    for (let n = 0; n < 10; n++) assert.equal(await infer(running), 200);
    assert.equal(a.seen.length, healthy === 1 ? 5 : 0);
    answer = 200;
    await until('it is well', async () => (await healthyOf(running, a.url)) === 1);
    for (let n = 0; n < 4; n++) assert.equal(await infer(running), 200);
    assert.equal(a.seen.length, healthy === 1 ? 7 : 2);
  });
}

test('a check takes any length of answer, has its own path and is no request of anybody', async (t) => {
  const asked = new Set<string>();
  const { url, seen } = await startUpstream(t, (request, response) => {
    asked.add(`${request.method} ${request.url} ${request.headers['user-agent']}`);
    response.end(Buffer.alloc(1024 * 1024));
  });
  const checked = { ...health, path: '/ready', timeoutMs: 1_000, unhealthyAfter: 1 };
  const running = await startProxy(t, [replicated([`${url}/base/`], { health: checked, requestsInFlightMax: 1 })]);
  await until('it was checked', () => seen.length >= 4);
  assert.deepEqual([...asked], ['GET /base/ready metergate']);
  assert.equal(await healthyOf(running, url), 1);
  assert.equal(running.telemetry.lines.filter(({ message }) => message.startsWith('replica ')).length, 0);
  assert.deepEqual([running.inFlight(), await running.telemetry.series('http.server.request.duration')], [0, []]);
});

test('a check that a shutdown breaks off says nothing about its replica', async (t) => {
  const { url, connections } = await startSockets(t, () => {});
  const checked = { ...health, path: '/health', intervalMs: 60_000, timeoutMs: 60_000, unhealthyAfter: 1 };
  const running = await startProxy(t, [replicated([url], { health: checked })]);
  await until('it is checked', () => connections() === 1);
  await running.proxy.shutdown(deadlineIn(1_000));
  assert.equal(await running.telemetry.value('metergate.serving.replica.failures'), 0);
});
