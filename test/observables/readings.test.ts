import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReadings, observeReadings, type Readings } from '../../src/observables/readings.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';
import { createTelemetry } from './telemetry.ts';

const GAUGE = 'system.uptime';
const COUNTER = 'system.cpu.time';
const TEMPERATURE = 'hw.temperature';

const values: Record<string, { name: ObservableName; value: number | undefined; kept: boolean }> = {
  'a number': { name: GAUGE, value: 1.5, kept: true },
  'a true 0': { name: GAUGE, value: 0, kept: true },
  'what is beyond the safe integers': { name: COUNTER, value: 2 ** 60, kept: true },
  'a temperature below 0 degrees Celsius': { name: TEMPERATURE, value: -5, kept: true },
  'what is missing': { name: GAUGE, value: undefined, kept: false },
  'what is no number': { name: GAUGE, value: NaN, kept: false },
  'what is infinite': { name: GAUGE, value: Infinity, kept: false },
  'a negative number': { name: GAUGE, value: -1, kept: false },
  'a temperature that is no number': { name: TEMPERATURE, value: NaN, kept: false },
  'a temperature below everything': { name: TEMPERATURE, value: -Infinity, kept: false },
};

describe('readings', () => {
  for (const [what, { name, value, kept }] of Object.entries(values)) {
    it(`${kept ? 'hold' : 'leave out'} ${what}`, () => {
      const readings = createReadings([GAUGE, COUNTER, TEMPERATURE]);
      readings.write(name, value);
      assert.deepEqual(readings.of(name), kept ? [{ value, attributes: undefined }] : []);
    });
  }

  it('refuse a name that is not among the instruments, whatever its value', () => {
    const readings = createReadings([GAUGE]);
    const refused = /^TypeError: system\.cpu\.time is not among the instruments of this group$/;
    assert.throws(() => readings.write(COUNTER, 1), refused);
    assert.throws(() => readings.write(COUNTER, undefined), refused);
    assert.deepEqual(readings.of(COUNTER), []);
  });

  it('are written late when somebody looks, once, and not before', () => {
    const readings = createReadings([GAUGE, COUNTER]);
    let writes = 0;
    readings.writeLater((write) => {
      writes++;
      write(GAUGE, 1);
      write(COUNTER, NaN);
    });
    assert.equal(readings.isEmpty(), false);
    assert.equal(writes, 0);
    for (let nth = 0; nth < 2; nth++) {
      assert.deepEqual(readings.of(GAUGE), [{ value: 1, attributes: undefined }]);
      assert.deepEqual(readings.of(COUNTER), []);
    }
    assert.equal(writes, 1);
    assert.equal(readings.isEmpty(), false);
  });

  it('are shown by every collection until there are others, and none when there are none', async () => {
    const telemetry = createTelemetry();
    const read = (user: number, system?: number): Readings => {
      const readings = createReadings([GAUGE, COUNTER]);
      readings.write(COUNTER, user, { 'cpu.mode': 'user' });
      readings.write(COUNTER, system, { 'cpu.mode': 'system' });
      return readings;
    };
    let latest: Readings | undefined;
    observeReadings(telemetry.instruments, [GAUGE, COUNTER], () => latest);
    const shown = async () => (await telemetry.collect())[COUNTER] ?? {};

    assert.deepEqual(await shown(), {});
    latest = read(1, 0);
    assert.deepEqual(await shown(), { user: 1, system: 0 });
    assert.deepEqual(await shown(), { user: 1, system: 0 });
    latest = read(2);
    assert.deepEqual(await shown(), { user: 2 });
    latest = undefined;
    assert.deepEqual(await shown(), {});
    assert.deepEqual((await telemetry.collect())[GAUGE] ?? {}, {});
  });
});
