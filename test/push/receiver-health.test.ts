import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReceiverHealth } from '../../src/push/receiver-health.ts';
import { createEvents } from '../../src/telemetry/events.ts';
import { createTestTelemetry } from '../support/telemetry.ts';

const ENDPOINT = 'http://127.0.0.1:4317';
const away = { code: 'UNAVAILABLE', message: 'no connection' };
const locked = { code: 'UNAUTHENTICATED', message: 'who are you' };
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** @param quietMs of events. */
function setUp(quietMs = 0) {
  const telemetry = createTestTelemetry();
  const { instruments, logger } = telemetry;
  const health = createReceiverHealth({
    name: 'a',
    endpoint: ENDPOINT,
    events: createEvents(instruments, logger, quietMs),
    logger,
  });
  const lines = () =>
    telemetry.lines.map(({ level, message, fields }) => {
      assert.equal(fields['metergate.destination'], 'a');
      assert.equal(fields.endpoint, ENDPOINT);
      return [level, message, fields['error.type'] ?? fields.since].join(' ');
    });
  const failedPoints = () => telemetry.value('metergate.push.points.send_failed');
  return { health, lines, failedPoints };
}

describe('the health of a receiver', () => {
  it('has nothing to say as long as all is taken', () => {
    const { health, lines } = setUp();
    const nothing = { endpoint: ENDPOINT, lastSent: null, lastError: null, failingSince: null };
    assert.deepEqual(health.status(), nothing);
    for (let i = 0; i < 3; i++) health.sent();
    assert.match(String(health.status().lastSent), TIME);
    assert.deepEqual({ ...health.status(), lastSent: null }, nothing);
    assert.deepEqual(lines(), []);
  });

  it('counts each failure, and logs an outage when it begins and when it is over', async () => {
    const { health, lines, failedPoints } = setUp();
    for (let i = 0; i < 4; i++) health.failed(10, away);
    const { lastError, failingSince } = health.status();
    assert.equal(lastError?.message, 'UNAVAILABLE: no connection');
    assert.match(String(lastError.at), TIME);
    assert.match(String(failingSince), TIME);
    for (let i = 0; i < 3; i++) health.sent();
    assert.deepEqual(lines(), ['warn export failed UNAVAILABLE', `info export recovered ${failingSince}`]);
    assert.equal(await failedPoints(), 40);
    assert.equal(health.status().failingSince, null);
    assert.equal(health.status().lastError, lastError, 'what it was is still there');
  });

  it('logs another reason of the same outage, each once', () => {
    const { health, lines } = setUp();
    for (let i = 0; i < 5; i++) health.failed(1, i % 2 === 0 ? away : locked);
    assert.deepEqual(lines(), ['warn export failed UNAVAILABLE', 'warn export failed UNAUTHENTICATED']);
  });

  it('says of no outage that it is over that it has not told of', () => {
    const { health, lines } = setUp(3_600_000);
    for (let i = 0; i < 3; i++) {
      health.failed(1, away);
      health.sent();
    }
    assert.equal(lines().length, 2);
    health.erred('404: not here');
    assert.notEqual(health.status().failingSince, null);
    health.sent();
    assert.equal(lines().length, 2);
  });
});
