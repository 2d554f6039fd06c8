import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpuFields, type Gpu, type GpuField } from '../../../src/observables/gpu/gpu.ts';
import { createSimulatedGpus } from '../../../src/observables/gpu/simulated.ts';

/** @param everySeconds from one sample to the next. @returns the samples, at the time of each. */
async function simulate({ gpus = 1, everySeconds = 1, seconds = 240, startSeconds = 0 } = {}) {
  let nowMs = startSeconds * 1000;
  const backend = createSimulatedGpus({ gpus, now: () => nowMs });
  await backend.start();
  const samples: { atSeconds: number; gpus: readonly Gpu[] }[] = [];
  for (let atSeconds = 0; atSeconds <= seconds; atSeconds += everySeconds) {
    nowMs = (startSeconds + atSeconds) * 1000;
    samples.push({ atSeconds, gpus: await backend.sample({ report: assert.fail, takenAgo: () => assert.fail() }) });
  }
  return samples;
}

const valuesOf = async (options: Parameters<typeof simulate>[0], field: GpuField) =>
  (await simulate(options)).map(({ gpus }) => gpus[0]?.values[field] ?? Number.NaN);

const COUNTERS: readonly GpuField[] = [
  'energy',
  'received',
  'transmitted',
  'throttledSecondsByPowerCap',
  'throttledSecondsByThermal',
];

describe('simulated GPUs', () => {
  it('are as many as wanted, each with a load of its own', async () => {
    const [sample] = (await simulate({ gpus: 4, seconds: 30 })).slice(-1);
    assert.deepEqual(
      sample?.gpus.map(({ id, name, state }) => [id, name, state]),
      ['0', '1', '2', '3'].map((name) => [`simulated-${name}`, name, 'ok']),
    );
    assert.equal(new Set(sample.gpus.map(({ values }) => values.energy)).size, 4);
  });

  it('show the same at the same time since their start, whenever that is', async () => {
    assert.deepEqual(await simulate({ gpus: 3, startSeconds: 12_345 }), await simulate({ gpus: 3 }));
  });

  it('have all readings, none of which is absurd, however rarely they are read', async () => {
    const left: readonly GpuField[] = ['memoryUtilization'];
    const fields = (Object.keys(gpuFields) as GpuField[]).filter((field) => !left.includes(field));
    for (const everySeconds of [0.25, 1, 7, 5000]) {
      for (const { atSeconds, gpus } of await simulate({ gpus: 2, everySeconds, seconds: everySeconds * 200 })) {
        for (const { values } of gpus) {
          assert.deepEqual(Object.keys(values).sort(), [...fields].sort());
          for (const [field, value] of Object.entries(values)) {
            assert.ok(Number.isFinite(value) && value >= 0, `${field} is ${value} at ${atSeconds} s`);
            if (/[uU]tilization$|fanSpeed/.test(field)) assert.ok(value <= 1, `${field} is ${value}`);
          }
          const { memoryUsed = 0, memoryLimit = 0, power = 0, powerLimit = 0, temperature = 0 } = values;
          assert.ok(memoryUsed <= memoryLimit && power <= powerLimit && temperature >= 30 && temperature < 100);
        }
      }
    }
  });

  it('count the energy of the power that they show', async () => {
    const samples = await simulate({ everySeconds: 0.5 });
    let joules = 0;
    for (const [at, { gpus }] of samples.entries()) {
      const before = samples[at - 1]?.gpus[0]?.values.power;
      const values = gpus[0]?.values;
      if (before !== undefined) joules += ((before + (values?.power ?? 0)) / 2) * 0.5;
      assert.equal(values?.energy, joules);
    }
    assert.ok(joules > 1000);
  });

  it('count up only', async () => {
    for (const field of COUNTERS) {
      const values = await valuesOf({}, field);
      values.forEach((value, at) => assert.ok(value >= (values[at - 1] ?? 0), `${field} falls at ${at} s`));
    }
  });

  it('are idle, ramp up, run at full load and in bursts', async () => {
    const load = await valuesOf({ seconds: 120 }, 'utilization');
    const between = (from: number, to: number) => load.slice(from, to);
    assert.ok(Math.max(...between(0, 20)) < 0.05);
    assert.ok(between(21, 40).every((value, at, all) => at === 0 || value > (all[at - 1] ?? 0)));
    assert.deepEqual(new Set(between(40, 90)), new Set([0.95]));
    assert.deepEqual(new Set(between(90, 120)), new Set([1, 0.1]));
  });

  it('warm up and cool down slowly', async () => {
    const temperatures = await valuesOf({}, 'temperature');
    const steps = temperatures.slice(1).map((value, at) => Math.abs(value - (temperatures[at] ?? 0)));
    assert.ok(Math.max(...steps) < 4, `${Math.max(...steps)} K in a second`);
    assert.ok(Math.max(...temperatures) > 80);
    assert.ok(Math.min(...temperatures.slice(120)) < 60);
  });

  it('have their clocks held down when they draw, or heat, too much, and count for how long', async () => {
    const samples = (await simulate({ seconds: 1200 })).map(({ gpus }) => gpus[0]?.values ?? {});
    const capped = samples.filter(({ throttledByPowerCap }) => throttledByPowerCap === 1);
    const hot = samples.filter(({ throttledByThermal }) => throttledByThermal === 1);
    assert.ok(capped.length > 0 && hot.length > 0);
    for (const { smClock = 0, power, powerLimit = 0 } of capped) {
      assert.ok(smClock < 1980e6);
      assert.ok(power !== undefined && power <= powerLimit);
    }
    for (const { smClock = 0, power = 0, powerLimit = 0 } of hot) assert.ok(smClock < 1980e6 && power < powerLimit);
    const last = samples.at(-1);
    assert.equal(last?.throttledSecondsByPowerCap, capped.length);
    assert.equal(last.throttledSecondsByThermal, hot.length);
  });

  it('do not run backwards with a clock that does', async () => {
    let nowMs = 0;
    const backend = createSimulatedGpus({ gpus: 1, now: () => nowMs });
    await backend.start();
    const energies: number[] = [];
    for (const ms of [0, 50_000, 49_000, 51_000]) {
      nowMs = ms;
      energies.push(
        (await backend.sample({ report: assert.fail, takenAgo: () => assert.fail() }))[0]?.values.energy ?? Number.NaN,
      );
    }
    assert.deepEqual(
      energies,
      energies.toSorted((a, b) => a - b),
    );
  });
});
