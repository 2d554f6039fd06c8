// What could not be recorded as it was meant to is told: as metrics of every consumer, and once in the log.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstrumentStats } from '../../src/instruments/index.ts';
import { observeEngine } from '../../src/telemetry/engine-stats.ts';
import type { TelemetryOptions } from '../../src/telemetry/index.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { createRecordingLogger } from '../support/telemetry.ts';
import { createTestEngine, pointsOf } from './engines.ts';
import { destination, pageOf, telemetryOn } from './telemetry-on.ts';

const OVERFLOW = 'metergate.cardinality.overflow';
const REFUSED = 'metergate.measurements.refused';

/** Room for three series of the instruments that are recorded on here. */
const limits: TelemetryOptions['limits'] = (name) => (name.startsWith('inference.') ? { cardinalityLimit: 3 } : {});

const overflowOf = (instrument: string, key: string): string =>
  `metergate.attribute.key=${key},metergate.instrument=${instrument}`;
const refusalOf = (instrument: string, reason: string): string =>
  `metergate.instrument=${instrument},metergate.reason=${reason}`;

describe('measurements beyond a cardinality limit', () => {
  it('are counted by instrument and by the key that had the most values', async () => {
    const telemetry = telemetryOn('native', { limits });
    const requests = telemetry.instruments.counter('inference.requests');
    const duration = telemetry.instruments
      .histogram('inference.request.duration')
      .bind({ 'inference.model.name': 'no room' });
    for (let i = 0; i < 10; i++) requests.add(100, { 'inference.upstream.name': 'a', 'inference.model.name': `m${i}` });
    for (let i = 0; i < 3; i++)
      telemetry.instruments.histogram('inference.request.duration').record(1, { 'error.type': `${i}` });
    for (let i = 0; i < 5; i++) duration.record(1);

    const points = await pointsOf(telemetry.pull);
    assert.deepEqual(points[OVERFLOW], {
      [overflowOf('inference.requests', 'inference.model.name')]: 7,
      [overflowOf('inference.request.duration', 'error.type')]: 5,
    });
    assert.equal(points['inference.requests']?.['otel.metric.overflow=true'], 700);
    assert.equal(points[REFUSED], undefined);
    assert.deepEqual(await pointsOf(telemetry.pushed), points);
  });

  it('are counted on and on, in every collection of every consumer', async () => {
    const destinations = [{ name: 'growth', temporality: 'delta' as const }];
    const telemetry = telemetryOn('native', { limits, destinations });
    const requests = telemetry.instruments.counter('inference.requests');
    const series = overflowOf('inference.requests', 'inference.model.name');
    const seen: (number | undefined)[][] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) requests.add(1, { 'inference.model.name': `${round} ${i}` });
      const readers = [telemetry.pull, destination(telemetry, 'growth')];
      seen.push(await Promise.all(readers.map(async (reader) => (await pointsOf(reader))[OVERFLOW]?.[series])));
    }
    assert.deepEqual(seen, [
      [2, 2],
      [7, 5],
      [12, 5],
    ]);
  });

  it('are those of custom metrics, too', async () => {
    const telemetry = telemetryOn('native', { cardinalityLimit: 3 });
    for (let i = 0; i < 5; i++) telemetry.custom.log({ score: 1 }, { user: i });
    const { samples } = await pageOf(telemetry);
    const [overflow, ...others] = samples.filter(({ name }) => name === 'metergate_cardinality_overflow_total');
    assert.equal(overflow?.value, 2);
    assert.equal(overflow.labels.get('metergate_instrument'), 'score');
    assert.equal(overflow.labels.get('metergate_attribute_key'), 'user');
    assert.deepEqual(others, []);
  });

  it('are logged when a collection sees the first of an instrument and a key, and never again', async () => {
    const telemetry = telemetryOn('native', { limits });
    const requests = telemetry.instruments.counter('inference.requests');
    for (let i = 0; i < 5; i++) requests.add(1, { 'inference.model.name': `m${i}` });
    assert.deepEqual(telemetry.lines, []);
    for (let round = 0; round < 3; round++) {
      await pointsOf(telemetry.pull);
      await pointsOf(telemetry.pushed);
      requests.add(1, { 'inference.model.name': 'another' });
    }
    const fields = {
      'metergate.instrument': 'inference.requests',
      'metergate.attribute.key': 'inference.model.name',
      limit: 3,
    };
    assert.deepEqual(telemetry.lines, [{ level: 'warn', message: 'cardinality limit reached', fields }]);
  });

  it('are absent as long as there are none', async () => {
    const telemetry = telemetryOn('native', { limits });
    for (let i = 0; i < 3; i++)
      telemetry.instruments.counter('inference.requests').add(1, { 'inference.model.name': i });
    assert.equal((await pointsOf(telemetry.pull))[OVERFLOW], undefined);
    assert.deepEqual(telemetry.lines, []);
  });
});

