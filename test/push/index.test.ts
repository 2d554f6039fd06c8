import assert from 'node:assert/strict';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { deadlineIn } from '../../src/std/deadline.ts';
import { countPoints } from '../support/count-points.ts';
import type { OtlpSink } from '../support/otlp-sink.ts';
import { until } from '../support/until.ts';
import { createPushing, deadEndpoint, folderFor, sent, sinkFor, soon, sum, values, type Pushing } from './pushing.ts';

describe('push', () => {
  it('sends what a destination wants, and leaves out what it does not', async (t) => {
    const [some, rest] = [await sinkFor(t), await sinkFor(t)];
    const { push, instruments } = createPushing(
      { endpoint: some.url, metrics: { included: ['inference.*'], excluded: ['*.duration'] } },
      { endpoint: rest.url, metrics: { excluded: ['inference.*'] } },
    );
    await push.start();
    instruments.counter('inference.requests').add(1);
    instruments.histogram('inference.queue.duration').record(1);
    await push.shutdown(soon());
    const names = ({ exports }: OtlpSink) =>
      exports.flatMap(({ snapshots }) => snapshots.flatMap(({ scopes }) => scopes.flatMap(({ metrics }) => metrics)));
    assert.deepEqual(
      names(some).map(({ name }) => name),
      ['inference.requests'],
    );
    assert.ok(names(rest).some(({ name }) => name === 'metergate.build_info'));
    assert.ok(names(rest).every(({ name }) => !name.startsWith('inference.')));
  });

  it('is one collection for destinations that are sent the same, byte for byte', async (t) => {
    const [a, b] = [await sinkFor(t), await sinkFor(t)];
    const { push, instruments } = createPushing({ endpoint: a.url, intervalMs: 5 }, { endpoint: b.url, intervalMs: 5 });
    await push.start();
    instruments.counter('inference.requests').add(1);
    await Promise.all([a.received(3), b.received(3)]);
    await push.shutdown(soon());
    assert.deepEqual(
      a.exports.map(({ snapshots }) => snapshots),
      b.exports.map(({ snapshots }) => snapshots),
    );
  });

  it('splits a collection into batches that are no larger than they may be', async (t) => {
    const sink = await sinkFor(t);
    const { push, instruments } = createPushing({ endpoint: sink.url, batchBytesMax: 16_384 });
    await push.start();
    for (let i = 0; i < 1_000; i++)
      instruments.counter('inference.requests').add(1, { 'inference.model.name': `m${i}` });
    await push.shutdown(soon());
    assert.ok(sink.exports.length > 3);
    assert.ok(sink.exports.every(({ messageBytes }) => messageBytes.length <= 16_384));
    assert.equal(sum(values(sink)), 1_000);
  });
});

describe('a destination that is down', () => {
  it('costs counters and one log line; start and shutdown go on', async () => {
    const endpoint = await deadEndpoint();
    const { push, instruments, lines, pulled } = createPushing({ endpoint, intervalMs: 5 });
    instruments.counter('inference.requests').add(1);
    await push.start();
    await until('three attempts failed', async () => {
      return (await pulled('metergate.push.points.send_failed', 'a')) >= 3 && push.ready();
    });
    await push.shutdown(deadlineIn(100));
    assert.equal(await pulled('metergate.push.points.sent', 'a'), 0);
    assert.deepEqual(
      lines.map(({ level, message, fields }) => [level, message, fields['metergate.destination']]),
      [
        ['warn', 'export failed', 'a'],
        ['error', 'batches dropped', 'a'],
        ['info', 'last export', 'a'],
      ],
    );
    assert.equal(lines[0]?.fields.endpoint, endpoint);
    assert.equal(lines[1]?.fields['metergate.reason'], 'shutdown');
    assert.match(JSON.stringify(push.status()), /ECONNREFUSED|UNAVAILABLE/);
  });

  it('because its proxy is, is shown with it, and without the credentials for it', async () => {
    const { host } = new URL(await deadEndpoint());
    const endpoint = 'http://receiver.test/v1/metrics';
    const { push, lines } = createPushing({
      protocol: 'http/protobuf',
      endpoint,
      proxy: `http://gate:open-sesame@${host}`,
    });
    await push.start();
    void push.flush(100);
    const said = `through the proxy ${host}: connect ECONNREFUSED`;
    await until('it is shown', () => [push.status(), lines].every((each) => JSON.stringify(each).includes(said)));
    await push.shutdown(deadlineIn(100));
    assert.doesNotMatch(JSON.stringify([push.status(), lines]), /sesame/);
  });

  for (const temporality of ['cumulative', 'delta'] as const) {
    it(`has every collection once it is up again, with its own times and in order: ${temporality}`, async (t) => {
      const sink = await sinkFor(t);
      sink.behaviour = 'refuse';
      const { push, instruments } = createPushing({ endpoint: sink.url, temporality });
      await push.start();
      for (let i = 0; i < 5; i++) {
        instruments.counter('inference.requests').add(1);
        void push.flush(1);
        await until('it waits', () => waiting(push) === i + 1);
      }
      sink.behaviour = 'accept';
      await push.shutdown(soon());

      const accepted = sink.exports.filter((each) => each.accepted).map(({ snapshots }) => snapshots);
      const times = accepted.map((snapshots) => timeOf(snapshots));
      assert.ok(accepted.length >= 5);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(times).size, times.length);
      const each = accepted.flatMap((snapshots) => Object.values(sent(snapshots, 'inference.requests')));
      if (temporality === 'delta') assert.equal(sum(each), 5);
      else assert.deepEqual([...new Set(each)], [1, 2, 3, 4, 5]);
    });
  }

  it('for good is named with each batch that it has refused', async (t) => {
    const sink = await sinkFor(t);
    sink.behaviour = { status: 12, message: 'no such path' };
    const { push, lines } = createPushing({ endpoint: sink.url });
    await push.start();
    await push.flush(5_000);
    await push.shutdown(soon());
    assert.partialDeepStrictEqual(lines, [
      { message: 'batches dropped', fields: { endpoint: sink.url, 'metergate.reason': 'rejected' } },
    ]);
    assert.partialDeepStrictEqual(push.status(), {
      destinations: { a: { lastError: { message: 'UNIMPLEMENTED: no such path' } } },
    });
  });
});

