import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/telemetry/collect.ts';
import type { Engine } from '../../src/telemetry/engine.ts';
import { createEvents } from '../../src/telemetry/events.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { createRecordingLogger } from '../support/telemetry.ts';
import { pointsOf, sdkEngine, toPoints } from './sdk.ts';

function destination(engine: Engine, name: string) {
  return engine.push.get(name) ?? assert.fail(`no reader ${name}`);
}

describe('the engine of official parts', () => {
  it('gives each consumer its own temporality, and a delta point once', async () => {
    const engine = sdkEngine({ total: 'cumulative', growth: 'delta' });
    const counter = engine.meter.createCounter('c');
    const histogram = engine.meter.createHistogram('h');
    const [total, growth] = [destination(engine, 'total'), destination(engine, 'growth')];

    counter.add(5);
    histogram.record(1);
    assert.deepEqual(await pointsOf(growth), { c: { '': 5 }, h: { '': 1 } });
    assert.deepEqual(await pointsOf(growth), {});
    counter.add(2);
    assert.deepEqual(await pointsOf(growth), { c: { '': 2 } });
    for (const reader of [total, engine.pull, total]) {
      assert.deepEqual(await pointsOf(reader), { c: { '': 7 }, h: { '': 1 } });
    }
  });

  it('shows what goes up and down as it is, to every consumer', async () => {
    const engine = sdkEngine({ growth: 'delta', small: 'low_memory' });
    const active = engine.meter.createUpDownCounter('active');
    engine.meter.createObservableGauge('gauge').addCallback((result) => result.observe(9));
    active.add(3);
    for (const name of ['growth', 'small', 'growth']) {
      assert.deepEqual(await pointsOf(destination(engine, name)), { active: { '': 3 }, gauge: { '': 9 } });
    }
  });

  it('with low_memory, gives what it would have to remember as a total', async () => {
    const engine = sdkEngine({ growth: 'delta', small: 'low_memory' });
    const counter = engine.meter.createCounter('recorded');
    engine.meter.createObservableCounter('observed').addCallback((result) => result.observe(100));
    const seen = [];
    for (const name of ['growth', 'small', 'growth', 'small']) {
      counter.add(1);
      seen.push(await pointsOf(destination(engine, name)));
    }
    assert.deepEqual(seen, [
      { recorded: { '': 1 }, observed: { '': 100 } },
      { recorded: { '': 2 }, observed: { '': 100 } },
      { recorded: { '': 2 }, observed: { '': 0 } },
      { recorded: { '': 2 }, observed: { '': 100 } },
    ]);
  });

  it('keeps the readers of two destinations apart', async () => {
    const engine = sdkEngine({ a: 'delta', b: 'delta' });
    const counter = engine.meter.createCounter('c');
    counter.add(1);
    assert.deepEqual(await pointsOf(destination(engine, 'a')), { c: { '': 1 } });
    counter.add(2);
    assert.deepEqual(await pointsOf(destination(engine, 'a')), { c: { '': 2 } });
    assert.deepEqual(await pointsOf(destination(engine, 'b')), { c: { '': 3 } });
  });

  it('carries the resource and the scope with its version', async () => {
    const engine = sdkEngine();
    engine.meter.createCounter('c').add(1);
    const { resourceMetrics } = await engine.pull.collect(1_000);
    assert.equal(resourceMetrics.resource.attributes['service.name'], 'test');
    assert.deepEqual(
      resourceMetrics.scopeMetrics.map(({ scope }) => [scope.name, scope.version]),
      [['metergate', '1.2.3']],
    );
  });

  it('refuses to collect once it is shut down, and may be shut down with nothing recorded', async () => {
    const engine = sdkEngine({ a: 'cumulative' });
    await engine.shutdown();
    await assert.rejects(engine.pull.collect(1_000));
    await assert.rejects(destination(engine, 'a').collect(1_000));
  });
});

describe('a collection', () => {
  for (const [what, callback] of Object.entries({
    throws: () => {
      throw new Error('no reading');
    },
    rejects: () => Promise.reject(new Error('no reading')),
    'never ends': () => new Promise<void>(() => {}),
  })) {
    it(`reports a callback that ${what} and keeps the rest`, async () => {
      const engine = sdkEngine();
      engine.meter.createObservableGauge('bad').addCallback(callback);
      engine.meter.createObservableGauge('good').addCallback((result) => result.observe(1));
      engine.meter.createCounter('counted').add(2);
      const { resourceMetrics, errors } = await engine.pull.collect(20);
      assert.equal(errors.length, 1);
      assert.deepEqual(toPoints(resourceMetrics), { good: { '': 1 }, counted: { '': 2 } });
    });
  }

  it('counts and logs its failed sources by consumer', async () => {
    const engine = sdkEngine({ a: 'cumulative' });
    const { logger, lines } = createRecordingLogger();
    const events = createEvents(createInstruments(engine), logger);
    engine.meter.createObservableGauge('bad').addCallback(() => {
      throw new Error('no reading');
    });
    await collect(engine.pull, 'pull', events);
    await collect(destination(engine, 'a'), 'a', events);
    await collect(destination(engine, 'a'), 'a', events);
    assert.deepEqual((await pointsOf(engine.pull))['metergate.scrape.source.errors'], {
      'metergate.consumer=pull': 1,
      'metergate.consumer=a': 2,
    });
    assert.deepEqual(
      lines.map(({ message, fields }) => [message, fields['metergate.consumer'], fields.error]),
      [
        ['source failed', 'pull', 'Error: no reading'],
        ['source failed', 'a', 'Error: no reading'],
      ],
    );
  });

  it('gives every reader as many series as the limit says, and counts the rest in the overflow', async () => {
    const engine = sdkEngine({ a: 'cumulative' }, 3_000);
    const counter = engine.meter.createCounter('counted');
    for (let i = 0; i < 3_500; i++) counter.add(1, { i });
    for (const reader of [engine.pull, destination(engine, 'a')]) {
      const { counted = {} } = await pointsOf(reader);
      assert.ok(Object.keys(counted).length > 2_900 && Object.keys(counted).length <= 3_000);
      assert.equal(
        Object.values(counted).reduce((sum, value) => sum + value, 0),
        3_500,
      );
      assert.ok((counted['otel.metric.overflow=true'] ?? 0) >= 500);
    }
  });
});
