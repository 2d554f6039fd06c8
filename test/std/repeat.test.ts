import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { repeat } from '../../src/std/repeat.ts';

describe('a repetition', () => {
  it('runs again and again, first after one interval', async () => {
    const third = Promise.withResolvers<undefined>();
    let runs = 0;
    const repetition = repeat({
      intervalMs: 2,
      task: () => {
        if (++runs === 3) third.resolve(undefined);
      },
    });
    assert.equal(runs, 0);
    await third.promise;
    await repetition.stop();
  });

  it('never runs beside itself, however long a run takes', async () => {
    const third = Promise.withResolvers<undefined>();
    let running = 0;
    let most = 0;
    let runs = 0;
    const repetition = repeat({
      intervalMs: 1,
      task: async () => {
        most = Math.max(most, ++running);
        await sleep(10);
        running--;
        if (++runs === 3) third.resolve(undefined);
      },
    });
    await third.promise;
    await repetition.stop();
    assert.equal(most, 1);
  });

  it('waits for the running task when it is stopped, and starts no other', async () => {
    const started = Promise.withResolvers<undefined>();
    const finish = Promise.withResolvers<undefined>();
    const seen: string[] = [];
    const repetition = repeat({
      intervalMs: 1,
      task: async () => {
        seen.push('started');
        started.resolve(undefined);
        await finish.promise;
        seen.push('ended');
      },
    });
    await started.promise;
    const stopped = repetition.stop().then(() => seen.push('stopped'));
    await sleep(10);
    assert.deepEqual(seen, ['started']);
    finish.resolve(undefined);
    await stopped;
    await sleep(10);
    assert.deepEqual(seen, ['started', 'ended', 'stopped']);
  });

  it('runs not at all when it is stopped before its first run, twice or once', async () => {
    let runs = 0;
    const repetition = repeat({
      intervalMs: 1,
      task: () => {
        runs++;
      },
    });
    await Promise.all([repetition.stop(), repetition.stop()]);
    await sleep(10);
    assert.equal(runs, 0);
  });
});