/** The newest time of a batch. */
function timeOf(snapshots: OtlpSink['exports'][number]['snapshots']): number {
  const metrics = snapshots.flatMap(({ scopes }) => scopes).flatMap((scope) => scope.metrics);
  return Math.max(...metrics.flatMap((metric) => ('timesMs' in metric.points ? [...metric.points.timesMs] : [])));
}

/** Batches in the queue of the first destination. */
function waiting(push: Pushing['push']): number {
  const { destinations } = push.status() as { destinations: { a: { queue: { batches: number } } } };
  return destinations.a.queue.batches;
}

describe('a queue on disk', () => {
  it('keeps what could not be sent for the next life of the process', async (t) => {
    const [sink, directory] = [await sinkFor(t), await folderFor(t)];
    const queue = { directory };
    const first = createPushing({ endpoint: await deadEndpoint(), temporality: 'delta', intervalMs: 5, queue });
    await first.push.start();
    for (let i = 0; i < 3; i++) {
      first.instruments.counter('inference.requests').add(1);
      assert.partialDeepStrictEqual(await first.push.flush(5_000), {
        ok: true,
        destinations: { a: { status: 'on_disk' } },
      });
    }
    first.instruments.counter('inference.requests').add(1);
    await first.push.shutdown(soon());
    assert.partialDeepStrictEqual(first.lines.at(-1), { message: 'last export', fields: { lost: 0 } });

    const second = createPushing({ endpoint: sink.url, temporality: 'delta', queue });
    await second.push.start();
    await second.push.shutdown(soon());
    assert.equal(sum(values(sink)), 4);
    const files = await readdir(directory);
    assert.ok(!files.some((name) => name.endsWith('.seg')), files.join());
  });

  it('is of one process only', async (t) => {
    const [sink, directory] = [await sinkFor(t), await folderFor(t)];
    const first = createPushing({ endpoint: sink.url, queue: { directory } });
    await first.push.start();
    const second = createPushing({ endpoint: sink.url, queue: { directory } });
    await assert.rejects(
      second.push.start(),
      new RegExp(`^Error: push a: queue\\.directory: ${directory} belongs to `),
    );
    await second.push.shutdown(deadlineIn(3_600_000));
    assert.deepEqual(second.lines, [], 'it has neither sent nor lost anything');
    await first.push.shutdown(soon());
    assert.equal(sink.exports.length, 1);
  });

  it('that cannot be used costs a line, and what can be sent is sent from memory', async (t) => {
    const [sink, directory] = [await sinkFor(t), await folderFor(t)];
    await writeFile(directory, 'a file in the place of the folder');
    const { push, instruments, lines, pulled } = createPushing({ endpoint: sink.url, queue: { directory } });
    await push.start();
    instruments.counter('inference.requests').add(3);
    await push.shutdown(soon());
    assert.deepEqual(values(sink), [3]);
    assert.ok(lines.some(({ message }) => message === 'batch not on disk'));
    assert.equal(await pulled('metergate.push.batches.not_persisted', 'a'), 1);
  });
});

