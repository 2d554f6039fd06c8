import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitsOf, type NvidiaSmiLimits } from '../../../../src/observables/gpu/nvidia-smi/limits.ts';
import { createProgram } from '../../../../src/observables/gpu/nvidia-smi/program.ts';
import type { Run, RunOptions } from '../../../../src/observables/gpu/nvidia-smi/run.ts';
import { SampleError } from '../../../../src/observables/observable.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';

/** A program of which the test says what it does, that does not end by itself, and the calls of its back-off. */
function createTestProgram(limits: Partial<NvidiaSmiLimits> = {}) {
  const runs: RunOptions[] = [];
  const calls: string[] = [];
  let news = 0;
  let silentMs = 0;
  let mayKill = true;
  const program = createProgram({
    path: 'nvidia-smi',
    intervalMs: 1000,
    limits: limitsOf(1000, { waitMs: 0, ...limits }),
    backoff: {
      failed: () => calls.push('failed'),
      reset: () => calls.push('reset'),
      waits: () => false,
    },
    onNews: () => news++,
    start: (run): Run => {
      runs.push(run);
      return {
        started: Promise.resolve(),
        readings: () => [],
        silentMs: () => silentMs,
        malformed: () => undefined,
        kill: ({ message }) => {
          calls.push(`kill: ${message}`);
          return mayKill;
        },
        stop: async () => {},
      };
    },
  });
  return {
    program,
    calls,
    runs,
    news: () => news,
    last: () => runs.at(-1) ?? assert.fail(),
    isSilent: (ms: number) => (silentMs = ms),
    mayNotBeKilled: () => (mayKill = false),
    /** @returns what is said of it, or nothing if it runs well. */
    running: async () => {
      try {
        await program.running();
        return undefined;
      } catch (error) {
        return error instanceof SampleError ? `${error.reason}: ${error.message}` : error;
      }
    },
  };
}

const exited = { error: new SampleError('exited', 'it has ended'), rejected: [] };
const NOT_YET = 'timeout: nvidia-smi has written no row of each GPU since its start';
const SILENT = 'timeout: nvidia-smi has written no row for 3 s';

describe('the program that is started again and again', () => {
  it('has a minute for its first rows, and is killed then, in the same words all the time', async () => {
    const { running, isSilent, calls, last, runs } = createTestProgram();
    for (const ms of [0, 20_000, 59_999]) {
      isSilent(ms);
      assert.equal(await running(), NOT_YET);
    }
    assert.deepEqual(calls, []);
    isSilent(60_000);
    assert.equal(await running(), NOT_YET);
    assert.deepEqual(calls, [`kill: ${NOT_YET.slice(9)}`]);
    assert.equal(runs.length, 1);
    last().onEnd({ ...exited, error: new SampleError('timeout', NOT_YET.slice(9)) });
    isSilent(0);
    assert.equal(await running(), NOT_YET);
    assert.equal(runs.length, 2);
    last().onRound();
    assert.equal(await running(), undefined);
  });

  it('does not run well without a row for 3 s, and is killed after 10 s, in the same words', async () => {
    const { running, isSilent, calls, last, runs } = createTestProgram();
    await running();
    last().onRound();
    isSilent(3000);
    assert.equal(await running(), undefined);
    for (const ms of [3001, 9999]) {
      isSilent(ms);
      assert.equal(await running(), SILENT);
    }
    assert.deepEqual(calls, []);
    isSilent(10_000);
    assert.equal(await running(), SILENT);
    assert.deepEqual(calls, [`kill: ${SILENT.slice(9)}`]);
    assert.equal(runs.length, 1);
  });

  it('has longer when the interval is longer', () => {
    const { shownMs, silentMs, firstRowsMs } = limitsOf(60_000);
    assert.deepEqual([shownMs, silentMs, firstRowsMs], [180_000, 300_000, 300_000]);
  });

  it('is kept when it may not be killed, and runs well when it writes again', async () => {
    const { running, isSilent, mayNotBeKilled, last, runs } = createTestProgram();
    await running();
    last().onRound();
    mayNotBeKilled();
    isSilent(10_000);
    for (let nth = 0; nth < 2; nth++) assert.equal(await running(), `${SILENT}, and we may not end it`);
    isSilent(0);
    assert.equal(await running(), undefined);
    assert.equal(runs.length, 1);
  });

  it('begins its back-off anew only when it has run well for long', async () => {
    const soon = createTestProgram();
    for (let nth = 0; nth < 3; nth++) {
      await soon.running();
      soon.last().onRound();
      soon.last().onEnd(exited);
    }
    assert.deepEqual(soon.calls, ['failed', 'failed', 'failed']);

    const steady = createTestProgram({ steadyMs: 0 });
    await steady.running();
    steady.last().onEnd(exited);
    await steady.running();
    steady.last().onRound();
    steady.last().onEnd(exited);
    assert.deepEqual(steady.calls, ['failed', 'reset', 'failed']);
  });

  it('is started at once without the names that it rejects, and with them after it has ended for another reason', async () => {
    const { running, last, runs, calls } = createTestProgram();
    await running();
    last().onEnd({ ...exited, rejected: ['power.draw'] });
    assert.equal(runs.length, 2);
    assert.ok(!last().query.names.includes('power.draw'));
    last().onEnd({ ...exited, rejected: ['power.draw'] });
    assert.equal(runs.length, 2);
    assert.deepEqual(calls, ['failed']);
    await running();
    assert.ok(last().query.names.includes('power.draw'));
  });

  it('has news when all GPUs were read, and when it has ended for good', async () => {
    const { running, last, news } = createTestProgram();
    await running();
    assert.equal(news(), 0);
    last().onRound();
    last().onRound();
    assert.equal(news(), 2);
    last().onEnd({ ...exited, rejected: ['power.draw'] });
    assert.equal(news(), 2);
    last().onEnd(exited);
    assert.equal(news(), 3);
  });

  it('is not started any more when it was closed', async () => {
    const { program, running, last, runs } = createTestProgram();
    await running();
    await program.close(deadlineIn(0));
    last().onEnd({ ...exited, rejected: ['power.draw'] });
    assert.equal(await running(), 'other: nvidia-smi has been stopped');
    assert.equal(runs.length, 1);
  });
});
