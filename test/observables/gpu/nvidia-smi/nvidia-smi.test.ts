import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it, type TestContext } from 'node:test';
import type { Gpu, GpuValues } from '../../../../src/observables/gpu/gpu.ts';
import { createNvidiaSmiGpus } from '../../../../src/observables/gpu/nvidia-smi/index.ts';
import type { SampleError } from '../../../../src/observables/observable.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { createFakeNvidiaSmi, isRunning } from '../../../support/fake-nvidia-smi.ts';
import { until } from '../../../support/until.ts';

const MIB = 2 ** 20;
const uuid = (id: string) => `GPU-0000${id}-5c3e-4b7a-9d21-6f0e8b00${id}`;

const NOT_THROTTLED: GpuValues = {
  throttledByPowerCap: 0,
  throttledByThermal: 0,
  throttledByHardwareThermal: 0,
  throttledByPowerBrake: 0,
  throttledBySyncBoost: 0,
};
const NEVER_THROTTLED: GpuValues = {
  throttledSecondsByPowerCap: 0,
  throttledSecondsByThermal: 0,
  throttledSecondsByHardwareThermal: 0,
  throttledSecondsByPowerBrake: 0,
  throttledSecondsBySyncBoost: 0,
};
const NO_ROWS: GpuValues = { correctedRows: 0, uncorrectedRows: 0 };
const NO_ERRORS: GpuValues = { correctedErrors: 0, uncorrectedErrors: 0 };

const h100 = (index: number, values: GpuValues = {}): Gpu => ({
  id: uuid(`410${index}`),
  name: String(index),
  model: 'NVIDIA H100 80GB HBM3',
  vendor: 'NVIDIA',
  driverVersion: '580.95.05',
  firmwareVersion: '96.00.A5.00.01',
  pciAddress: `00000000:${['19', '3B', '4C', '5D', '9B', 'BB', 'CB', 'DB'][index] ?? ''}:00.0`,
  migMode: 'disabled',
  state: 'ok',
  values: {
    utilization: (90 + index) / 100,
    memoryCopyUtilization: (50 + index) / 100,
    encoderUtilization: 0,
    decoderUtilization: 0.03,
    jpegUtilization: 0,
    opticalFlowUtilization: 0,
    memoryUsed: (70_000 + index) * MIB,
    memoryLimit: 81_559 * MIB,
    memoryReserved: 479 * MIB,
    power: 640.5 + index,
    powerLimit: 700,
    temperature: 60 + index,
    memoryTemperature: 70 + index,
    graphicsClock: 1980e6,
    smClock: 1980e6,
    memoryClock: 2619e6,
    videoClock: 1545e6,
    performanceState: 0,
    ...NOT_THROTTLED,
    ...NEVER_THROTTLED,
    ...NO_ERRORS,
    ...NO_ROWS,
    linkGeneration: 5,
    linkWidth: 16,
    ...values,
  },
});
const throttled: GpuValues = {
  throttledByPowerCap: 1,
  throttledSecondsByPowerCap: 5451.018134,
  graphicsClock: 1755e6,
  smClock: 1755e6,
};

/** What MIG does not tell. */
const NOT_WITH_MIG = /[uU]tilization$|Rows$/;

const withMig = (): Gpu => {
  const told = Object.entries(h100(0).values).filter(([field]) => !NOT_WITH_MIG.test(field));
  const values: GpuValues = Object.fromEntries(told);
  return {
    ...h100(0),
    id: uuid('3316'),
    pciAddress: '00000000:00:09.0',
    migMode: 'enabled',
    values: { ...values, memoryUsed: 11_125 * MIB, power: 440.72, temperature: 52, memoryTemperature: 58 },
  };
};

const k80 = (index: number, values: GpuValues): Gpu => ({
  id: uuid(`080${'ab'[index] ?? ''}`),
  name: String(index),
  model: 'Tesla K80',
  vendor: 'NVIDIA',
  driverVersion: '418.87.01',
  firmwareVersion: '80.21.1F.00.01',
  pciAddress: `00000000:8${3 + index}:00.0`,
  migMode: undefined,
  state: 'ok',
  values: {
    utilization: 0.12,
    memoryCopyUtilization: 0.01,
    memoryUsed: 62 * MIB,
    memoryLimit: 11_441 * MIB,
    power: 59.77,
    powerLimit: 149,
    graphicsClock: 324e6,
    smClock: 324e6,
    memoryClock: 324e6,
    videoClock: 405e6,
    performanceState: 8,
    ...NOT_THROTTLED,
    ...NO_ERRORS,
    linkGeneration: 3,
    linkWidth: 16,
    ...values,
  },
});

