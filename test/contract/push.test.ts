import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { startSink } from '../../src/cli/demo/sink.ts';
import { deadlineIn, within } from '../../src/std/deadline.ts';
import {
  createPushingWith,
  deadEndpoint,
  folderFor,
  hangingCertificate,
  sent,
  sinkFor,
  soon,
  sum,
  values,
  type Pushing,
  type TestDestination,
} from '../push/pushing.ts';
import { countPoints } from '../support/count-points.ts';
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { until } from '../support/until.ts';

// What a push does whoever sends: our own queue and transports, or the official exporter.

for (const engine of ['native', 'sdk'] as const) {
  const createPushing = (...given: readonly TestDestination[]) => createPushingWith(engine, given);

  describe(`push, with the engine ${engine}`, () => {
    it('sends what was recorded, to a gRPC server of the official kind', async (t) => {
      const sink = await startSink();
      t.after(() => sink.close());
      const { push, instruments } = createPushing({ endpoint: sink.url });
      await push.start();
      const requests = instruments.counter('inference.requests');
      for (let i = 0; i < 2000; i++) requests.add(1, { 'inference.outcome': i % 4 === 0 ? 'failure' : 'success' });
      for (let i = 0; i < 100; i++) instruments.histogram('inference.request.duration').record(i / 100);
      await push.shutdown(soon());

      assert.equal(sink.exports, 1);
      assert.deepEqual(sent(sink.latest, 'inference.requests'), { failure: 500, success: 1500 });
      assert.deepEqual(sent(sink.latest, 'inference.request.duration'), { '': 100 });
      assert.equal(sink.latest[0]?.resource['service.name'], 'test');
    });

    it('sends at every interval, each time all there is, and counts the points that were accepted', async (t) => {
      const sink = await sinkFor(t);
      const { push, instruments, pulled } = createPushing({ endpoint: sink.url, intervalMs: 5 });
      await push.start();
      instruments.counter('inference.requests').add(1);
      await sink.received(2);
      instruments.counter('inference.requests').add(1);
      await push.shutdown(soon());

      assert.equal(values(sink).at(-1), 2);
      const count = sum(sink.exports.flatMap(({ snapshots }) => snapshots).map(countPoints));
      assert.equal(await pulled('metergate.push.points.sent', 'a'), count);
      assert.equal(await pulled('metergate.push.points.send_failed', 'a'), 0);
      assert.partialDeepStrictEqual(push.status(), {
        destinations: { a: { endpoint: sink.url, lastError: null } },
      });
    });

    it('sends the growth only where delta is preferred', async (t) => {
      const [total, growth] = [await sinkFor(t), await sinkFor(t)];
      const { push, instruments } = createPushing(
        { endpoint: total.url, intervalMs: 5 },
        { endpoint: growth.url, intervalMs: 5, temporality: 'delta' },
      );
      await push.start();
      for (let i = 1; i <= 3; i++) {
        instruments.counter('inference.requests').add(i);
        instruments.counter('inference.active_requests').add(1);
        await growth.received(growth.exports.length + 1);
      }
      await push.shutdown(soon());

      assert.equal(sum(values(growth)), 6);
      const last = (sink: OtlpSink, name: string) => sent(sink.exports.at(-1)?.snapshots ?? [], name);
      assert.deepEqual(last(total, 'inference.requests'), { '': 6 });
      assert.deepEqual(last(growth, 'inference.active_requests'), { '': 3 });
    });

    it('goes to a destination though another is down', async (t) => {
      const sink = await sinkFor(t);
      const { push, instruments, pulled } = createPushing(
        { endpoint: await deadEndpoint(), intervalMs: 5 },
        { endpoint: sink.url, intervalMs: 5 },
      );
      await push.start();
      instruments.counter('inference.requests').add(7);
      await sink.received(3);
      await push.shutdown(deadlineIn(200));
      assert.equal(values(sink).at(-1), 7);
      assert.equal(await pulled('metergate.push.points.send_failed', 'b'), 0);
    });

    it('compresses where it is told to', async (t) => {
      const [plain, small] = [await sinkFor(t), await sinkFor(t)];
      const { push, instruments } = createPushing(
        { endpoint: plain.url },
        { endpoint: small.url, compression: 'gzip' },
      );
      await push.start();
      instruments.counter('inference.requests').add(1);
      await push.shutdown(soon());
      const seen = (sink: OtlpSink) =>
        sink.exports.map(({ compressed, headers }) => [compressed, headers['grpc-encoding']]);
      assert.deepEqual(seen(plain), [[false, undefined]]);
      assert.deepEqual(seen(small), [[true, 'gzip']]);
      assert.deepEqual([values(plain), values(small)], [[1], [1]]);
    });

    it('shows the headers of a destination to that one and to no other', async (t) => {
      const [a, b] = [await sinkFor(t), await sinkFor(t)];
      const { push, lines } = createPushing(
        { endpoint: a.url, headers: { authorization: 'Bearer of-a', 'x-tenant': 'a' } },
        { endpoint: b.url, headers: { 'x-tenant': 'b' } },
      );
      await push.start();
      await push.shutdown(soon());
      const seen = ({ exports }: OtlpSink) =>
        exports.map(({ headers }) => [headers.authorization, headers['x-tenant']]);
      assert.deepEqual(seen(a), [['Bearer of-a', 'a']]);
      assert.deepEqual(seen(b), [[undefined, 'b']]);
      assert.doesNotMatch(JSON.stringify([push.status(), lines]), /of-a/);
    });

    it('answers a hundred flushes at one time, all by what is sent in one', async (t) => {
      const sink = await sinkFor(t);
      const { push } = createPushing({ endpoint: sink.url });
      await push.start();
      const flushed = await Promise.all(Array.from({ length: 100 }, () => push.flush(10_000)));
      const { length } = sink.exports;
      await push.shutdown(soon());
      for (const each of flushed)
        assert.deepEqual(each, { ok: true, destinations: { a: { status: 'sent', batches: 0 } } });
      assert.equal(length, 1);
    });
  });

  describe(`a receiver that is away, with the engine ${engine}`, () => {
    it('costs counters, a line when it goes and one when it is back, and is shown', async (t) => {
      const sink = await sinkFor(t);
      sink.behaviour = 'refuse';
      const { push, instruments, lines, pulled } = createPushing({ endpoint: sink.url, intervalMs: 5 });
      t.after(() => push.shutdown(soon()));
      await push.start();
      instruments.counter('inference.requests').add(1);
      await sink.received(4);
      assert.ok(push.ready());
      assert.ok((await pulled('metergate.push.points.send_failed', 'a')) > 0);
      assert.equal(await pulled('metergate.push.points.sent', 'a'), 0);
      const { lastError, failingSince } = shown(push);
      assert.equal(lastError?.message, 'UNAVAILABLE: try again later');
      assert.ok(failingSince !== null && failingSince <= lastError.at);

      instruments.counter('inference.requests').add(1);
      sink.behaviour = 'accept';
      await until('it is back', () => shown(push).failingSince === null);
      await push.shutdown(soon());
      assert.equal(values(sink).at(-1), 2);
      assert.partialDeepStrictEqual(lines, [
        { level: 'warn', message: 'export failed', fields: { endpoint: sink.url, 'error.type': 'UNAVAILABLE' } },
        { level: 'info', message: 'export recovered', fields: { endpoint: sink.url, since: failingSince } },
        { level: 'info', message: 'last export' },
      ]);
      assert.equal(lines.length, 3);
    });

    it('and repeats the token that it was sent, at length, does not get it into the log', async (t) => {
      const sink = await sinkFor(t);
      sink.behaviour = { status: 16, message: `unknown token: of-a-hundred-days ${'x'.repeat(5_000)}` };
      const headers = { authorization: 'Bearer of-a-hundred-days' };
      const { push, lines } = createPushing({ endpoint: sink.url, headers });
      await push.start();
      await push.flush(10_000);
      await push.shutdown(soon());
      const said = JSON.stringify([push.status(), lines]);
      assert.match(said, /unknown token: \*\*\* xxx/);
      assert.doesNotMatch(said, /hundred|x{500}/);
    });

    it('and never answers does not hold up the last export to another one', async (t) => {
      const [hung, well] = [await sinkFor(t), await sinkFor(t)];
      hung.behaviour = 'hang';
      const { push, instruments, lines } = createPushing({ endpoint: hung.url }, { endpoint: well.url });
      await push.start();
      instruments.counter('inference.requests').add(1);
      const stopping = push.shutdown(soon());
      await until('the other one is at its end', () => lastExports(lines).length > 0);
      assert.deepEqual(lastExports(lines), [{ 'metergate.destination': 'b', ...endings[engine].sent }]);
      assert.deepEqual(values(well), [1]);
      hung.behaviour = 'accept';
      await hung.goDown();
      await hung.comeUp();
      await stopping;
      // Node.js never lets go of a socket that is reset while its writing half is being closed.
      await until('its connection is closed', () => well.connections === 0);
    });

    it('and never answers holds a shutdown up until the deadline at most, which says what is lost', async (t) => {
      const sink = await sinkFor(t);
      sink.behaviour = 'hang';
      const { push, lines } = createPushing({ endpoint: sink.url });
      await push.start();
      void push.flush(1);
      await sink.received(1);
      await push.shutdown(deadlineIn(50));
      const [last, ...others] = lastExports(lines);
      assert.partialDeepStrictEqual(last, { 'metergate.destination': 'a', ...endings[engine].late });
      assert.notEqual(last?.lost, 0);
      assert.deepEqual(others, []);
    });
  });
}