describe('measurements that no series can take', () => {
  const nonsense = [NaN, '1', undefined, null] as number[];

  it('are counted by instrument and reason', async () => {
    const telemetry = telemetryOn('native');
    const { instruments, custom } = telemetry;
    for (const value of [1, Infinity, -Infinity, -1, -2, ...nonsense])
      instruments.counter('inference.requests').add(value);
    for (const value of [1, Infinity, -1]) instruments.counter('inference.active_requests').add(value);
    for (const value of [1, -Infinity, NaN]) instruments.histogram('inference.request.duration').record(value);
    for (const value of [1, ...nonsense]) custom.log({ score: value });
    custom.register('size', { kind: 'gauge' }).set('7' as unknown as number);

    const points = await pointsOf(telemetry.pull);
    assert.deepEqual(points[REFUSED], {
      [refusalOf('inference.requests', 'infinite')]: 2,
      [refusalOf('inference.requests', 'negative')]: 2,
      [refusalOf('inference.requests', 'not_a_number')]: 4,
      [refusalOf('inference.active_requests', 'infinite')]: 1,
      [refusalOf('inference.request.duration', 'infinite')]: 1,
      [refusalOf('inference.request.duration', 'not_a_number')]: 1,
      [refusalOf('score', 'not_a_number')]: 4,
      [refusalOf('size', 'not_a_number')]: 1,
    });
    assert.deepEqual(points['inference.requests'], { '': 1 });
    assert.deepEqual(points.score, { '': 1 });
    assert.equal(points[OVERFLOW], undefined);
  });

  it('are those of a total that would become infinite', async () => {
    const telemetry = telemetryOn('native');
    const requests = telemetry.instruments.counter('inference.requests');
    for (let i = 0; i < 3; i++) requests.add(Number.MAX_VALUE);
    assert.deepEqual((await pointsOf(telemetry.pull))[REFUSED], { [refusalOf('inference.requests', 'infinite')]: 2 });
  });

  it('are logged when a collection sees the first of an instrument and a reason, without the value', async () => {
    const telemetry = telemetryOn('native');
    const requests = telemetry.instruments.counter('inference.requests');
    for (const value of [NaN, -1, NaN, -1]) {
      requests.add(value);
      await pointsOf(telemetry.pull);
      await pointsOf(telemetry.pushed);
    }
    const line = (reason: string) => {
      const fields = { 'metergate.instrument': 'inference.requests', 'metergate.reason': reason };
      return { level: 'warn', message: 'measurements refused', fields };
    };
    assert.deepEqual(telemetry.lines, [line('not_a_number'), line('negative')]);
  });
});

it('an engine that does not tell shows nothing', async () => {
  const telemetry = telemetryOn('sdk', { cardinalityLimit: 3 });
  for (let i = 0; i < 9; i++) telemetry.custom.register('jobs', { kind: 'counter' }).inc(1, { i });
  telemetry.custom.register('jobs', { kind: 'counter' }).inc(-1);
  const points = await pointsOf(telemetry.pull);
  assert.deepEqual([points[OVERFLOW], points[REFUSED]], [undefined, undefined]);
  assert.deepEqual(telemetry.lines, []);
});

it('counts are asked for when a collection runs and at no other time', async () => {
  let asked = 0;
  const stats = (): InstrumentStats[] => {
    asked++;
    const overflowed = new Map([['key', 2]]);
    return [{ name: 'jobs', limit: 5, series: 5, overflowed, refused: new Map([['negative', 3]]) }];
  };
  const engine = createTestEngine('native');
  const { logger, lines } = createRecordingLogger();
  observeEngine({ stats, logger, instruments: createInstruments(engine) });
  assert.equal(asked, 0);
  assert.deepEqual(await pointsOf(engine.pull), {
    [OVERFLOW]: { [overflowOf('jobs', 'key')]: 2 },
    [REFUSED]: { [refusalOf('jobs', 'negative')]: 3 },
  });
  assert.equal(lines.length, 2);
});
