// POST /-/flush, as a user has it: of the whole gateway, on its management listener.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { freePort } from '../support/processes.ts';

const UPSTREAM = { name: 'iris', url: 'http://127.0.0.1:1' };
/** No push is due in the time of a test. */
const interval = '1h';

async function start(t: TestContext, config: Record<string, unknown>): Promise<RunningGateway> {
  const observables = { host: { enabled: false }, gpu: { enabled: false } };
  const gateway = await startGateway({ upstreams: [UPSTREAM], observables, shutdown: { timeout: '1s' }, ...config });
  t.after(() => gateway.stop());
  return gateway;
}

async function flush({ urls }: RunningGateway, query = ''): Promise<[number, unknown]> {
  const answer = await fetch(`${urls.management}/-/flush${query}`, { method: 'POST' });
  return [answer.status, await answer.json()];
}

test('without destinations nothing waits', async (t) => {
  const gateway = await start(t, {});
  assert.deepEqual(await flush(gateway), [200, { ok: true, destinations: {} }]);
  const read = await fetch(`${gateway.urls.management}/-/flush`);
  assert.deepEqual([read.status, read.headers.get('allow')], [405, 'POST']);
});

for (const engine of ['native', 'sdk']) {
  test(`with engine ${engine} what was collected is at the receiver when the answer comes`, async (t) => {
    const sink = await startOtlpSink();
    t.after(() => sink.close());
    const push = [{ name: 'sink', endpoint: sink.url, interval }];
    const gateway = await start(t, { telemetry: { engine }, push });
    assert.deepEqual(await flush(gateway), [200, { ok: true, destinations: { sink: { status: 'sent', batches: 0 } } }]);
    assert.equal(sink.exports.length, 1);
  });
}

test('a dead receiver is no failure where the queue is on disk, and one where it is in memory', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'metergate-queue-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const dead = { endpoint: `http://127.0.0.1:${await freePort()}`, interval };
  const gateway = await start(t, {
    push: [
      { name: 'disk', ...dead, queue: { directory } },
      { name: 'memory', ...dead, queue: {} },
    ],
  });
  const [status, body] = await flush(gateway, '?timeout=2s');
  assert.equal(status, 503);
  assert.deepEqual(body, {
    ok: false,
    destinations: { disk: { status: 'on_disk', batches: 1 }, memory: { status: 'pending', batches: 1 } },
  });
  assert.equal((await flush(gateway, '?timeout=soon'))[0], 400);
});
