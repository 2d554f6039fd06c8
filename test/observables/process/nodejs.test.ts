import assert from 'node:assert/strict';
import { stat } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNodejsGroup } from '../../../src/observables/process/nodejs.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { sampleOf } from '../host/sample.ts';

const block = (ms: number): void => {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
};

type Group = ReturnType<typeof createNodejsGroup>;

async function withGroup(use: (group: Group) => Promise<void>) {
  const group = createNodejsGroup();
  await group.start?.();
  try {
    await use(group);
  } finally {
    await group.close?.(deadlineIn(0));
  }
}

const delayOf = async (group: Group) => {
  const { values } = await sampleOf(group);
  return (which: string) => values[`nodejs.eventloop.delay.${which}`]?.[''];
};

/** Of the timer that is looked at: so much of a delay may be before it is due. */
const RESOLUTION_SECONDS = 0.5;

describe('event-loop delay', () => {
  it('is next to nothing when the loop is idle: the interval of the timer is no delay', async () => {
    await withGroup(async (group) => {
      await sleep(2600);
      const delay = await delayOf(group);
      for (const which of ['min', 'p50', 'mean']) assert.ok((delay(which) ?? NaN) < 0.1, `${which} ${delay(which)}`);
    });
  });

  for (const [where, run] of Object.entries({
    'a promise': (work: () => void) => Promise.resolve().then(work),
    'a callback of a file': (work: () => void) => stat('/', work),
  })) {
    it(`shows that ${where} blocked the loop for a second, in one sample only`, async () => {
      await withGroup(async (group) => {
        await sleep(1200);
        void run(() => block(1000));
        await sleep(2200);
        const blocked = await delayOf(group);
        assert.ok((blocked('max') ?? NaN) >= 0.99 - RESOLUTION_SECONDS, `max ${blocked('max')}`);
        assert.ok((blocked('min') ?? NaN) <= (blocked('p50') ?? NaN));
        for (const which of ['p50', 'p90', 'p99', 'mean', 'stddev']) {
          assert.ok((blocked(which) ?? NaN) <= (blocked('max') ?? NaN), which);
        }

        await sleep(1200);
        const later = await delayOf(group);
        assert.ok((later('max') ?? NaN) < (blocked('max') ?? NaN), `max ${later('max')}`);
      });
    });
  }

  it('is absent until the timer has fired, and in each sample from then on, also if that is sooner than it fires again', async () => {
    await withGroup(async (group) => {
      const delays = async () =>
        Object.entries((await sampleOf(group)).values).filter(([name]) => name.includes('delay'));
      assert.deepEqual(await delays(), []);
      await sleep(1200);
      const first = await delays();
      assert.equal(first.length, 7);
      assert.deepEqual(await delays(), first);
    });
  });
});

describe('event loop', () => {
  it('has the utilization since the sample before, and the time in each state (tolerance: a twentieth)', async () => {
    const group = createNodejsGroup();
    assert.equal((await sampleOf(group)).values['nodejs.eventloop.utilization'], undefined);
    const before = performance.eventLoopUtilization();
    const earlier = (await sampleOf(group)).values['nodejs.eventloop.time'] ?? {};
    block(200);
    await sleep(300);
    const expected = performance.eventLoopUtilization(before);
    const { values } = await sampleOf(group);

    const near = (value: number | undefined, wanted: number) =>
      assert.ok(Math.abs((value ?? NaN) - wanted) <= 0.05, `${value} is not near ${wanted}`);
    near(values['nodejs.eventloop.utilization']?.[''], expected.utilization);
    const time = values['nodejs.eventloop.time'];
    near((time?.active ?? NaN) - (earlier.active ?? NaN), expected.active / 1000);
    near((time?.idle ?? NaN) - (earlier.idle ?? NaN), expected.idle / 1000);
  });

  it('may be closed without a start, and twice', async () => {
    const group = createNodejsGroup();
    await group.close?.(deadlineIn(0));
    await group.start?.();
    await group.close?.(deadlineIn(0));
    await group.close?.(deadlineIn(0));
  });
});
