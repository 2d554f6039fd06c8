import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { deadlineIn, within } from '../../src/std/deadline.ts';

const never = new Promise<never>(() => {});

describe('a deadline', () => {
  it('has at most its whole time left, and less later', async () => {
    const deadline = deadlineIn(10_000);
    const before = deadline.remainingMs();
    assert.ok(before > 0 && before <= 10_000);
    await sleep(5);
    assert.ok(deadline.remainingMs() < before);
  });

  it('has nothing left once it has passed, and never less than nothing', () => {
    assert.equal(deadlineIn(0).remainingMs(), 0);
    assert.equal(deadlineIn(-1000).remainingMs(), 0);
  });
});

describe('within', () => {
  it('hands over what the work gives in time', async () => {
    assert.deepEqual(await within(deadlineIn(60_000), Promise.resolve('value')), { done: true, value: 'value' });
  });

  it('takes what is done already, even when no time is left', async () => {
    assert.deepEqual(await within(deadlineIn(0), Promise.resolve(1)), { done: true, value: 1 });
  });

  it('says so when time runs out first', async () => {
    assert.deepEqual(await within(deadlineIn(5), never), { done: false });
  });

  it('throws what the work throws in time', async () => {
    await assert.rejects(within(deadlineIn(60_000), Promise.reject(new Error('broken'))), { message: 'broken' });
  });

  it('drops an error that comes late', async (t) => {
    const unhandled = t.mock.fn();
    process.on('unhandledRejection', unhandled);
    const { promise, reject } = Promise.withResolvers<never>();
    assert.deepEqual(await within(deadlineIn(1), promise), { done: false });
    reject(new Error('late'));
    await sleep(5);
    process.off('unhandledRejection', unhandled);
    assert.equal(unhandled.mock.callCount(), 0);
  });

  it('leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    await within(deadlineIn(60_000), Promise.resolve());
    await assert.rejects(within(deadlineIn(60_000), Promise.reject(new Error('broken'))));
    assert.equal(timers(), before);
  });
});
