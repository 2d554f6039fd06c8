import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { healthyOf, REFUSING, replicated, startReplica } from './replica-servers.ts';
import { assertCounts, INFER, startProxy, type RunningProxy } from './running-proxy.ts';

const health = { intervalMs: 100, timeoutMs: 100, unhealthyAfter: 1, backoffMaxMs: 1_000 };
const infer = async ({ url }: RunningProxy): Promise<number> =>
  (await send(url, { method: 'POST', path: INFER, body: '{}' })).status;

test('a replica that has a long request from before is asked again all the same when its back-off is over', async (t) => {
  const [a, b] = [await startReplica(t), await startReplica(t)];
  const running = await startProxy(t, [replicated([a.url, b.url], { health })]);
  a.mode = b.mode = 'hold';
  const long = [infer(running), infer(running)];
  await until('each has one', () => a.bodies.length === 1 && b.bodies.length === 1);
  a.mode = 'reset';
  b.mode = 'ok';
  await until('one has failed', async () => {
    await infer(running);
    return (await healthyOf(running, a.url)) === 0;
  });
  a.mode = 'ok';
  await until('it is back', async () => {
    await infer(running);
    return (await healthyOf(running, a.url)) === 1;
  });
  assert.deepEqual([a.release(), b.release()], [1, 1]);
  assert.deepEqual(await Promise.all(long), [200, 200]);
});

test('a replica that is the only one is asked whatever is believed of it', async (t) => {
  const only = await startReplica(t);
  const running = await startProxy(t, [replicated([only.url], { health })]);
  only.mode = 'reset';
  assert.deepEqual([await infer(running), await infer(running)], [502, 502]);
  assert.equal(await healthyOf(running, only.url), 0);
  only.mode = 'ok';
  assert.equal(await infer(running), 200);
  assert.equal(await healthyOf(running, only.url), 1);
  await assertCounts(running, { failure: 2, success: 1 });
});

test('a replica that comes up again after it refused connections is found by a request', async (t) => {
  const [a, b] = [await startReplica(t), await startReplica(t)];
  const running = await startProxy(t, [replicated([a.url, b.url], { health })]);
  await a.down();
  for (let n = 0; n < 4; n++) assert.equal(await infer(running), 200);
  assert.equal(await healthyOf(running, a.url), 0);
  await a.up();
  let sent = 4;
  await until('it is back', async () => {
    assert.equal(await infer(running), 200);
    sent++;
    return (await healthyOf(running, a.url)) === 1;
  });
  await assertCounts(running, { success: sent });
});

test('a check that passes brings back a replica that failed requests, without any request', async (t) => {
  const [a, b] = [await startReplica(t), await startReplica(t)];
  const checked = { ...health, path: '/health', timeoutMs: 60_000, backoffMaxMs: 60_000 };
  const running = await startProxy(t, [replicated([a.url, b.url], { health: checked })]);
  a.mode = 'reset';
  await until('it is out', async () => {
    await infer(running);
    return a.seen.length > 0;
  });
  const seen = a.seen.length;
  await until('it is back', async () => (await healthyOf(running, a.url)) === 1);
  assert.equal(a.seen.length, seen);
  assert.equal(await running.telemetry.value('metergate.serving.replica.failures'), 1);
});

test('a request that is to try one that is down succeeds, though others are down as well', async (t) => {
  const well = await startReplica(t);
  const running = await startProxy(t, [replicated([...REFUSING, well.url], { health })]);
  const allOut = async (): Promise<boolean> => {
    const healthy = await Promise.all(REFUSING.map((url) => healthyOf(running, url)));
    return healthy.every((value) => value === 0);
  };
  await until('all but one are out', async () => {
    await infer(running);
    return allOut();
  });
  const statuses: number[] = [];
  // Longer than the first back-off.
  for (let n = 0; n < 60; n++) {
    statuses.push(await infer(running));
    await sleep(20);
  }
  assert.deepEqual([...new Set(statuses)], [200]);
});