const geforce = (gpu: Pick<Gpu, 'id' | 'model' | 'driverVersion' | 'firmwareVersion' | 'values'>): Gpu => ({
  name: '0',
  vendor: 'NVIDIA',
  pciAddress: '00000000:01:00.0',
  migMode: undefined,
  state: 'ok',
  ...gpu,
  values: { ...NOT_THROTTLED, ...NEVER_THROTTLED, ...gpu.values },
});

/** Model, and what is said of it, of each file in test/fixtures/gpu. */
const machines: Record<string, { answer: string; gpus: readonly Gpu[]; reports?: readonly string[] }> = {
  'an A100 with a driver that has no counters of throttling': {
    answer: 'a100.csv',
    gpus: [
      {
        id: uuid('a100'),
        name: '0',
        model: 'NVIDIA A100-SXM4-80GB',
        vendor: 'NVIDIA',
        driverVersion: '535.183.01',
        firmwareVersion: '92.00.45.00.03',
        pciAddress: '00000000:07:00.0',
        migMode: 'disabled',
        state: 'ok',
        values: {
          utilization: 0.87,
          memoryCopyUtilization: 0.41,
          encoderUtilization: 0,
          decoderUtilization: 0,
          jpegUtilization: 0,
          opticalFlowUtilization: 0,
          memoryUsed: 40_536 * MIB,
          memoryLimit: 81_920 * MIB,
          memoryReserved: 593 * MIB,
          power: 311.42,
          powerLimit: 400,
          temperature: 58,
          memoryTemperature: 62,
          graphicsClock: 1410e6,
          smClock: 1410e6,
          memoryClock: 1593e6,
          videoClock: 1275e6,
          performanceState: 0,
          ...NOT_THROTTLED,
          correctedErrors: 2,
          uncorrectedErrors: 0,
          correctedRows: 1,
          uncorrectedRows: 0,
          linkGeneration: 4,
          linkWidth: 16,
        },
      },
    ],
  },
  'eight H100, of which one is throttled': {
    answer: 'h100x8.csv',
    gpus: Array.from({ length: 8 }, (_, index) => h100(index, index === 2 ? throttled : {})),
  },
  'an H100 that MIG divides: memory, but no utilization': { answer: 'h100-mig.csv', gpus: [withMig()] },
  'a card for games: no ECC, no temperature of the memory, but a fan': {
    answer: 'rtx4090.csv',
    gpus: [
      geforce({
        id: uuid('4090'),
        model: 'NVIDIA GeForce RTX 4090',
        driverVersion: '580.82.09',
        firmwareVersion: '95.02.3c.80.b2',
        values: {
          utilization: 0.07,
          memoryCopyUtilization: 0.03,
          encoderUtilization: 0.29,
          decoderUtilization: 0,
          jpegUtilization: 0,
          opticalFlowUtilization: 0,
          memoryUsed: 702 * MIB,
          memoryLimit: 24_564 * MIB,
          memoryReserved: 412 * MIB,
          power: 39.1,
          powerLimit: 450,
          temperature: 40,
          fanSpeed: 0.37,
          graphicsClock: 210e6,
          smClock: 210e6,
          memoryClock: 405e6,
          videoClock: 1185e6,
          performanceState: 8,
          linkGeneration: 1,
          linkWidth: 16,
        },
      }),
    ],
  },
  'a notebook in WSL': {
    answer: 'wsl.csv',
    gpus: [
      geforce({
        id: uuid('3080'),
        model: 'NVIDIA GeForce RTX 3080 Laptop GPU',
        driverVersion: '576.88',
        firmwareVersion: '94.04.55.00.92',
        values: {
          utilization: 0.19,
          memoryCopyUtilization: 0.09,
          memoryUsed: 1361 * MIB,
          memoryLimit: 16_384 * MIB,
          memoryReserved: 257 * MIB,
          power: 21.49,
          temperature: 47,
          graphicsClock: 420e6,
          smClock: 420e6,
          memoryClock: 810e6,
          videoClock: 1185e6,
          performanceState: 5,
          linkGeneration: 4,
          linkWidth: 8,
        },
      }),
    ],
  },
  'two K80 with an old driver, by its names': {
    answer: 'k80-old-driver.csv',
    gpus: [k80(0, { temperature: 31 }), k80(1, { temperature: 27, throttledByThermal: 1 })],
  },
  'a sensor that does not answer, and a GPU of which none does': {
    answer: 'unknown-error.csv',
    // The average, for the instant power is not known.
    gpus: [
      h100(0, { power: 650.25 }),
      { ...h100(1), firmwareVersion: undefined, migMode: undefined, state: 'failed', values: {} },
    ],
    reports: [
      `device: GPU 0 (${uuid('4100')}): [Unknown Error] in place of fan.speed`,
      `device: GPU 1 (${uuid('4101')}): no readings but [Unknown Error]`,
    ],
  },
};

