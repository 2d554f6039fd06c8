// On SIGTERM the gateway finishes what it has begun, tells the receiver of its pushes about it, and ends with exit code 0.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startIrisServer } from '../../examples/iris-server/server.ts';
import { countsOfSnapshots } from '../../src/cli/demo/comparison.ts';
import { createLoad } from '../../src/cli/demo/load.ts';
import * as requests from '../../src/cli/demo/requests.ts';
import { startSink } from '../../src/cli/demo/sink.ts';
import { startGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

const SLOW = 60;
const slow = { ...requests.good, body: requests.inferBody({ delay_ms: 1_500 }) };

for (const engine of ['native', 'sdk'] as const) {
  test(`SIGTERM under load loses no request and no count, with the engine ${engine}`, { timeout: 240_000 }, (t) =>
    underLoad(t, engine),
  );
}

async function underLoad(t: TestContext, engine: 'native' | 'sdk'): Promise<void> {
  const iris = await startIrisServer();
  t.after(() => iris.close());
  const sink = await startSink();
  t.after(() => sink.close());
  const gateway = await startGateway({
    telemetry: { engine },
    upstreams: [{ name: 'iris', url: iris.url }],
    // An interval that never comes: all that the sink gets is the last export.
    push: [{ name: 'sink', endpoint: sink.url, interval: '1h', timeout: '10s' }],
    shutdown: { delay: '500ms', timeout: '20s' },
  });
  t.after(() => gateway.stop());

  const load = createLoad(gateway.urls.inference);
  t.after(() => load.close());
  let stopped = false;
  const quick = load.mixed([requests.good, requests.malformedJson], { concurrency: 4, until: () => stopped });
  const slowOnes = load.burst(slow, SLOW);
  await eventually(async () => ((await requestsInFlight(gateway.urls.management)) >= SLOW ? true : undefined));

  gateway.process.kill('SIGTERM');
  await eventually(async () => {
    const { status } = await fetch(`${gateway.urls.management}/-/ready`);
    return status === 503 ? true : undefined;
  });
  assert.equal((await fetch(`${gateway.urls.management}/-/healthy`)).status, 200, 'alive while it drains');
  // Requests are served until the listener closes; who goes on asking then gets no connection.
  stopped = true;
  await Promise.all([quick, slowOnes]);
  assert.deepEqual(await gateway.process.exited, { code: 0, signal: null });

  assert.deepEqual(load.ledger.unanswered, []);
  assert.ok(load.ledger.counts.success >= SLOW);
  assert.equal(sink.exports, 1);
  assert.deepEqual(countsOfSnapshots(sink.latest), load.ledger.counts);
  assert.equal(iris.counts().success, load.ledger.counts.success);
  await assert.rejects(fetch(`${gateway.urls.inference}/v2`), 'no longer listening');
}

test('a second signal ends it at once with exit code 1', { timeout: 240_000 }, async (t) => {
  const iris = await startIrisServer();
  t.after(() => iris.close());
  const gateway = await startGateway({ upstreams: [{ name: 'iris', url: iris.url }], shutdown: { delay: '20s' } });
  gateway.process.kill('SIGTERM');
  await eventually(() => Promise.resolve(gateway.process.stderr().includes('shutting down') ? true : undefined));
  gateway.process.kill('SIGINT');
  assert.deepEqual(await gateway.process.exited, { code: 1, signal: null });
  await gateway.stop();
});

test(
  'what is still running at the deadline is cut off, counted as a failure and exported',
  { timeout: 240_000 },
  async (t) => {
    const iris = await startIrisServer();
    t.after(() => iris.close());
    const sink = await startSink();
    t.after(() => sink.close());
    const gateway = await startGateway({
      upstreams: [{ name: 'iris', url: iris.url }],
      push: [{ name: 'sink', endpoint: sink.url, interval: '1h', timeout: '2s' }],
      shutdown: { timeout: '2s' },
    });
    const load = createLoad(gateway.urls.inference);
    t.after(() => load.close());
    const held = load.burst({ ...requests.good, body: requests.inferBody({ delay_ms: 30_000 }) }, 3);
    await eventually(async () => ((await requestsInFlight(gateway.urls.management)) === 3 ? true : undefined));

    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
    await held;
    const expected = { success: 0, failure: 3, aborted: 0, rejected: 0 };
    assert.deepEqual(load.ledger, { counts: expected, unanswered: [] });
    assert.deepEqual(countsOfSnapshots(sink.latest), expected);
  },
);

async function requestsInFlight(management: string): Promise<number> {
  const status = (await (await fetch(`${management}/status`)).json()) as {
    parts: { inference: { requestsInFlight: number } };
  };
  return status.parts.inference.requestsInFlight;
}
