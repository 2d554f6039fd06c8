import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { startSink } from '../../../src/cli/demo/sink.ts';
import { countPoints } from '../../support/count-points.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { startOtlpSink, type OtlpSink } from '../../support/otlp-sink.ts';
import { freePort } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { createPushingWith, sent, type TestDestination } from '../pushing.ts';

const soon = () => deadlineIn(10_000);
const createPushing = (...given: readonly TestDestination[]) => createPushingWith('sdk', given);

async function sinkFor(t: TestContext): Promise<OtlpSink> {
  const sink = await startOtlpSink();
  t.after(() => sink.close());
  return sink;
}

/** Nobody listens there. */
async function deadEndpoint(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

describe('push by the official exporter', () => {
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

    assert.deepEqual(sent(sink.exports.at(-1)?.snapshots ?? [], 'inference.requests'), { '': 2 });
    const count = sink.exports.flatMap(({ snapshots }) => snapshots).reduce((sum, each) => sum + countPoints(each), 0);
    assert.equal(await pulled('metergate.push.points.sent', 'a'), count);
    assert.equal(await pulled('metergate.push.points.send_failed', 'a'), 0);
    assert.partialDeepStrictEqual(push.status(), { destinations: { a: { endpoint: sink.url, lastError: null } } });
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

    const values = growth.exports.map(({ snapshots }) => sent(snapshots, 'inference.requests')['']);
    assert.equal(
      values.reduce((sum = 0, value = 0) => sum + value, 0),
      6,
    );
    const last = (sink: OtlpSink, name: string) => sent(sink.exports.at(-1)?.snapshots ?? [], name);
    assert.deepEqual(last(total, 'inference.requests'), { '': 6 });
    assert.deepEqual(last(growth, 'inference.active_requests'), { '': 3 });
  });

  it('compresses where it is told to', async (t) => {
    const [plain, small] = [await sinkFor(t), await sinkFor(t)];
    const { push, instruments } = createPushing({ endpoint: plain.url }, { endpoint: small.url, compression: 'gzip' });
    await push.start();
    instruments.counter('inference.requests').add(1);
    await push.shutdown(soon());
    const seen = (sink: OtlpSink) =>
      sink.exports.map(({ compressed, headers }) => [compressed, headers['grpc-encoding']]);
    assert.deepEqual(seen(plain), [[false, undefined]]);
    assert.deepEqual(seen(small), [[true, 'gzip']]);
    assert.deepEqual(sent(small.exports[0]?.snapshots ?? [], 'inference.requests'), { '': 1 });
  });

  it('shows the headers of a destination to that one and to no other', async (t) => {
    const [a, b] = [await sinkFor(t), await sinkFor(t)];
    const { push, lines } = createPushing(
      { endpoint: a.url, headers: { authorization: 'Bearer of-a', 'x-tenant': 'a' } },
      { endpoint: b.url, headers: { 'x-tenant': 'b' } },
    );
    await push.start();
    await push.shutdown(soon());
    const seen = ({ exports }: OtlpSink) => exports.map(({ headers }) => [headers.authorization, headers['x-tenant']]);
    assert.deepEqual(seen(a), [['Bearer of-a', 'a']]);
    assert.deepEqual(seen(b), [[undefined, 'b']]);
    assert.doesNotMatch(JSON.stringify([push.status(), lines]), /of-a/);
  });
});

