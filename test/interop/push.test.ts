// What is pushed arrives at real receivers: after an outage too, all of it, each batch as it was and in its order.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { PemFiles } from '../../src/http/pem.ts';
import type { Snapshot } from '../../src/metric/model.ts';
import type { Push } from '../../src/push/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createPushing, sent, type Pushing, type TestDestination } from '../push/pushing.ts';
import { startSending, type Protocol, type Sending } from '../push/transports/sending.ts';
import { createAuthority } from '../serving/proxy/test-authority.ts';
import { skipWithout } from '../support/interop.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { eventually, freePort } from '../support/processes.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startReceivingCollector, type ReceivingCollector } from './receiving-collector.ts';

const authority = createAuthority('authority of the test');
const clientPems = authority.issue();
const serverTls = { ...authority.issue({ names: ['127.0.0.1', 'localhost'] }), ca: authority.cert };

/** Started on these ports when it is time for it. */
interface Place {
  readonly endpoint: string;
  readonly start: (limits?: Parameters<typeof startReceivingCollector>[0]['limits']) => Promise<ReceivingCollector>;
}

async function placeFor(t: TestContext, protocol: Protocol, { isTls }: { isTls: boolean }): Promise<Place> {
  const ports = { grpc: await freePort(), http: await freePort() };
  const scheme = isTls ? 'https' : 'http';
  return {
    endpoint:
      protocol === 'grpc' ? `${scheme}://127.0.0.1:${ports.grpc}` : `${scheme}://127.0.0.1:${ports.http}/v1/metrics`,
    start: async (limits) => {
      const collector = await startReceivingCollector({
        ports,
        ...(isTls && { tls: serverTls }),
        ...(limits && { limits }),
      });
      t.after(() => collector.stop());
      return collector;
    },
  };
}

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-push-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function clientFiles(t: TestContext): Promise<PemFiles> {
  const folder = await folderFor(t);
  const files = { caFile: authority.cert, certFile: clientPems.cert, keyFile: clientPems.key };
  const written = Object.entries(files).map(async ([name, pem]) => {
    const path = join(folder, name);
    await writeFile(path, pem);
    return [name, path];
  });
  return Object.fromEntries(await Promise.all(written)) as PemFiles;
}

async function startPushing(t: TestContext, ...destinations: TestDestination[]): Promise<Pushing> {
  const pushing = createPushing(...destinations);
  t.after(() => pushing.push.shutdown(deadlineIn(1_000)));
  await pushing.push.start();
  return pushing;
}

