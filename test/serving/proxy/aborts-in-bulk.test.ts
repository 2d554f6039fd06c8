import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { sized } from '../../exposition/runs.ts';
import { until } from '../../support/until.ts';
import { rawPost } from './downstream.ts';
import { assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const ABORTS = sized({ short: 2_000, long: 10_000 });
const AT_ONCE = 50;

test(`${ABORTS} aborted requests, at every phase, leave nothing behind`, async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    if (request.headers['x-phase'] === 'response') response.write('part');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { requestsInFlightMax: 20 })], {
    limits: { requestsInFlightMax: 1_000, connectionsMax: 1_000 },
  });
  const { hostname, port } = new URL(running.url);

  const abort = async (phase: string): Promise<void> => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    const whole = rawPost(INFER, 'x'.repeat(100)).replace('host:', `x-phase: ${phase}\r\nhost:`);
    const before = upstream.seen.length;
    socket.write(phase === 'body' ? whole.slice(0, -50) : whole);
    if (phase === 'response') await once(socket, 'data');
    else await until('it is under way', () => upstream.seen.length > before || running.inFlight() > 0);
    socket.resetAndDestroy();
    await once(socket, 'close');
  };
  const phases = ['body', 'head', 'response'];
  for (let done = 0; done < ABORTS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => abort(phases[n % phases.length] ?? '')));
  }

  await until(
    'all are over',
    async () => running.inFlight() === 0 && (await running.telemetry.value('http.server.active_requests')) === 0,
  );
  const { success, failure, rejected, aborted } = await running.counts();
  assert.deepEqual({ success, failure, rejected }, { success: 0, failure: 0, rejected: 0 });
  // A reset may overtake a request that is still in the kernel: then there never was one.
  assert.ok(aborted > ABORTS * 0.9 && aborted <= ABORTS, `${aborted} aborted`);
  assert.equal(await running.telemetry.value('http.server.request.duration'), aborted);
  await assertNothingActive(running);
  assert.deepEqual(running.proxy.status(), {
    url: running.url,
    listening: true,
    requestsInFlight: 0,
    upstreams: [
      {
        name: 'up',
        requestsInFlight: 0,
        requestsWaiting: 0,
        replicas: [{ address: new URL(upstream.url).host, healthy: true, requestsInFlight: 0 }],
      },
    ],
  });
  assert.ok((await running.telemetry.series('http.server.request.duration')).length <= 2);
});