describe('a destination of the official exporter that is down', () => {
  it('costs a counter and one log line; start and shutdown go on', async () => {
    const endpoint = await deadEndpoint();
    const { push, instruments, lines, pulled } = createPushing({ endpoint, intervalMs: 5 });
    instruments.counter('inference.requests').add(1);
    await push.start();
    await until('three exports failed', async () => (await pulled('metergate.push.points.send_failed', 'a')) >= 3);
    assert.ok(push.ready());
    await push.shutdown(soon());
    assert.equal(await pulled('metergate.push.points.sent', 'a'), 0);
    assert.deepEqual(
      lines.map(({ level, message, fields }) => [level, message, fields['metergate.destination'], fields.endpoint]),
      [['warn', 'export failed', 'a', endpoint]],
    );
    assert.match(JSON.stringify(push.status()), /ECONNREFUSED|UNAVAILABLE/);
  });

  it('makes no difference to another', async (t) => {
    const sink = await sinkFor(t);
    const { push, instruments, pulled } = createPushing(
      { endpoint: await deadEndpoint(), intervalMs: 5 },
      { endpoint: sink.url, intervalMs: 5 },
    );
    await push.start();
    instruments.counter('inference.requests').add(7);
    await sink.received(3);
    await push.shutdown(soon());
    assert.deepEqual(sent(sink.exports.at(-1)?.snapshots ?? [], 'inference.requests'), { '': 7 });
    assert.equal(await pulled('metergate.push.points.send_failed', 'b'), 0);
  });

  it('has everything once it is up again, where totals are sent', async (t) => {
    const sink = await sinkFor(t);
    sink.behaviour = 'refuse';
    const { push, instruments, lines } = createPushing({ endpoint: sink.url, intervalMs: 5 });
    instruments.counter('inference.requests').add(1);
    await push.start();
    await sink.received(2);
    instruments.counter('inference.requests').add(1);
    sink.behaviour = 'accept';
    await sink.received(sink.exports.length + 2);
    await push.shutdown(soon());
    assert.deepEqual(sent(sink.exports.at(-1)?.snapshots ?? [], 'inference.requests'), { '': 2 });
    assert.match(String(lines[0]?.fields.error), /try again later/);
  });

  it('and never answers holds a shutdown up until the deadline at most', async (t) => {
    const [hung, well] = [await sinkFor(t), await sinkFor(t)];
    hung.behaviour = 'hang';
    const { push, instruments, lines } = createPushing(
      { endpoint: hung.url, timeoutMs: 600 },
      { endpoint: well.url, timeoutMs: 600 },
    );
    await push.start();
    instruments.counter('inference.requests').add(1);
    await push.shutdown(deadlineIn(100));
    assert.deepEqual(
      lines.map(({ message, fields }) => [message, fields['metergate.destination'], fields.error]),
      [['export failed', 'a', 'the shutdown deadline came first']],
    );
    assert.partialDeepStrictEqual(push.status(), {
      destinations: { a: { lastError: 'the shutdown deadline came first' } },
    });
    assert.equal(well.exports.length, 1);
  });
});

describe('the life of push by the official exporter', () => {
  it('ends with one last export, however often it is told to end', async (t) => {
    const sink = await sinkFor(t);
    const { push, instruments } = createPushing({ endpoint: sink.url });
    await Promise.all([push.start(), push.start()]);
    instruments.counter('inference.requests').add(3);
    await Promise.all([push.shutdown(soon()), push.shutdown(soon())]);
    instruments.counter('inference.requests').add(1);
    await push.shutdown(soon());
    await push.start();
    assert.deepEqual(
      sink.exports.map(({ snapshots }) => sent(snapshots, 'inference.requests')),
      [{ '': 3 }],
    );
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

  it('leaves no timer and no socket behind', async () => {
    const before = openResources();
    const sink = await startOtlpSink();
    const { push } = createPushing(
      { endpoint: sink.url, intervalMs: 5 },
      { endpoint: await deadEndpoint(), intervalMs: 5 },
    );
    await push.start();
    await sink.received(2);
    await push.shutdown(soon());
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
      { endpoint: 'https://127.0.0.1:4317', headers: { 'not a header name': '' } },
      { endpoint: 'https://127.0.0.1:4317', tls: { caFile }, intervalMs: 60_000 },
    );
    await assert.rejects(push.start());
    await push.shutdown(soon());
    await setTimeout(20); // Enough to read the file for whoever should still be at it.
    await until('all timers and sockets are gone', () => openResources() <= before);
  });
});

function openResources(): number {
  return process.getActiveResourcesInfo().filter((resource) => /^(Timeout|TCP.*Wrap)$/.test(resource)).length;
}