for (const order of ['oldest_first', 'newest_first'] as const) {
  it(`a folder that can be used only later has its batches delivered: ${order}`, { timeout: 60_000 }, async (t) => {
    const [sink, directory] = [await sinkFor(t), await folderFor(t)];
    const first = createPushing({ endpoint: await deadEndpoint(), temporality: 'delta', queue: { directory } });
    await first.push.start();
    first.instruments.counter('inference.requests').add(5);
    await first.push.shutdown(soon());
    await rename(directory, `${directory}-away`);
    await writeFile(directory, 'a file in the place of the folder');

    const second = createPushing({ endpoint: sink.url, temporality: 'delta', queue: { directory, order } });
    await second.push.start();
    second.instruments.counter('inference.requests').add(7);
    assert.partialDeepStrictEqual(await second.push.flush(5_000), { ok: true });
    await rm(directory);
    await rename(`${directory}-away`, directory);
    await until('both have arrived', async () => {
      await second.push.flush(1_000);
      return sum(values(sink)) === 12;
    });
    await second.push.shutdown(soon());
  });
}

describe('the ledger of a destination', () => {
  it('has every point that was collected: sent or dropped', async (t) => {
    const [troubled, well] = [await sinkFor(t), await sinkFor(t)];
    troubled.behaviour = 'refuse';
    // Both are sent the same, so that one sink knows what was collected for the other.
    const { push, pulled } = createPushing(
      { endpoint: troubled.url, intervalMs: 2, queue: { bytesMax: 40_000 } },
      { endpoint: well.url, intervalMs: 2 },
    );
    t.after(() => push.shutdown(soon()));
    await push.start();
    await until('some are dropped', async () => (await pulled('metergate.push.points.dropped', 'a')) > 0);
    troubled.behaviour = 'accept';
    await until('some are sent', async () => (await pulled('metergate.push.points.sent', 'a')) > 0);
    await push.shutdown(soon());

    const pointsOf = ({ exports }: OtlpSink) =>
      sum(exports.flatMap(({ accepted, snapshots }) => (accepted ? snapshots.map(countPoints) : [])));
    const [sentPoints, dropped] = [
      await pulled('metergate.push.points.sent', 'a'),
      await pulled('metergate.push.points.dropped', 'a'),
    ];
    assert.equal(sentPoints + dropped, pointsOf(well));
    assert.equal(await pulled('metergate.push.points.sent', 'b'), pointsOf(well));
    // What was dropped while it was on its way may have arrived all the same.
    const arrived = pointsOf(troubled);
    assert.ok(sentPoints <= arrived && arrived <= sentPoints + dropped, `${sentPoints}, ${arrived}, ${dropped}`);
  });
});

describe('flush', () => {
  const flushed = async (pushing: Pushing, timeoutMs = 5_000) => {
    const { ok, destinations } = await pushing.push.flush(timeoutMs);
    return [ok, destinations.a?.status];
  };

  it('is over when all that was recorded is sent', async (t) => {
    const sink = await sinkFor(t);
    const pushing = createPushing({ endpoint: sink.url });
    await pushing.push.start();
    pushing.instruments.counter('inference.requests').add(2);
    assert.deepEqual(await flushed(pushing), [true, 'sent']);
    assert.deepEqual(values(sink), [2]);
    await pushing.push.shutdown(soon());
  });

  it('or on disk', async (t) => {
    const pushing = createPushing({ endpoint: await deadEndpoint(), queue: { directory: await folderFor(t) } });
    await pushing.push.start();
    assert.deepEqual(await flushed(pushing), [true, 'on_disk']);
    await pushing.push.shutdown(soon());
  });

  it('says so when there was no time for it', async () => {
    const pushing = createPushing({ endpoint: await deadEndpoint() });
    await pushing.push.start();
    assert.deepEqual(await flushed(pushing, 50), [false, 'pending']);
    await pushing.push.shutdown(deadlineIn(10));
  });

  it('does not wait for the next attempt', async (t) => {
    const sink = await sinkFor(t);
    sink.behaviour = 'refuse';
    const retry = { initialIntervalMs: 3_600_000, maxIntervalMs: 3_600_000 };
    const pushing = createPushing({ endpoint: sink.url, retry });
    await pushing.push.start();
    assert.deepEqual(await flushed(pushing, 50), [false, 'pending']);
    sink.behaviour = 'accept';
    assert.deepEqual(await flushed(pushing), [true, 'sent']);
    await pushing.push.shutdown(soon());
  });

  it('takes nothing away while the queues are not open', async (t) => {
    const sink = await sinkFor(t);
    const pushing = createPushing({ endpoint: sink.url, temporality: 'delta' });
    pushing.instruments.counter('inference.requests').add(2);
    assert.deepEqual(await flushed(pushing), [false, 'pending']);
    await pushing.push.start();
    assert.deepEqual(await flushed(pushing), [true, 'sent']);
    await pushing.push.shutdown(soon());
    assert.deepEqual(await flushed(pushing), [false, 'pending']);
    assert.deepEqual(values(sink), [2]);
  });

  it('is of nothing without a destination', async () => {
    const { push } = createPushing();
    await push.start();
    assert.deepEqual(await push.flush(1_000), { ok: true, destinations: {} });
    await push.shutdown(soon());
  });
});