/** Waits until as many requests are there, and a little longer than one more would take. */
async function requestsOf(collector: ReceivingCollector, count: number): Promise<Snapshot[][]> {
  await eventually(async () => (await collector.received()).length >= count || undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return collector.received();
}

/** Batches, by destination. */
function waiting(push: Push): Readonly<Record<string, number>> {
  const { destinations } = push.status() as { destinations: Record<string, { queue: { batches: number } }> };
  return Object.fromEntries(Object.entries(destinations).map(([name, { queue }]) => [name, queue.batches]));
}

const protocols = ['grpc', 'http/protobuf'] as const;

describe('the Collector', { skip: skipWithout('otelcol'), concurrency: 4 }, () => {
  const ways = protocols.flatMap((protocol) =>
    [false, true].map((isTls) => ({ protocol, isTls, compression: isTls ? ('gzip' as const) : ('none' as const) })),
  );
  for (const { protocol, isTls, compression } of ways) {
    const way = `${protocol}${isTls ? ', TLS with a client certificate, gzip' : ''}`;
    it(`has after an outage every batch as it was, oldest first (${way})`, async (t) => {
      const { endpoint, start } = await placeFor(t, protocol, { isTls });
      // Of the same feed, so that it gets the same batches; and it is never down.
      const witness = await startOtlpSink();
      t.after(() => witness.close());
      const { push, instruments } = await startPushing(
        t,
        {
          endpoint,
          protocol,
          compression,
          tls: isTls ? await clientFiles(t) : undefined,
          temporality: 'delta',
          queue: { directory: join(await folderFor(t), 'queue') },
        },
        { endpoint: witness.url, temporality: 'delta' },
      );
      for (let i = 1; i <= 6; i++) {
        instruments.counter('inference.requests').add(i, { 'inference.outcome': 'success' });
        instruments.histogram('inference.request.duration').record(i / 10);
        assert.deepEqual((await push.flush(5_000)).destinations, {
          a: { status: 'on_disk', batches: i },
          b: { status: 'sent', batches: 0 },
        });
      }
      const collector = await start();
      assert.equal((await requestsOf(collector, 6)).length, 6);
      instruments.counter('inference.requests').add(7, { 'inference.outcome': 'success' });
      await push.flush(5_000);

      const requests = await requestsOf(collector, 7);
      const growth = requests.map((request) => sent(request, 'inference.requests').success);
      assert.deepEqual(growth, [1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(
        requests,
        witness.exports.map(({ snapshots }) => snapshots),
      );
    });
  }

  for (const protocol of protocols) {
    it(`takes in parts what is too large for it (${protocol})`, async (t) => {
      const { endpoint, start } = await placeFor(t, protocol, { isTls: false });
      const collector = await start({ grpc: { max_recv_msg_size_mib: 1 }, http: { max_request_body_size: 2 ** 20 } });
      const { push, instruments, pulled } = await startPushing(t, { endpoint, protocol });
      const requests = instruments.counter('inference.requests');
      for (let i = 0; i < 1_900; i++) requests.add(i, { 'inference.model.name': `model-${i}-${'x'.repeat(1_000)}` });
      assert.equal((await push.flush(20_000)).destinations.a?.status, 'sent');

      const received = await collector.received();
      assert.ok(received.length > 1);
      const values = received.flatMap((request) => Object.values(sent(request, 'inference.requests')));
      assert.deepEqual(
        values.sort((a, b) => a - b),
        Array.from({ length: 1_900 }, (_, i) => i),
      );
      assert.ok((await pulled('metergate.push.points.sent', 'a')) >= 1_900);
      assert.equal(await pulled('metergate.push.points.dropped', 'a'), 0);
    });

    const outcomes: Record<string, { tls: Record<string, string>; says: RegExp }> = {
      'who trusts somebody else': { tls: { ca: createAuthority('somebody else').cert }, says: /certificate/ },
      'who shows no certificate': { tls: { ca: authority.cert }, says: /./ },
    };
    it(`is tried again by ${Object.keys(outcomes).join(' and by ')} (${protocol})`, async (t) => {
      const { endpoint, start } = await placeFor(t, protocol, { isTls: true });
      const collector = await start();
      for (const { tls, says } of Object.values(outcomes)) {
        const pems = Object.entries(tls).map(([name, pem]) => [name, Buffer.from(pem)]);
        const { send } = await startSending(t, protocol, { endpoint, tls: Object.fromEntries(pems) as object });
        const outcome = await send(Buffer.alloc(0));
        assert.equal(outcome.status, 'retryable');
        assert.match(outcome.message, says);
      }
      const tls = {
        ca: Buffer.from(authority.cert),
        cert: Buffer.from(clientPems.cert),
        key: Buffer.from(clientPems.key),
      };
      const { send }: Sending = await startSending(t, protocol, { endpoint, tls });
      assert.deepEqual(await send(Buffer.alloc(0)), { status: 'sent', rejectedPoints: 0, message: '' });
      assert.equal((await send(Buffer.from('this is no request'))).status, 'permanent');
      await collector.stop();
    });
  }
});

describe('Prometheus 3', { skip: skipWithout('prometheus3') }, () => {
  it('has after an outage every sample at its own time', async (t) => {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}/api/v1/otlp/v1/metrics`;
    // Some minutes that nobody has to wait for.
    const stepMs = 15_000;
    const timesMs = Array.from({ length: 20 }, (_, i) => Date.now() - (20 - i) * stepMs);
    t.mock.timers.enable({ apis: ['Date'], now: (timesMs[0] ?? 0) - stepMs });
    const { push, instruments, lines } = await startPushing(t, {
      endpoint,
      protocol: 'http/protobuf',
      compression: 'gzip',
      queue: { directory: join(await folderFor(t), 'queue') },
    });
    for (const [i, timeMs] of timesMs.entries()) {
      t.mock.timers.setTime(timeMs);
      instruments.counter('inference.requests').add(i + 1, { 'inference.outcome': 'success' });
      assert.equal((await push.flush(5_000)).destinations.a?.status, 'on_disk');
    }
    t.mock.timers.reset();

    const prometheus = await startPrometheus({
      scrapeTargets: [],
      scrapeIntervalMs: 60_000,
      version: 3,
      otlp: {},
      port,
    });
    t.after(() => prometheus.stop());
    await eventually(() => isDeepStrictEqual(waiting(push), { a: 0 }) || undefined);
    const series = 'inference_requests_total{job="test"}';
    for (const [i, timeMs] of timesMs.entries()) {
      const [[value], [time]] = await Promise.all([
        prometheus.query(series, { atMs: timeMs }),
        prometheus.query(`timestamp(${series})`, { atMs: timeMs }),
      ]);
      assert.deepEqual([value?.value, time?.value], [((i + 1) * (i + 2)) / 2, timeMs / 1_000], `sample ${i}`);
    }
    const [count] = await prometheus.query(`count_over_time(${series}[1h])`, { atMs: timesMs.at(-1) ?? 0 });
    assert.equal(count?.value, timesMs.length);
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error'),
      [],
    );
  });
});
