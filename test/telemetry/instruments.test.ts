import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { createTestEngine, pointsOf } from './engines.ts';

function setUp() {
  const engine = createTestEngine('native');
  return { engine, instruments: createInstruments(engine), points: () => pointsOf(engine.pull) };
}

describe('instruments', () => {
  it('are the same for the same name', () => {
    const { instruments } = setUp();
    assert.equal(instruments.counter('inference.requests'), instruments.counter('inference.requests'));
    assert.notEqual(instruments.counter('inference.requests'), instruments.counter('inference.active_requests'));
    assert.equal(
      instruments.histogram('inference.request.duration'),
      instruments.histogram('inference.request.duration'),
    );
  });

  it('record on one series, whether it is bound or named each time', async () => {
    const { instruments, points } = setUp();
    const requests = instruments.counter('inference.requests');
    const success = requests.bind({ 'inference.outcome': 'success' });
    success.add(2);
    requests.add(3, { 'inference.outcome': 'success' });
    requests.add(1, { 'inference.outcome': 'failure' });
    requests.add(7);

    const active = instruments.counter('inference.active_requests');
    active.bind({ 'inference.upstream.name': 'a' }).add(2);
    active.add(-1, { 'inference.upstream.name': 'a' });

    const size = instruments.histogram('http.server.request.body.size');
    size.bind({ 'http.route': '/a' }).record(10);
    size.record(1e9, { 'http.route': '/a' });

    assert.deepEqual(await points(), {
      'inference.requests': { 'inference.outcome=success': 5, 'inference.outcome=failure': 1, '': 7 },
      'inference.active_requests': { 'inference.upstream.name=a': 1 },
      'http.server.request.body.size': { 'http.route=/a': 2 },
    });
  });

  it('observe when a collection runs and at no other time, with every callback of a name', async () => {
    const { instruments, points } = setUp();
    let runs = 0;
    instruments.observe('process.uptime', (observe) => observe(++runs));
    instruments.observe('system.cpu.time', (observe) => observe(1, { 'cpu.mode': 'user' }));
    instruments.observe('system.cpu.time', (observe) => observe(2, { 'cpu.mode': 'system' }));
    instruments.observe('system.memory.limit', (observe) => observe(1024));
    assert.equal(runs, 0);

    assert.deepEqual(await points(), {
      'process.uptime': { '': 1 },
      'system.cpu.time': { 'cpu.mode=user': 1, 'cpu.mode=system': 2 },
      'system.memory.limit': { '': 1024 },
    });
    assert.deepEqual((await points())['process.uptime'], { '': 2 });
  });

  it('show the unit, the description and the bounds of the catalogue', async () => {
    const { engine, instruments } = setUp();
    instruments.histogram('inference.request.duration').record(0.3);
    const { resourceMetrics } = await engine.pull.collect(1_000);
    const { scope, metrics } = resourceMetrics().scopeMetrics[0] ?? assert.fail('no scope');
    const { descriptor, dataPoints } = metrics[0] ?? assert.fail('no metric');
    const { unit, description, bounds } = catalogue['inference.request.duration'];
    assert.deepEqual([scope.name, scope.version], ['metergate', '1.2.3']);
    assert.deepEqual([descriptor.unit, descriptor.description], [unit, description]);
    assert.partialDeepStrictEqual(dataPoints[0]?.value, { buckets: { boundaries: bounds } });
  });
});
