import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createBackoff } from '../../../src/std/backoff.ts';
import type { NvidiaSmiLimits } from '../../../src/observables/gpu/nvidia-smi/limits.ts';
import { createObservables } from '../../../src/observables/index.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createFakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';

/** Shorter than what is the default, so that a test need not wait for it. */
const LIMITS: Partial<NvidiaSmiLimits> = { shownMs: 200, silentMs: 400, firstRowsMs: 1000, waitMs: 500 };

/** For a test in which it starts well, however busy the machine is. */
const PATIENT: Partial<NvidiaSmiLimits> = { waitMs: 4500, firstRowsMs: 60_000 };

interface SetUp extends Partial<NvidiaSmiLimits> {
  readonly start?: boolean;
}

/** A gateway's observables with GPUs that a fake nvidia-smi reads. */
async function setUp(t: TestContext, answer: string, { start = true, ...limits }: SetUp = {}) {
  const fake = createFakeNvidiaSmi(answer);
  const telemetry = createTestTelemetry();
  const observables = createObservables({
    ...telemetry,
    gpu: {
      intervalMs: 20,
      backend: 'nvidia-smi',
      nvidiaSmi: {
        path: fake.path,
        limits: { ...LIMITS, ...limits },
        backoff: createBackoff({ firstMs: 50, mostMs: 100 }),
      },
      simulated: { gpus: 1 },
      backoff: createBackoff({ firstMs: 50, mostMs: 100 }),
    },
    startWaitMs: 5000,
  });
  const stop = () => observables.shutdown(deadlineIn(5000));
  t.after(async () => {
    await stop();
    assert.deepEqual(fake.running(), [], 'a process is left behind');
    fake.remove();
  });
  if (start) await observables.start();

  /** The names of the GPUs that there are readings of. */
  const shown = async () =>
    (await telemetry.series('hw.gpu.memory.usage')).map(({ attributes }) => attributes['hw.name']).sort();
  const failures = (reason: string) =>
    telemetry.value('metergate.observable.errors', { 'metergate.observable': 'gpu', 'error.type': reason });
  const logged = (reason: string) =>
    telemetry.lines.filter(({ fields }) => fields['error.type'] === reason).map(({ fields }) => String(fields.error));
  /** Of the last sample that failed. */
  const said = () =>
    (observables.status() as { gpu: { lastError: { message: string } | null } }).gpu.lastError?.message;
  const success = () => telemetry.value('metergate.observable.sample.success', { 'metergate.observable': 'gpu' });
  const untilShown = (...names: string[]) =>
    until(`the GPUs shown are ${names.join(', ')}`, async () => String(await shown()) === String(names));
  /** A fault has ended: what was shown before is shown again, and the log says so. */
  const untilRecovered = async (...names: string[]) => {
    await untilShown(...names);
    await until('the samples succeed', async () => (await success()) === 1);
    assert.ok(telemetry.lines.some(({ message }) => message === 'observable recovered'));
  };
  return { fake, telemetry, observables, shown, failures, logged, said, success, untilShown, untilRecovered, stop };
}

/** An answer to the same question, in which there is no row. */
function noRows(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'no-rows-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [head = ''] = readFileSync(new URL('../../fixtures/gpu/rtx4090.csv', import.meta.url), 'utf8').split('\n');
  writeFileSync(join(directory, 'answer.csv'), `${head}\n${head.replaceAll(/[^, ]+/g, 'garbage')}\n`);
  return join(directory, 'answer.csv');
}

