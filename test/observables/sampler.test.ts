import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { SampleError, type ObservableGroup, type Sample } from '../../src/observables/observable.ts';
import { createSampler } from '../../src/observables/sampler.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { until } from '../support/until.ts';
import { createTelemetry } from './telemetry.ts';

const COUNT = 'system.cpu.logical.count';
const UPTIME = 'system.uptime';
const ERRORS = 'metergate.observable.errors';
const HOUR_MS = 3_600_000;

interface Setup {
  readonly sample: (into: Sample, nth: number) => void | Promise<void>;
  readonly start?: (onNews?: () => void) => void | Promise<void>;
  readonly close?: () => void | Promise<void>;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/** A sampler of one group, what was called of that (in order), and what a collection shows of it. */
function setUp({ sample, start, close, intervalMs = HOUR_MS, timeoutMs = HOUR_MS }: Setup) {
  const telemetry = createTelemetry();
  const calls: string[] = [];
  const group: ObservableGroup = {
    name: 'group',
    instruments: [COUNT, UPTIME],
    start: (onNews) => {
      calls.push('start');
      return start?.(onNews);
    },
    sample: (into) => {
      calls.push('sample');
      return sample(into, calls.filter((call) => call === 'sample').length);
    },
    close: () => {
      calls.push('close');
      return close?.();
    },
  };
  const { instruments, events, logger } = telemetry;
  const sampler = createSampler({ group, intervalMs, timeoutMs, instruments, events, logger });
  return {
    sampler,
    calls,
    lines: () => telemetry.lines(),
    shown: async () => {
      const { [COUNT]: count = {}, [UPTIME]: uptime = {} } = await telemetry.collect();
      return { ...count, ...uptime };
    },
    errors: async () => (await telemetry.collect())[ERRORS] ?? {},
    shutdown: () => sampler.shutdown(deadlineIn(5_000)),
  };
}

/** Settled by the test. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, open: () => resolve(undefined) };
}

describe('a sampler', () => {
  it('prepares the group once, before the first sample, and closes it once', async () => {
    const { sampler, calls, shutdown } = setUp({ sample: () => undefined, intervalMs: 1 });
    await sampler.start();
    await until('it has sampled again', () => calls.length >= 4);
    await Promise.all([shutdown(), shutdown()]);
    await shutdown();
    assert.equal(calls[0], 'start');
    assert.equal(calls.at(-1), 'close');
    assert.deepEqual([...new Set(calls.slice(1, -1))], ['sample']);
  });

  it('closes a group that was never started, once, and starts nothing afterwards', async () => {
    const { sampler, calls, shutdown } = setUp({ sample: () => undefined, intervalMs: 1 });
    await shutdown();
    await shutdown();
    await sampler.start();
    await sleep(5);
    assert.deepEqual(calls, ['close']);
  });

  it('shows the readings of the last sample together, and none of an earlier one', async () => {
    const { sampler, calls, shown, shutdown } = setUp({
      intervalMs: 1,
      sample: (into, nth) => into.write(nth === 1 ? COUNT : UPTIME, nth, { nth: String(nth) }),
    });
    await sampler.start();
    assert.deepEqual(await shown(), { '1': 1 });
    await until('there is a second sample', () => calls.length >= 3);
    await shutdown();
    const nth = calls.filter((call) => call === 'sample').length;
    assert.deepEqual(await shown(), { [nth]: nth });
  });

  it('shows nothing of a sample that is not over', async () => {
    const { promise, open } = gate();
    const { sampler, shown, shutdown } = setUp({
      sample: async (into) => {
        into.write(COUNT, 1);
        await promise;
        into.write(UPTIME, 2, { after: 'wards' });
      },
    });
    const started = sampler.start();
    await sleep(5);
    assert.deepEqual(await shown(), {});
    assert.deepEqual(sampler.stats(), { durationSeconds: undefined, ageSeconds: undefined, success: undefined });
    open();
    await started;
    assert.deepEqual(await shown(), { '': 1, wards: 2 });
    await shutdown();
  });

  it('shows what was read when a part of a sample failed, counts that, and is no success until all is read', async () => {
    const errors = [new SampleError('unreadable', 'cannot read eth0'), new SampleError('malformed', 'line 3')];
    const {
      sampler,
      calls,
      shown,
      lines,
      errors: counted,
      shutdown,
    } = setUp({
      intervalMs: 1,
      sample: async (into, nth) => {
        into.write(COUNT, 2);
        if (nth <= 3) for (const error of errors) into.report(error);
        if (nth === 4) await promise;
      },
    });
    const { promise, open } = gate();
    await sampler.start();
    await until('the fourth sample runs', () => calls.length === 5);
    assert.deepEqual(await shown(), { '': 2 });
    assert.deepEqual(await counted(), { 'unreadable group': 3, 'malformed group': 3 });
    const { durationSeconds, ageSeconds, success } = sampler.stats();
    assert.equal(success, false);
    assert.ok(durationSeconds !== undefined && durationSeconds >= 0);
    assert.ok(ageSeconds !== undefined && ageSeconds >= 0);
    assert.equal(sampler.status().lastError?.message, 'line 3');
    assert.deepEqual(lines(), ['warn sample failed group', 'warn sample failed group']);

    open();
    await until('the fourth sample is over', () => sampler.stats().success === true);
    await shutdown();
    assert.deepEqual(lines().slice(2), ['info observable recovered group']);
  });

  it('shows nothing of a sample that threw, whatever it had written or reported before', async () => {
    const { sampler, shown, errors, shutdown } = setUp({
      sample: (into) => {
        into.write(COUNT, 1);
        into.report(new SampleError('malformed', 'line 3'));
        throw new SampleError('device', 'the GPU is lost');
      },
    });
    await sampler.start();
    assert.deepEqual(await shown(), {});
    assert.equal((await errors())['device group'], 1);
    const { ageSeconds, success } = sampler.stats();
    assert.deepEqual([ageSeconds, success], [undefined, false]);
    assert.equal(sampler.status().lastError?.reason, 'device');
    await shutdown();
  });

  it('counts also what was reported before the sample threw', async () => {
    const { sampler, errors, shutdown } = setUp({
      sample: (into) => {
        into.report(new SampleError('device', 'GPU 0 is lost'));
        throw new SampleError('other', 'nothing could be read');
      },
    });
    await sampler.start();
    assert.deepEqual(await errors(), { 'device group': 1, 'other group': 1 });
    await shutdown();
  });

  it('takes a name that is not among the instruments of the group for an error of the group', async () => {
    const { sampler, shown, errors, shutdown } = setUp({ sample: (into) => into.write('process.uptime', 1) });
    await sampler.start();
    assert.deepEqual(await shown(), {});
    assert.deepEqual(await errors(), { 'other group': 1 });
    assert.match(sampler.status().lastError?.message ?? '', /process\.uptime is not among the instruments/);
    await shutdown();
  });

  it('says once that the machine does not have what is read, and neither counts it nor calls it a success', async () => {
    const { sampler, calls, lines, errors, shutdown } = setUp({
      intervalMs: 1,
      sample: () => Promise.reject(new SampleError('unsupported', 'no /proc/pressure')),
    });
    await sampler.start();
    await until('it was sampled again and again', () => calls.length >= 5);
    assert.deepEqual(lines(), ['info observable not supported group']);
    assert.deepEqual(await errors(), {});
    assert.equal(sampler.stats().success, undefined);
    await shutdown();
  });

  for (const [how, start] of Object.entries({
    throws: () => {
      throw new SampleError('missing', 'no nvidia-smi');
    },
    rejects: () => Promise.reject(new SampleError('missing', 'no nvidia-smi')),
  })) {
    it(`counts a group whose start ${how} as one failed sample, and samples it nevertheless`, async () => {
      const { sampler, calls, shown, lines, errors, shutdown } = setUp({
        start,
        sample: (into) => into.write(COUNT, 1),
      });
      await sampler.start();
      assert.deepEqual(calls, ['start', 'sample']);
      assert.deepEqual(await errors(), { 'missing group': 1 });
      assert.deepEqual(await shown(), { '': 1 });
      assert.deepEqual(lines(), ['warn sample failed group', 'info observable recovered group']);
      await shutdown();
    });
  }

  it('waits for a group that takes longer to start than the interval, and calls nothing of it a failure', async () => {
    const { promise, open } = gate();
    const { sampler, calls, errors, shutdown } = setUp({
      intervalMs: 1,
      start: () => promise,
      sample: () => undefined,
    });
    const started = sampler.start();
    await sleep(20);
    assert.deepEqual(await errors(), {});
    assert.deepEqual(calls, ['start']);
    open();
    await started;
    assert.deepEqual(await errors(), {});
    assert.equal(sampler.stats().success, true);
    await shutdown();
  });

  it('gives up a start that hangs, and goes on when it has ended after all', async () => {
    const { promise, open } = gate();
    const { sampler, calls, shown, errors, shutdown } = setUp({
      ...{ intervalMs: 2, timeoutMs: 5 },
      start: () => promise,
      sample: (into) => into.write(COUNT, 1),
    });
    await sampler.start();
    assert.ok(((await errors())['timeout group'] ?? 0) >= 1);
    assert.deepEqual(calls, ['start']);
    open();
    await until('there are readings', () => sampler.stats().success === true);
    assert.deepEqual(await shown(), { '': 1 });
    await shutdown();
  });

  it('samples what has news at once, long before the timer fires, until it is shut down', async () => {
    let onNews = (): void => assert.fail();
    const { sampler, calls, shown, shutdown } = setUp({
      start: (news) => void (onNews = news ?? onNews),
      sample: (into, nth) => into.write(COUNT, nth),
    });
    await sampler.start();
    onNews();
    await until('it is shown', async () => (await shown())[''] === 2);
    await shutdown();
    onNews();
    await sleep(1);
    assert.deepEqual(calls, ['start', 'sample', 'sample', 'close']);
  });

  it('takes no sample beside the running one for news, nor before the first', async () => {
    const { promise, open } = gate();
    let onNews = (): void => assert.fail();
    const { sampler, calls, errors, shutdown } = setUp({
      start: (news) => {
        onNews = news ?? onNews;
        onNews();
      },
      sample: () => promise,
    });
    const started = sampler.start();
    await until('it is sampled', () => calls.includes('sample'));
    onNews();
    open();
    await started;
    assert.deepEqual(calls, ['start', 'sample']);
    assert.deepEqual(await errors(), {});
    await shutdown();
  });

  it('samples by the timer, too, when there is no news any more', async () => {
    let onNews = (): void => assert.fail();
    const { sampler, calls, shutdown } = setUp({
      intervalMs: 10,
      start: (news) => void (onNews = news ?? onNews),
      sample: (into) => into.write(COUNT, 1),
    });
    await sampler.start();
    onNews();
    await until('it is sampled again and again', () => calls.length > 5);
    await shutdown();
  });

  it('says how old readings are that had been taken before the sample', async () => {
    const { sampler, shutdown } = setUp({
      sample: (into) => {
        into.write(COUNT, 1);
        into.takenAgo(60_000);
      },
    });
    await sampler.start();
    assert.ok((sampler.stats().ageSeconds ?? NaN) >= 59.9);
    await shutdown();
  });

  it('counts a sample that hangs at each interval, logs it once, and keeps how long it was waited for', async () => {
    const { promise, open } = gate();
    const { sampler, lines, errors, shutdown } = setUp({ sample: () => promise, intervalMs: 1, timeoutMs: 5 });
    await sampler.start();
    const { durationSeconds = NaN } = sampler.stats();
    while (((await errors())['timeout group'] ?? 0) < 5) await sleep(1);
    assert.deepEqual(lines(), ['warn sample failed group']);
    assert.equal(sampler.stats().durationSeconds, durationSeconds);
    open();
    await shutdown();
  });

  it('drops what a sample writes or throws after its time', async () => {
    const { promise, open } = gate();
    const late: Promise<void>[] = [];
    const { sampler, calls, shown, errors, shutdown } = setUp({
      ...{ intervalMs: 2, timeoutMs: 5 },
      sample: async (into, nth) => {
        if (nth > 1) return into.write(UPTIME, nth);
        const ended = promise.then(() => into.write(COUNT, 99, { late: 'late' }));
        late.push(ended);
        await ended;
        throw new SampleError('device', 'too late');
      },
    });
    await sampler.start();
    assert.deepEqual(await shown(), {});
    open();
    await Promise.all(late);
    await until('it was sampled again', () => sampler.stats().success === true);
    await shutdown();
    const nth = calls.filter((call) => call === 'sample').length;
    assert.deepEqual(await shown(), { '': nth });
    assert.deepEqual(Object.keys(await errors()), ['timeout group']);
  });

  it('does not sample a group any more once it is shut down while it starts', async () => {
    const { promise, open } = gate();
    const { sampler, calls, lines, shutdown } = setUp({ start: () => promise, sample: () => undefined });
    const started = sampler.start();
    const stopped = shutdown();
    open();
    await Promise.all([started, stopped]);
    await sleep(5);
    assert.deepEqual(calls, ['start', 'close']);
    assert.deepEqual(lines(), []);
  });

  it('calls a sample that the shutdown abandons neither a success nor a failure, and shows nothing of it', async () => {
    const { sampler, calls, shown, lines, errors } = setUp({
      sample: (into) => {
        into.write(COUNT, 1);
        return new Promise(() => undefined);
      },
    });
    const started = sampler.start();
    await until('it is sampled', () => calls.includes('sample'));
    await sampler.shutdown(deadlineIn(5));
    await started;
    assert.deepEqual(calls, ['start', 'sample', 'close']);
    assert.deepEqual(await shown(), {});
    assert.deepEqual(await errors(), {});
    assert.deepEqual(sampler.status(), { lastSuccess: null, lastError: null });
    assert.equal(sampler.stats().success, undefined);
    assert.deepEqual(lines(), []);
  });

  it('leaves a start that hangs alone at the deadline of the shutdown, and closes the group', async () => {
    const { sampler, calls, lines } = setUp({ start: () => new Promise(() => undefined), sample: () => undefined });
    const started = sampler.start();
    await sampler.shutdown(deadlineIn(5));
    await started;
    assert.deepEqual(calls, ['start', 'close']);
    assert.deepEqual(lines(), []);
  });

  it('logs that a group could not be closed', async () => {
    const { sampler, lines, shutdown } = setUp({
      sample: () => undefined,
      close: () => Promise.reject(new Error('cannot close')),
    });
    await sampler.start();
    await shutdown();
    assert.deepEqual(lines(), ['error observable not closed group']);
  });
});
