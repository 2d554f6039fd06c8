import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { createBackoff } from '../../../src/std/backoff.ts';
import {
  createSysteminformation,
  type SysteminformationClient,
  type SysteminformationOptions,
} from '../../../src/observables/systeminformation/client.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { createPrograms, HANG, isRunning, LINUX } from './programs.ts';

/** Longer than a busy machine takes for an answer. */
const TIMEOUT_MS = 3000;

function open(t: TestContext, options: SysteminformationOptions = {}) {
  const client = createSysteminformation({
    timeoutMs: TIMEOUT_MS,
    backoff: createBackoff({ firstMs: 0, mostMs: 0 }),
    ...options,
  });
  t.after(() => client.close(deadlineIn(5000)));
  return client;
}

async function untilItFindsFilesystems(client: SysteminformationClient): Promise<void> {
  await until('it finds filesystems', async () => {
    const found = await client.ask('filesystems').catch(() => []);
    return found.length > 0;
  });
}

const MODES = ['user', 'nice', 'system', 'idle', 'interrupt'] as const;

/** Milliseconds by mode over all CPUs; the fields of the `cpu` line are user nice system idle iowait irq, in ticks of 10 ms. */
function procStat(): Record<(typeof MODES)[number], number> {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = NaN, nice = NaN, system = NaN, idle = NaN, , interrupt = NaN] = line
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) * 10);
  return { user, nice, system, idle, interrupt };
}

/** Two ticks per CPU: they are rounded for each of them. */
const TOLERANCE_MS = 20 * availableParallelism();

/** Asks twice, once without a pause, and compares each answer with what the kernel says before and after. */
async function assertCpuTimeIsThatOfTheKernel(client: SysteminformationClient): Promise<void> {
  for (let nth = 0; nth < 3; nth++) {
    const before = procStat();
    const { timeMs } = await client.ask('cpu');
    const after = procStat();
    for (const mode of MODES) {
      const range = `${mode}: ${timeMs[mode]} ms, ${before[mode]} before and ${after[mode]} after`;
      assert.ok(timeMs[mode] >= before[mode] - TOLERANCE_MS, range);
      assert.ok(timeMs[mode] <= after[mode] + TOLERANCE_MS, range);
    }
    for (const endMs = performance.now() + 50 * nth; performance.now() < endMs;);
  }
}

