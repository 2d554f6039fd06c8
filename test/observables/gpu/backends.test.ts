import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createBackoff } from '../../../src/std/backoff.ts';
import { createGpuGroup, openGpus, type GpuOptions } from '../../../src/observables/gpu/index.ts';
import { createObservables } from '../../../src/observables/index.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createFakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';

const NOWHERE = ['/nowhere/a', '/nowhere/b'];
const HERE = ['/nowhere/a', '/proc/self/stat'];

const optionsOf = (options: Partial<GpuOptions>): GpuOptions => ({
  intervalMs: 20,
  backend: 'auto',
  nvidiaSmi: { path: '/nowhere/nvidia-smi' },
  simulated: { gpus: 2 },
  ...options,
});

function fakeOf(t: TestContext) {
  const fake = createFakeNvidiaSmi('rtx4090.csv');
  t.after(() => fake.remove());
  return fake;
}

describe('the backend that reads GPUs', () => {
  const chosen: Record<string, { options: Partial<GpuOptions>; hasProgram: boolean; backend?: string; why: RegExp }> = {
    'the one that is configured': {
      options: { backend: 'simulated', nvidiaPaths: HERE },
      hasProgram: true,
      backend: 'simulated',
      why: /^configured$/,
    },
    'nvidia-smi where there are the driver and the program': {
      options: { nvidiaPaths: HERE },
      hasProgram: true,
      backend: 'nvidia-smi',
      why: /^auto: there is \/proc\/self\/stat$/,
    },
    'none without a driver': {
      options: { nvidiaPaths: NOWHERE },
      hasProgram: true,
      why: /^no GPU found \(nvidia-smi: there is none of \/nowhere\/a, \/nowhere\/b\); observables\.gpu\.backend /,
    },
    'none without the program': {
      options: { nvidiaPaths: HERE },
      hasProgram: false,
      why: /^no GPU found \(nvidia-smi: there is \/proc\/self\/stat, but there is no program \/nowhere\/nvidia-smi\); /,
    },
  };
  for (const [name, { options, hasProgram, backend: expected, why: because }] of Object.entries(chosen)) {
    it(`is ${name}`, async (t) => {
      const fake = fakeOf(t);
      const nvidiaSmi = hasProgram ? { nvidiaSmi: { path: fake.path } } : {};
      const { backend, why } = await openGpus(optionsOf({ ...options, ...nvidiaSmi }));
      await backend?.close(deadlineIn(5000));
      assert.equal(backend?.name, expected);
      assert.match(why, because);
      assert.deepEqual(fake.running(), []);
    });
  }

  it('is not replaced by another when it is configured and cannot work', async () => {
    const opened = openGpus(optionsOf({ backend: 'nvidia-smi', nvidiaPaths: NOWHERE }));
    await assert.rejects(opened, { name: 'SampleError', reason: 'missing' });
  });
});

describe('the group of the GPUs', () => {
  async function observe(t: TestContext, options: Partial<GpuOptions>) {
    const telemetry = createTestTelemetry();
    const gpu = optionsOf({ ...options, backoff: createBackoff({ firstMs: 20, mostMs: 20 }) });
    const observables = createObservables({ ...telemetry, gpu, startWaitMs: 5000 });
    t.after(() => observables.shutdown(deadlineIn(5000)));
    await observables.start();
    const lines = () => telemetry.lines.map(({ level, message, fields }) => ({ level, message, ...fields }));
    return { telemetry, lines };
  }

  it('shows simulated ones, and says that it does', async (t) => {
    const { telemetry, lines } = await observe(t, { backend: 'simulated' });
    const power = await telemetry.series('hw.power');
    assert.deepEqual(
      power.map(({ attributes }) => attributes),
      ['0', '1'].map((name) => ({ 'hw.id': `simulated-${name}`, 'hw.name': name, 'hw.type': 'gpu' })),
    );
    const [share] = await telemetry.series('hw.gpu.memory.utilization', { 'hw.name': '0' });
    assert.ok(share !== undefined && share.value > 0 && share.value < 1);
    assert.deepEqual(lines(), [{ level: 'info', message: 'gpu backend', backend: 'simulated', why: 'configured' }]);
  });

  it('says once that there are none, which is no failure', async (t) => {
    const { telemetry, lines } = await observe(t, { nvidiaPaths: NOWHERE });
    const samples = () => telemetry.value('metergate.observable.sample.duration', { 'metergate.observable': 'gpu' });
    const first = await samples();
    await until('there were more samples', async () => (await samples()) !== first);
    assert.deepEqual(
      lines().map(({ level, message }) => `${level} ${message}`),
      ['info observable not supported'],
    );
    assert.equal(await telemetry.value('metergate.observable.errors'), 0);
    assert.deepEqual(await telemetry.series('metergate.observable.sample.success'), []);
    assert.deepEqual(await telemetry.series('metergate.gpu.info'), []);
  });

  it('finds them when they are there later', async (t) => {
    const fake = fakeOf(t);
    fake.install(false);
    const { telemetry, lines } = await observe(t, { nvidiaPaths: HERE, nvidiaSmi: { path: fake.path } });
    assert.deepEqual(await telemetry.series('metergate.gpu.info'), []);
    fake.install(true);
    await until('it is shown', async () => (await telemetry.series('metergate.gpu.info')).length === 1);
    const chosen = lines().flatMap((line) => ('backend' in line ? [line.backend] : []));
    assert.deepEqual(chosen, ['nvidia-smi']);
  });

  it('has news each time that nvidia-smi has written of all, also of another one that was started later', async (t) => {
    const fake = fakeOf(t);
    const { logger } = createTestTelemetry();
    const options = optionsOf({ backend: 'nvidia-smi', backoff: createBackoff({ firstMs: 1, mostMs: 1 }) });
    const group = createGpuGroup({ ...options, nvidiaSmi: { path: fake.path }, logger });
    t.after(() => group.close?.(deadlineIn(5000)));
    fake.install(false);
    let news = 0;
    await assert.rejects(async () => group.start?.(() => news++), { reason: 'missing' });
    fake.install(true);
    const into = { write: () => {}, report: () => {}, takenAgo: () => {} };
    await until('it is sampled', async () => {
      try {
        await group.sample(into);
        return true;
      } catch {
        return false;
      }
    });
    await until('there were some', () => news > 2);
  });

  it('can be closed without having been started, while it starts, and twice', async (t) => {
    const fake = fakeOf(t);
    const { logger } = createTestTelemetry();
    const group = () =>
      createGpuGroup({ ...optionsOf({ backend: 'nvidia-smi', nvidiaSmi: { path: fake.path } }), logger });
    await group().close?.(deadlineIn(1000));
    assert.deepEqual(fake.starts(), []);

    const starting = group();
    const started = Promise.allSettled([starting.start?.()]);
    await starting.close?.(deadlineIn(5000));
    await starting.close?.(deadlineIn(5000));
    await started;
    await until('it has ended', () => fake.running().length === 0);
  });
});