describe('GPUs that nvidia-smi reads', () => {
  it('have no readings when it was killed, until it runs again', async (t) => {
    const { fake, failures, logged, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv');
    await untilShown('0');
    const [pid = 0] = fake.running();
    process.kill(pid, 'SIGKILL');
    await untilShown();
    assert.ok((await failures('exited')) > 0);
    assert.deepEqual(logged('exited'), [`${fake.path} was ended by SIGKILL`]);
    await untilRecovered('0');
    assert.equal(fake.running().length, 1);
  });

  it('have no readings as long as it cannot run, and the log says once what it says', async (t) => {
    const { fake, failures, logged, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv');
    await untilShown('0');
    const text = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    fake.behave({ exits: { status: 9, text } });
    await untilShown();
    const starts = fake.starts().length;
    await until('it has been started again and again', () => fake.starts().length > starts + 2);
    assert.ok((await failures('exited')) > 2);
    assert.deepEqual(logged('exited'), [`${fake.path} exited with status 9: ${text}`]);
    fake.behave({});
    await untilRecovered('0');
  });

  it('have no readings when it hangs, which ends it, and a new one takes its place', async (t) => {
    const { fake, failures, logged, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv', PATIENT);
    await untilShown('0');
    const [pid = 0] = fake.running();
    process.kill(pid, 'SIGSTOP');
    await untilShown();
    assert.ok((await failures('timeout')) > 0);
    assert.deepEqual(logged('timeout'), [`${fake.path} has written no row for 0.2 s`]);
    await until('it is gone', () => !fake.running().includes(pid));
    await untilRecovered('0');
  });

  it('have no readings as soon as they are old, and have them again when it goes on', async (t) => {
    const limits = { ...PATIENT, silentMs: 60_000 };
    const { fake, failures, logged, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv', limits);
    await untilShown('0');
    const [pid = 0] = fake.running();
    process.kill(pid, 'SIGSTOP');
    await untilShown();
    assert.ok((await failures('timeout')) > 0);
    assert.deepEqual(logged('timeout'), [`${fake.path} has written no row for 0.2 s`]);
    process.kill(pid, 'SIGCONT');
    await untilRecovered('0');
    assert.deepEqual(fake.running(), [pid]);
  });

  it('say how old they are', async (t) => {
    const { fake, telemetry, untilShown } = await setUp(t, 'rtx4090.csv', { shownMs: 60_000, silentMs: 60_000 });
    await untilShown('0');
    process.kill(fake.running()[0] ?? 0, 'SIGSTOP');
    const age = () => telemetry.value('metergate.observable.sample.age', { 'metergate.observable': 'gpu' });
    await until('they are many intervals old', async () => (await age()) > 0.4);
    await untilShown('0');
  });

  it('come late where it takes long to begin, of which the log has one line', async (t) => {
    const limits = { start: false, waitMs: 20, firstRowsMs: 60_000 };
    const { fake, observables, failures, logged, untilRecovered } = await setUp(t, 'rtx4090.csv', limits);
    fake.behave({ stops: true });
    await observables.start();
    await until('many samples have failed', async () => (await failures('timeout')) > 20);
    assert.deepEqual(logged('timeout'), [`${fake.path} has written no row of each GPU since its start`]);
    fake.behave({});
    await untilRecovered('0');
    assert.equal(fake.starts().length, 1);
  });

  it('have no readings when it hangs from its start', async (t) => {
    const { fake, observables, shown, failures, untilRecovered } = await setUp(t, 'rtx4090.csv', { start: false });
    fake.behave({ stops: true });
    await observables.start();
    await until('it is counted', async () => (await failures('timeout')) > 0);
    assert.deepEqual(await shown(), []);
    fake.behave({});
    await untilRecovered('0');
  });

  it('keep their readings when it writes what is no row between them', async (t) => {
    const { fake, shown, failures, logged, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv');
    await untilShown('0');
    const says = ['0, GPU-1, half a row', 'WARNING: infoROM is corrupted', 'x'.repeat(100_000)];
    fake.behave({ says });
    await until('all are counted', async () => (await failures('malformed')) > 0 && logged('malformed').length > 0);
    assert.deepEqual(await shown(), ['0']);
    assert.deepEqual(logged('malformed'), [`${fake.path} writes what is no row, such as "${says[0] ?? ''}"`]);
    await untilRecovered('0');
  });

  for (const [name, text] of Object.entries({ 'other lines': `${'junk '.repeat(100)}\n`, 'empty lines': '\n' })) {
    it(`have no readings when it writes ${name} without an end, which ends it`, async (t) => {
      const { fake, failures, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv', { silentMs: 60_000 });
      await untilShown('0');
      const [pid = 0] = fake.running();
      fake.behave({ says: [text.repeat(2_000_000 / text.length)], answer: noRows(t) });
      await until('it is gone', () => !fake.running().includes(pid));
      await untilShown();
      await until('it is counted', async () => (await failures('malformed')) > 0);
      fake.behave({});
      await untilRecovered('0');
    });
  }

  it('have no readings when it writes nothing else', async (t) => {
    const { fake, failures, untilShown, untilRecovered } = await setUp(t, 'rtx4090.csv');
    await untilShown('0');
    fake.behave({ answer: noRows(t) });
    const [pid = 0] = fake.running();
    process.kill(pid, 'SIGKILL');
    await untilShown();
    await until('it is counted', async () => (await failures('timeout')) > 0);
    fake.behave({});
    await untilRecovered('0');
  });

  it('have no readings of one that is lost, which is failed; the others have theirs', async (t) => {
    const { fake, telemetry, failures, logged, success, untilShown, untilRecovered } = await setUp(
      t,
      'h100x2-lost.csv',
    );
    const failed = () => telemetry.value('hw.status', { 'hw.name': '1', 'hw.state': 'failed' });
    await until('it is lost', async () => (await failed()) === 1);
    await untilShown('0');
    assert.equal(await telemetry.value('hw.status', { 'hw.name': '0', 'hw.state': 'ok' }), 1);
    assert.equal(await success(), 0);
    assert.ok((await failures('device')) > 0);
    assert.deepEqual(logged('device'), ['GPU 1: [GPU is lost]']);
    fake.behave({ answer: 'h100x8.csv' });
    await untilRecovered('0', '1', '2', '3', '4', '5', '6', '7');
  });

  it('are missed when they are not there any more, also after it was started again', async (t) => {
    const { fake, failures, said, untilShown, untilRecovered } = await setUp(t, 'h100x8.csv');
    await untilShown('0', '1', '2', '3', '4', '5', '6', '7');
    fake.behave({ answer: 'h100x2.csv' });
    await untilShown('0', '1');
    await until('they are missed', async () => (await failures('device')) > 0);
    const missed = /^(GPU [2-6] \(GPU-0000410[2-6][-\w]+\)(, | and )){5}1 more are not there any more$/;
    assert.match(said() ?? '', missed);

    process.kill(fake.running()[0] ?? 0, 'SIGKILL');
    await untilShown();
    await untilShown('0', '1');
    await until('they are missed again', () => missed.test(said() ?? ''));
    fake.behave({});
    await untilRecovered('0', '1', '2', '3', '4', '5', '6', '7');
  });

  it('are read as soon as there is the program', async (t) => {
    const { fake, observables, shown, failures, logged, telemetry, untilRecovered } = await setUp(t, 'rtx4090.csv', {
      start: false,
    });
    fake.install(false);
    await observables.start();
    assert.ok((await failures('missing')) > 0);
    assert.deepEqual(logged('missing'), [`there is no program ${fake.path}`]);
    assert.deepEqual(await shown(), []);
    fake.install(true);
    await untilRecovered('0');
    const chosen = telemetry.lines.filter(({ message }) => message === 'gpu backend');
    assert.deepEqual(
      chosen.map(({ fields }) => fields),
      [{ backend: 'nvidia-smi', why: 'configured' }],
    );
  });

  it('leave nothing behind that a gateway which is shut down waits for', async (t) => {
    const fake = createFakeNvidiaSmi('h100x8.csv');
    t.after(() => fake.remove());
    const source = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
    const code = `
      const { openGpus } = await import(${source('observables/gpu/index.ts')});
      const { deadlineIn } = await import(${source('std/deadline.ts')});
      const nvidiaSmi = { path: ${JSON.stringify(fake.path)} };
      const { backend } = await openGpus({ intervalMs: 20, backend: 'nvidia-smi', nvidiaSmi, simulated: { gpus: 1 } });
      const gpus = await backend.sample({ report() {}, takenAgo() {} });
      await backend.close(deadlineIn(5000));
      console.log(gpus.length);`;
    const gateway = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    gateway.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(gateway, 'close');
    assert.equal(output, '8\n');
    assert.deepEqual(fake.running(), []);
  });
});