/** What a last export says of its end. */
const endings = {
  native: { sent: { onDisk: 0, lost: 0 }, late: { onDisk: 0 } },
  sdk: { sent: { outcome: 'sent' }, late: { outcome: 'unknown' } },
};

function lastExports(lines: Pushing['lines']): Pushing['lines'][number]['fields'][] {
  return lines.filter(({ message }) => message === 'last export').map(({ fields }) => fields);
}

interface Shown {
  readonly lastError: { readonly at: string; readonly message: string } | null;
  readonly failingSince: string | null;
}

/** Of the first destination. */
function shown(push: Pushing['push']): Shown {
  return (push.status() as { destinations: { a: Shown } }).destinations.a;
}

for (const engine of ['native', 'sdk'] as const) {
  const createPushing = (...given: readonly TestDestination[]) => createPushingWith(engine, given);

  describe(`the life of push, with the engine ${engine}`, () => {
    it('ends with one last export, however often it is told to end', async (t) => {
      const sink = await sinkFor(t);
      const { push, instruments } = createPushing({ endpoint: sink.url });
      await Promise.all([push.start(), push.start()]);
      instruments.counter('inference.requests').add(3);
      await Promise.all([push.shutdown(soon()), push.shutdown(soon())]);
      instruments.counter('inference.requests').add(1);
      await push.shutdown(soon());
      await push.start();
      assert.deepEqual(values(sink), [3]);
    });

    it('may end before it begins, and without a destination', async () => {
      await createPushing({ endpoint: await deadEndpoint() }).push.shutdown(soon());
      const { push } = createPushing();
      await push.start();
      await push.shutdown(soon());
    });

    it('does not begin with a certificate that cannot be read, and names the file', async (t) => {
      const sink = await sinkFor(t);
      const { push } = createPushing(
        { endpoint: 'https://127.0.0.1:4317', tls: { caFile: '/nowhere/ca.pem' } },
        { endpoint: sink.url, intervalMs: 5 },
      );
      await assert.rejects(push.start(), /\/nowhere\/ca\.pem/);
      await push.shutdown(soon());
    });

    it('ends by the deadline though its start hangs', async (t) => {
      const { path: caFile, asked, answer } = await hangingCertificate(t);
      const before = openResources();
      const { push, lines } = createPushing({ endpoint: 'https://127.0.0.1:4317', tls: { caFile }, intervalMs: 5 });
      const starting = push.start();
      await asked();
      const ended = await within(soon(), push.shutdown(deadlineIn(20)));
      await answer();
      await starting;
      assert.ok(ended.done);
      assert.deepEqual(lines, []);
      await until('all timers and sockets are gone', () => openResources() <= before);
    });

    it('leaves no timer and no socket behind', async (t) => {
      const before = openResources();
      const sink = await startOtlpSink();
      const queue = { directory: await folderFor(t) };
      const { push } = createPushing(
        { endpoint: sink.url, intervalMs: 5, queue },
        { endpoint: await deadEndpoint(), intervalMs: 5 },
      );
      await push.start();
      await sink.received(2);
      await push.shutdown(deadlineIn(200));
      await sink.close();
      await until('all timers and sockets are gone', () => openResources() <= before);
    });

    it('leaves none either when one destination fails to start while another is still starting', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'metergate-'));
      t.after(() => rm(folder, { recursive: true }));
      const caFile = join(folder, 'ca.pem');
      await writeFile(caFile, rootCertificates[0] ?? '');
      const before = openResources();
      const { push } = createPushing(
        { endpoint: 'https://127.0.0.1:4317', tls: { caFile: '/nowhere/ca.pem' } },
        { endpoint: 'https://127.0.0.1:4317', tls: { caFile }, intervalMs: 60_000 },
      );
      await assert.rejects(push.start());
      await push.shutdown(soon());
      await setTimeout(20); // Enough to read the file for whoever should still be at it.
      await until('all timers and sockets are gone', () => openResources() <= before);
    });
  });
}

function openResources(): number {
  return process.getActiveResourcesInfo().filter((resource) => /^(Timeout|TCP.*Wrap)$/.test(resource)).length;
}