const NOTHING = { report: () => {}, takenAgo: () => {} };

async function setUp(t: TestContext, answer: string) {
  const fake = createFakeNvidiaSmi(answer);
  // The fake takes its time to start, which it does once for each name that the driver does not know.
  const backend = createNvidiaSmiGpus({ path: fake.path, intervalMs: 20, limits: { waitMs: 30_000 } });
  t.after(async () => {
    await backend.close(deadlineIn(5000));
    fake.remove();
  });
  await backend.start();
  const reports: string[] = [];
  const report = ({ reason, message }: SampleError) => void reports.push(`${reason}: ${message}`);
  const sample = async () => backend.sample({ report, takenAgo: () => {} });
  return { fake, backend, sample, reports };
}

describe('nvidia-smi', () => {
  for (const [name, { answer, gpus, reports = [] }] of Object.entries(machines)) {
    it(`reads ${name}`, async (t) => {
      const { sample, reports: said } = await setUp(t, answer);
      assert.deepEqual(await sample(), gpus);
      assert.deepEqual(said, reports);
    });
  }

  it('tells GPUs that ask for maintenance, or for a reset, from those that are well', async (t) => {
    const { sample, reports } = await setUp(t, 'health.csv');
    const gpus = await sample();
    assert.deepEqual(
      gpus.map(({ state }) => state),
      ['ok', 'degraded', 'degraded', 'degraded', 'failed'],
    );
    assert.deepEqual(reports, [`device: GPU 4 (${uuid('4104')}): [GPU requires reset]`]);
  });

  it('is one process, asked as long as it runs, without a shell', async (t) => {
    const { fake, sample } = await setUp(t, 'h100x8.csv');
    await until('the second round is read', async () => (await sample())[0]?.values.utilization === 0.89);
    const starts = fake.starts();
    assert.equal(starts.length, 1);
    const [query, ...rest] = starts[0]?.argv ?? [];
    assert.match(query ?? '', /^--query-gpu=index,count,uuid,[\w.,]+,name$/);
    assert.deepEqual(rest, ['--format=csv,noheader,nounits', '-lms', '20']);
  });

  it('is asked again, at once, without what its driver does not know', async (t) => {
    const { fake, sample } = await setUp(t, 'a100.csv');
    await sample();
    const starts = fake.starts().length;
    assert.ok(starts > 1 && starts < 5, `${starts} starts`);
  });

  it('is asked for all again when it has ended, for its driver may be a newer one', async (t) => {
    const { fake, sample } = await setUp(t, 'a100.csv');
    assert.equal((await sample())[0]?.values.throttledSecondsByThermal, undefined);
    fake.behave({ answer: 'h100x8.csv' });
    fake.running().forEach((pid) => process.kill(pid, 'SIGKILL'));
    await until(
      'it knows more',
      async () => (await sample().catch(() => []))[0]?.values.throttledSecondsByThermal === 0,
    );
  });

  it('is not asked again when it rejects what it was not asked', async (t) => {
    const { fake, sample } = await setUp(t, 'a100.csv');
    fake.behave({ exits: { status: 2, text: 'Field "moon.phase" is not a valid field to query.' } });
    await assert.rejects(sample(), { reason: 'exited', message: /status 2: Field "moon.phase"/ });
    assert.ok(fake.starts().length < 5);
  });

  it('is not asked again and again when it rejects the index', async (t) => {
    const { fake, backend, sample } = await setUp(t, 'a100.csv');
    await backend.close(deadlineIn(5000));
    fake.behave({ exits: { status: 2, text: 'Field "index" is not a valid field to query.' } });
    const other = createNvidiaSmiGpus({ path: fake.path, intervalMs: 20 });
    t.after(() => other.close(deadlineIn(5000)));
    const before = fake.starts().length;
    await other.start();
    await assert.rejects(async () => other.sample(NOTHING), { reason: 'exited', message: /Field "index"/ });
    assert.equal(fake.starts().length, before + 2);
    await assert.rejects(sample(), { message: /has been stopped/ });
  });

  it('may say more than what it rejects', async (t) => {
    const { fake, sample } = await setUp(t, 'a100.csv');
    fake.behave({ hint: 'Run "nvidia-smi --help-query-gpu" for more.' });
    assert.equal((await sample()).length, 1);
    assert.ok(fake.starts().length > 1);
  });

  it('may write its rows in pieces', async (t) => {
    const { fake, sample } = await setUp(t, 'rtx4090.csv');
    fake.behave({ pieceLength: 37 });
    for (let nth = 0; nth < 3; nth++) assert.equal((await sample()).length, 1);
  });

  it('rejects when there is no such program', async () => {
    const backend = createNvidiaSmiGpus({ path: '/nowhere/nvidia-smi', intervalMs: 20 });
    await assert.rejects(backend.start(), { reason: 'missing', message: 'there is no program /nowhere/nvidia-smi' });
    await backend.close(deadlineIn(1000));
  });

  it('rejects when it may not be started', async (t) => {
    const { fake } = await setUp(t, 'rtx4090.csv');
    chmodSync(fake.path, 0o644);
    const backend = createNvidiaSmiGpus({ path: fake.path, intervalMs: 20 });
    await assert.rejects(backend.start(), { reason: 'unreadable', message: /cannot be started: .*EACCES/ });
    await backend.close(deadlineIn(1000));
  });

  it('is over when it is closed, also when it does not want to, and can be closed again', async (t) => {
    const { fake, backend, sample } = await setUp(t, 'rtx4090.csv');
    await sample();
    fake.behave({ ignoresSigterm: true });
    const stubborn = createNvidiaSmiGpus({ path: fake.path, intervalMs: 20 });
    await stubborn.start();
    await stubborn.sample(NOTHING);
    assert.equal(fake.running().length, 2);
    await Promise.all([backend.close(deadlineIn(5000)), stubborn.close(deadlineIn(1000))]);
    assert.deepEqual(fake.running(), []);
    await backend.close(deadlineIn(1000));
    await assert.rejects(sample(), { message: /has been stopped/ });
    assert.deepEqual(fake.running(), []);
  });

  it('does not wait for its first rows any more when it is closed', async (t) => {
    const { fake, backend, sample } = await setUp(t, 'rtx4090.csv');
    fake.behave({ stops: true });
    const rejected = assert.rejects(sample(), { reason: 'exited' });
    await backend.close(deadlineIn(5000));
    await rejected;
  });

  it('does not outlive a gateway that is killed', async (t) => {
    // A program of the shell: the fake, being one of Node.js, does not get SIGPIPE.
    const directory = mkdtempSync(join(tmpdir(), 'nvidia-smi-'));
    const path = join(directory, 'nvidia-smi');
    writeFileSync(path, '#!/bin/sh\necho $$\nwhile :; do echo row; sleep 0.02; done\n');
    chmodSync(path, 0o755);
    const source = fileURLToPath(new URL('../../../../src/observables/gpu/nvidia-smi/child.ts', import.meta.url));
    const code = `const { startChild } = await import(${JSON.stringify(source)});
      startChild({ path: ${JSON.stringify(path)}, args: [], onLine: (line) => console.log(line), onLineTooLong() {}, onErrorLine() {}, onEnd() {} });`;
    const gateway = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => {
      gateway.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    });
    let output = '';
    gateway.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await until('it writes', () => output.includes('row'));
    const pid = Number(output.split('\n')[0]);
    assert.ok(isRunning(pid));
    gateway.kill('SIGKILL');
    await once(gateway, 'close');
    await until('it has ended', () => !isRunning(pid));
  });
});
