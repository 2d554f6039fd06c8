import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createEvents, type EventName } from '../../src/telemetry/events.ts';
import { createInstruments, type CounterName } from '../../src/telemetry/instruments.ts';
import { createRecordingLogger } from '../support/telemetry.ts';
import { createTestEngine, pointsOf } from './engines.ts';

/** Which counter counts what is logged: the contract of dashboards and alerts with the log. */
const counters: Record<EventName, CounterName> = {
  'connection rejected': 'metergate.connections.rejected',
  'answer timed out': 'metergate.answers.timed_out',
  'model not admitted': 'metergate.serving.models.overflow',
  'header value not admitted': 'metergate.serving.header_values.overflow',
  'replica unhealthy': 'metergate.serving.replica.failures',
  'request retried': 'metergate.serving.requests.retried',
  'access log lines dropped': 'metergate.access_log.lines.dropped',
  'measurement failed': 'metergate.serving.measurement.errors',
  'custom metric refused': 'metergate.custom_metrics.refused',
  'sample failed': 'metergate.observable.errors',
  'source failed': 'metergate.scrape.source.errors',
  'scrape failed': 'metergate.pull.scrape.errors',
  'scrape rejected': 'metergate.pull.scrapes.rejected',
  'family dropped': 'metergate.pull.families.dropped',
  'export failed': 'metergate.push.points.send_failed',
  'batch not queued': 'metergate.push.points.enqueue_failed',
  'batch not on disk': 'metergate.push.batches.not_persisted',
  'batches dropped': 'metergate.push.points.dropped',
};

function setUp(quietMs?: number) {
  const engine = createTestEngine('native');
  const { logger, lines } = createRecordingLogger();
  return {
    events: createEvents(createInstruments(engine), logger, quietMs),
    lines,
    points: () => pointsOf(engine.pull),
  };
}

/** The clock of this process, which stands still but for what the test says, until the test is over. */
function stopClock(t: TestContext): { nowMs: number } {
  const clock = { nowMs: 1_000 };
  t.mock.method(performance, 'now', () => clock.nowMs);
  return clock;
}

describe('events', () => {
  it('are one log line and one counter each', async () => {
    const { events, lines, points } = setUp();
    const names = Object.keys(counters) as EventName[];
    for (const name of names) events.emit(name);
    assert.deepEqual(
      lines.map(({ message }) => message),
      names,
    );
    assert.ok(lines.every(({ level }) => level === 'warn' || level === 'error'));
    const wanted: Partial<Record<CounterName, { '': number }>> = {};
    for (const counter of Object.values(counters)) wanted[counter] = { '': (wanted[counter]?.[''] ?? 0) + 1 };
    assert.deepEqual(await points(), wanted);
  });

  it('count always and log the first of a kind at once', async () => {
    const { events, lines, points } = setUp();
    const attributes = { 'metergate.destination': 'a' };
    for (let i = 1; i <= 5; i++) events.emit('export failed', { attributes, amount: 10, fields: { points: i } });
    assert.deepEqual(lines, [{ level: 'warn', message: 'export failed', fields: { ...attributes, points: 1 } }]);
    assert.deepEqual(await points(), { 'metergate.push.points.send_failed': { 'metergate.destination=a': 50 } });
  });

  it('log again after the quiet time, with the number of those kept silent', async (t) => {
    const clock = stopClock(t);
    const { events, lines, points } = setUp(100);
    for (let i = 0; i < 3; i++) events.emit('scrape failed');
    clock.nowMs += 99;
    events.emit('scrape failed');
    clock.nowMs += 1;
    events.emit('scrape failed');
    clock.nowMs += 100;
    events.emit('scrape failed');
    assert.deepEqual(
      lines.map(({ fields }) => fields.suppressed),
      [undefined, 3, undefined],
    );
    assert.deepEqual(await points(), { 'metergate.pull.scrape.errors': { '': 6 } });
  });

  it('say whether they were logged', () => {
    const { events, lines } = setUp();
    assert.equal(events.emit('scrape failed'), true);
    assert.equal(events.emit('scrape failed'), false);
    assert.equal(events.emit('scrape rejected'), true);
    assert.equal(lines.length, 2);
  });

  it('that are silent are counted only, and keep no line from those that are not', async () => {
    const { events, lines, points } = setUp();
    assert.equal(events.emit('scrape failed', { silent: true }), false);
    assert.deepEqual(lines, []);
    assert.equal(events.emit('scrape failed'), true);
    assert.equal(events.emit('scrape failed', { silent: true }), false);
    // Nobody asked for a line of the silent ones, so they are not among those kept silent either.
    assert.deepEqual(lines, [{ level: 'error', message: 'scrape failed', fields: {} }]);
    assert.deepEqual(await points(), { 'metergate.pull.scrape.errors': { '': 3 } });
  });

  it('are counted only, while too many kinds of them were logged a moment ago', (t) => {
    const clock = stopClock(t);
    const { events, lines } = setUp(300);
    const emit = (name: string): void =>
      void events.emit('source failed', { attributes: { 'metergate.source': name } });
    for (let i = 0; i < 1_200; i++) emit(`${i}`);
    assert.equal(lines.length, 1_000);
    emit('0');
    clock.nowMs += 300;
    for (let i = 1_200; i < 1_203; i++) emit(`${i}`);
    emit('0');
    assert.deepEqual(
      lines.slice(1_000).map(({ fields }) => fields['metergate.source']),
      ['1200', '1201', '1202', '0'],
    );
  });

  it('are of different kinds when their attributes differ, but not when only their fields do', async () => {
    const { events, lines, points } = setUp();
    for (const name of ['a', 'b', 'a', 'b']) {
      events.emit('sample failed', { attributes: { 'metergate.observable': name }, fields: { error: name } });
    }
    assert.deepEqual(
      lines.map(({ fields }) => fields['metergate.observable']),
      ['a', 'b'],
    );
    assert.deepEqual(await points(), {
      'metergate.observable.errors': { 'metergate.observable=a': 2, 'metergate.observable=b': 2 },
    });
  });
});
