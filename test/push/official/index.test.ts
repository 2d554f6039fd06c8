import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { createPushingWith, deadEndpoint, sent, sinkFor, soon, type TestDestination } from '../pushing.ts';

const createPushing = (...given: readonly TestDestination[]) => createPushingWith('sdk', given);

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
