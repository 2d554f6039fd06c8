// What a receiver gets, and how a sender lets go.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createTransport } from '../../../src/push/transports/index.ts';
import { startOtlpSink } from '../../support/otlp-sink.ts';
import { freePort } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { protocols, startSending } from './sending.ts';

const cancelled = { status: 'retryable', code: 'CANCELLED' };

for (const protocol of protocols) {
  describe(protocol, () => {
    for (const compression of ['none', 'gzip'] as const) {
      it(`sends a request of the whole size, compression ${compression}`, async (t) => {
        const { sink, send } = await startSending(t, protocol, { compression });
        // A view: what is around it is not sent.
        const payload = randomBytes(3_200_000).subarray(100_000, 3_100_000);
        assert.equal((await send(payload)).status, 'sent');
        const [received] = sink.exports;
        assert.equal(received?.compressed, compression === 'gzip');
        assert.ok(received.messageBytes.equals(payload));
        const name = protocol === 'grpc' ? 'grpc-encoding' : 'content-encoding';
        assert.equal(received.headers[name], compression === 'gzip' ? 'gzip' : undefined);
      });
    }

    it('sends the headers, and says who it is', async (t) => {
      const { sink, send } = await startSending(t, protocol, {
        headers: { Authorization: 'Bearer open', 'x-tenant': 'eu' },
        userAgent: 'metergate/7.8.9',
      });
      await send();
      const { path, headers = {} } = sink.exports[0] ?? {};
      const isGrpc = protocol === 'grpc';
      assert.equal(path, isGrpc ? '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export' : '/v1/metrics');
      assert.partialDeepStrictEqual(headers, {
        authorization: 'Bearer open',
        'x-tenant': 'eu',
        'content-type': isGrpc ? 'application/grpc' : 'application/x-protobuf',
      });
      assert.match(headers['user-agent'] ?? '', /^metergate\/7\.8\.9\b/);
    });

    it('keeps the connection for the next one', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      for (let i = 0; i < 20; i++) await send();
      // undici opens a second one if the first is not quite done.
      assert.ok(sink.connectionsMade <= (protocol === 'grpc' ? 1 : 2));
    });

    it('sends several at a time, and each has its own answer', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      sink.behaviour = (n) => ({ delayMs: 20 - n, then: n % 2 === 0 ? 'accept' : 'refuse' });
      const payloads = Array.from({ length: 20 }, () => randomBytes(1_000));
      const outcomes = await Promise.all(payloads.map((payload) => send(payload)));
      for (const { messageBytes, accepted } of sink.exports) {
        const index = payloads.findIndex((payload) => payload.equals(messageBytes));
        assert.equal(outcomes[index]?.status, accepted ? 'sent' : 'retryable');
      }
      assert.equal(sink.exports.length, 20);
    });

    it('gives up when it is told so, in any state', async (t) => {
      const { sink, send } = await startSending(t, protocol, { compression: 'gzip' });
      const giveUp = new AbortController();
      sink.behaviour = 'hang';
      const waiting = send(randomBytes(100), giveUp.signal);
      await sink.received(1);
      // One more is about to be compressed, or to connect.
      const starting = send(randomBytes(1_000_000), giveUp.signal);
      giveUp.abort();
      assert.partialDeepStrictEqual(await Promise.all([waiting, starting]), [cancelled, cancelled]);
      assert.partialDeepStrictEqual(await send(randomBytes(100), giveUp.signal), cancelled);
      sink.behaviour = 'accept';
      assert.equal((await send()).status, 'sent');
      assert.ok(sink.exports.length <= 3);
    });

    it('gives up while it still connects', { timeout: 20_000 }, async (t) => {
      const port = await freePort();
      const endpoint = `https://127.0.0.1:${port}`;
      const { sink, send } = await startSending(t, protocol, { sink: { port }, endpoint, timeoutMs: 60_000 });
      sink.isFrozen = true;
      const giveUp = new AbortController();
      const connecting = send(randomBytes(100), giveUp.signal);
      await until('it has begun', () => sink.connections === 1);
      giveUp.abort();
      assert.partialDeepStrictEqual(await connecting, cancelled);
    });

    it('leaves nothing with a signal that lives on', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      const { signal } = new AbortController();
      sink.next('accept', 'refuse', 'reset_answer');
      for (let i = 0; i < 3; i++) await send(randomBytes(10), signal);
      assert.equal(sink.exports.length, 3);
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
    });

    it('ends what is under way when it is closed, and leaves no socket and no timer', async (t) => {
      const sink = await startOtlpSink({ protocol });
      t.after(() => sink.close());
      const transport = createTransport(protocol, {
        endpoint: sink.url,
        timeoutMs: 60_000,
        headers: {},
        compression: 'none',
        tls: {},
        userAgent: 'x',
      });
      const { signal } = new AbortController();
      assert.equal((await transport.send(randomBytes(10), signal)).status, 'sent');
      sink.behaviour = 'hang';
      const waiting = [transport.send(randomBytes(10), signal), transport.send(randomBytes(10), signal)];
      await sink.received(3);
      await transport.close();
      await transport.close();
      assert.partialDeepStrictEqual(await Promise.all(waiting), [cancelled, cancelled]);
      assert.partialDeepStrictEqual(await transport.send(randomBytes(10), signal), cancelled);
      await until('every connection is closed', () => sink.connections === 0);
      // Pipes are those of the test's own process.
      await until('nothing is left but the sink', () => {
        const others = process.getActiveResourcesInfo().filter((each) => each !== 'PipeWrap');
        return isDeepStrictEqual(others, ['TCPServerWrap']);
      });
    });
  });
}