describe('systeminformation in a process of its own', () => {
  it('tells the CPU time since the machine started, at once and at every question', { skip: LINUX }, async (t) => {
    await assertCpuTimeIsThatOfTheKernel(open(t));
  });

  it('tells it rightly while the wall clock is set back again and again', { skip: LINUX }, async (t) => {
    const setBack = 'const now = Date.now; let calls = 0; Date.now = () => now() - 60_000 * calls++;';
    const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(setBack)}` };
    await assertCpuTimeIsThatOfTheKernel(open(t, { env }));
  });

  it('goes on with the CPU time where it was when the process is another one', { skip: LINUX }, async (t) => {
    const programs = createPrograms(t);
    const client = open(t, { env: programs.env });
    await client.ask('cpu');
    programs.put('df', HANG);
    await assert.rejects(client.ask('filesystems'), { reason: 'timeout' });
    await assertCpuTimeIsThatOfTheKernel(client);
  });

  it('answers questions that come together, each with numbers', { skip: LINUX }, async (t) => {
    const client = open(t);
    const answers = await Promise.all(Array.from({ length: 3 }, () => client.ask('networkInterfaces')));
    for (const interfaces of answers) {
      assert.ok(interfaces.length > 0);
      for (const { iface, rx_bytes, tx_errors } of interfaces) {
        assert.ok(Number.isSafeInteger(rx_bytes), `${iface}: ${rx_bytes} bytes`);
        assert.ok(Number.isSafeInteger(tx_errors), `${iface}: ${tx_errors} errors`);
      }
    }
    // What it repeats of the question before has no time in between.
    for (const { iface, ms } of answers[1] ?? []) assert.ok(ms > 0, iface);
  });

  it(
    'kills a process that hangs, with the program that it waits for, and answers again',
    { skip: LINUX },
    async (t) => {
      const programs = createPrograms(t);
      const client = open(t, { env: programs.env });
      programs.put('df', HANG);
      await assert.rejects(client.ask('filesystems'), {
        reason: 'timeout',
        message: 'systeminformation: no filesystems within 3000 ms',
      });
      const [df] = programs.hung();
      assert.ok(df);
      assert.notEqual(df.group, process.pid);
      await until('both are gone', () => !isRunning(df.pid) && !isRunning(df.group));

      programs.remove('df');
      await untilItFindsFilesystems(client);
    },
  );

  it(
    'fails the question during which the process is killed, and leaves nothing of it behind',
    { skip: LINUX },
    async (t) => {
      const programs = createPrograms(t);
      const client = open(t, { env: programs.env, timeoutMs: 60_000 });
      programs.put('df', HANG);
      const rejected = assert.rejects(client.ask('filesystems'), {
        reason: 'exited',
        message: 'systeminformation ended with SIGKILL',
      });
      await until('df hangs', () => programs.hung().length > 0);
      const { pid, group } = programs.hung()[0] ?? assert.fail();
      process.kill(group, 'SIGKILL');
      await rejected;
      await until('df is gone', () => !isRunning(pid));

      programs.remove('df');
      await untilItFindsFilesystems(client);
    },
  );

  it('starts no process soon after one that failed, and says why that one did', { skip: LINUX }, async (t) => {
    const programs = createPrograms(t);
    const client = open(t, { env: programs.env, backoff: createBackoff({ firstMs: 60_000 }) });
    programs.put('df', HANG);
    const failed = client.ask('filesystems');
    const asked = client.ask('memory');
    await assert.rejects(failed, { reason: 'timeout' });
    await assert.rejects(asked, {
      reason: 'exited',
      message: 'systeminformation: no filesystems within 3000 ms; it is not started again yet',
    });
  });

  it('begins its back-off anew only after a process that ran for long', async (t) => {
    const calls: string[] = [];
    const backoff = { failed: () => calls.push('failed'), reset: () => calls.push('reset'), waits: () => false };
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '--import=data:text/javascript,process.exit(3)' };
    const client = open(t, { env, backoff });
    for (let nth = 0; nth < 2; nth++) {
      await assert.rejects(client.ask('memory'), { reason: 'exited', message: 'systeminformation ended with code 3' });
    }
    delete env.NODE_OPTIONS;
    await client.ask('memory');
    await client.close(deadlineIn(5000));
    assert.deepEqual(calls, ['failed', 'failed', 'failed']);

    const steady = open(t, { backoff, steadyMs: 0 });
    await steady.ask('memory');
    await steady.close(deadlineIn(5000));
    assert.deepEqual(calls.slice(3), ['reset', 'failed']);
  });

  it('is not started again at once when it could not be started', async (t) => {
    const backoff = createBackoff({ firstMs: 60_000 });
    // Node.js throws in step: the arguments and the environment are longer than the system lets them be.
    const client = open(t, { backoff, env: { ...process.env, LONG: 'x'.repeat(3_000_000) } });
    const message = 'systeminformation cannot be started: spawn E2BIG';
    await assert.rejects(client.ask('memory'), { reason: 'exited', message });
    await assert.rejects(client.ask('memory'), {
      reason: 'exited',
      message: `${message}; it is not started again yet`,
    });
  });

  it('ends a question that is on its way when it is closed, and its process', { skip: LINUX }, async (t) => {
    const programs = createPrograms(t);
    const client = open(t, { env: programs.env, timeoutMs: 60_000 });
    programs.put('df', HANG);
    const rejected = assert.rejects(client.ask('filesystems'), {
      reason: 'exited',
      message: 'systeminformation was closed',
    });
    const waiting = assert.rejects(client.ask('memory'), { reason: 'exited', message: 'systeminformation was closed' });
    await until('df hangs', () => programs.hung().length > 0);
    await client.close(deadlineIn(5000));
    await Promise.all([rejected, waiting]);
    const { pid, group } = programs.hung()[0] ?? assert.fail();
    assert.equal(isRunning(group), false);
    await until('df is gone', () => !isRunning(pid));
    await assert.rejects(client.ask('memory'), { message: 'systeminformation was closed' });
    await client.close(deadlineIn(5000));
  });

  it('can be closed without a question', async () => {
    await createSysteminformation().close(deadlineIn(0));
  });

  const hanging = { filesystems: 'df', gpus: 'nvidia-smi' };
  for (const [question, program] of Object.entries(hanging)) {
    it(
      `ends, with the ${program} that it has started, when the process that asked is killed`,
      { skip: LINUX },
      async (t) => {
        const programs = createPrograms(t);
        programs.put('lspci', `echo '17:00.0 3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)'`);
        programs.put(program, HANG);
        const client = new URL('../../../src/observables/systeminformation/client.ts', import.meta.url).href;
        const script = `const { createSysteminformation } = await import('${client}'); await createSysteminformation().ask('${question}')`;
        const asking = spawn(process.execPath, ['--input-type=module', '-e', script], {
          env: programs.env,
          stdio: 'ignore',
        });
        t.after(() => asking.kill('SIGKILL'));
        await until('it hangs', () => programs.hung().length > 0);
        const { pid, group } = programs.hung()[0] ?? assert.fail();
        assert.equal(isRunning(group), true);
        asking.kill('SIGKILL');
        await until('both are gone', () => !isRunning(pid) && !isRunning(group));
      },
    );
  }
});
