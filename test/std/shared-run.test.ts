import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it, mock } from 'node:test';
import { createSharedRun } from '../../src/std/shared-run.ts';
import { until } from '../support/until.ts';

/** Long, but not for ever: a run that is waited for in vain is to fail the test. */
const LONG_MS = 5_000;

const MISSED = { message: 'the work has not ended within 1 ms' };
const LATE = { message: 'the work has not ended since it was late' };

/** Work of which each run ends when the test says so. */
function createWork({ lateAfterMs = 0 }: { lateAfterMs?: number } = {}) {
  const runs: PromiseWithResolvers<{ run: number }>[] = [];
  const run = createSharedRun(
    'the work',
    () => {
      const ended = Promise.withResolvers<{ run: number }>();
      runs.push(ended);
      return ended.promise;
    },
    lateAfterMs,
  );
  return { runs, run };
}

describe('a shared run', () => {
  it('gives what synchronous work returns at once, and does it each time', () => {
    let runs = 0;
    const run = createSharedRun('the work', () => ({ run: ++runs }));
    assert.deepEqual(run.get(0), { run: 1 });
    assert.deepEqual(run.get(0), { run: 2 });
  });

  it('throws at once what synchronous work throws, and goes on', () => {
    const work = mock.fn<() => object>(() => {
      throw new Error('broken');
    });
    const run = createSharedRun('the work', work);
    assert.throws(() => run.get(LONG_MS), { message: 'broken' });
    work.mock.mockImplementation(() => ({ done: true }));
    assert.deepEqual(run.get(LONG_MS), { done: true });
  });

  it('waits for asynchronous work', async () => {
    const { runs, run } = createWork();
    const got = run.get(LONG_MS);
    assert.ok(got instanceof Promise);
    runs[0]?.resolve({ run: 0 });
    assert.deepEqual(await got, { run: 0 });
  });

  it('waits for thenables of another make', async () => {
    const thenable = { then: (done: (value: object) => void) => done({ done: true }) } as unknown as Promise<object>;
    assert.deepEqual(await createSharedRun('the work', () => thenable).get(LONG_MS), { done: true });
  });

  it('is the same for all who ask while it runs, and a new one afterwards', async () => {
    const { runs, run } = createWork();
    const [first, second] = [run.get(LONG_MS), run.get(LONG_MS)];
    await turn();
    const third = run.get(LONG_MS);
    assert.equal(runs.length, 1);
    runs[0]?.resolve({ run: 0 });
    assert.deepEqual(await Promise.all([first, second, third]), [{ run: 0 }, { run: 0 }, { run: 0 }]);
    const next = run.get(LONG_MS);
    assert.equal(runs.length, 2);
    runs[1]?.resolve({ run: 1 });
    assert.deepEqual(await next, { run: 1 });
  });

  it('fails for all who wait for it, and is done again afterwards', async () => {
    const { runs, run } = createWork();
    const failed = [1, 2].map(() => assert.rejects(async () => run.get(LONG_MS), { message: 'broken' }));
    runs[0]?.reject(new Error('broken'));
    await Promise.all(failed);
    assert.equal(runs.length, 1);
    const next = run.get(LONG_MS);
    runs[1]?.resolve({ run: 1 });
    assert.deepEqual(await next, { run: 1 });
  });

  it('is waited for once when it is late, and then not at all until it has ended', async () => {
    const { runs, run } = createWork();
    await assert.rejects(async () => run.get(1), MISSED);
    for (let i = 0; i < 3; i++) assert.throws(() => run.get(LONG_MS), LATE);
    assert.equal(runs.length, 1);
    runs[0]?.resolve({ run: 0 });
    await turn();
    const next = run.get(LONG_MS);
    assert.equal(runs.length, 2);
    runs[1]?.resolve({ run: 1 });
    assert.deepEqual(await next, { run: 1 });
  });

  it('still comes to who has more patience, though it is late for another', async () => {
    const { runs, run } = createWork();
    const patient = run.get(LONG_MS);
    await assert.rejects(async () => run.get(1));
    runs[0]?.resolve({ run: 0 });
    assert.deepEqual(await patient, { run: 0 });
    assert.ok(run.get(LONG_MS) instanceof Promise);
    assert.equal(runs.length, 2);
    runs[1]?.resolve({ run: 1 });
  });

  it('is not late for the others when somebody gives up early, be it before they come or afterwards', async () => {
    const { runs, run } = createWork({ lateAfterMs: 10 * LONG_MS });
    const before = run.get(LONG_MS);
    for (let i = 0; i < 3; i++) await assert.rejects(async () => run.get(1), MISSED);
    const after = run.get(LONG_MS);
    assert.equal(runs.length, 1);
    runs[0]?.resolve({ run: 0 });
    assert.deepEqual(await Promise.all([before, after]), [{ run: 0 }, { run: 0 }]);
    const next = run.get(LONG_MS);
    assert.equal(runs.length, 2);
    runs[1]?.resolve({ run: 1 });
    assert.deepEqual(await next, { run: 1 });
  });

  it('is late from its own start, however little each one waits', async () => {
    const { runs, run } = createWork({ lateAfterMs: 50 });
    const isLate = async (): Promise<boolean> => {
      try {
        await run.get(1);
      } catch (error) {
        assert.ok(error instanceof Error);
        if (error.message === LATE.message) return true;
        assert.equal(error.message, MISSED.message);
      }
      return false;
    };
    await until('it is late', isLate);
    assert.throws(() => run.get(LONG_MS), LATE);
    assert.equal(runs.length, 1);
  });

  it('is late after a second where nothing is said', async () => {
    const run = createSharedRun('the work', () => new Promise<object>(() => {}));
    await assert.rejects(async () => run.get(1_000), { message: 'the work has not ended within 1000 ms' });
    assert.throws(() => run.get(LONG_MS), LATE);
  });

  it('recovers from failing late, which nobody hears of', async (t) => {
    const unhandled = t.mock.fn();
    process.on('unhandledRejection', unhandled);
    t.after(() => process.off('unhandledRejection', unhandled));
    const { runs, run } = createWork();
    await assert.rejects(async () => run.get(1));
    runs[0]?.reject(new Error('late'));
    await turn();
    assert.equal(unhandled.mock.callCount(), 0);
    const next = run.get(LONG_MS);
    runs[1]?.resolve({ run: 1 });
    assert.deepEqual(await next, { run: 1 });
  });

  it('leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const { runs, run } = createWork();
    const got = run.get(LONG_MS);
    runs[0]?.resolve({ run: 0 });
    await got;
    assert.equal(timers(), before);
  });
});
