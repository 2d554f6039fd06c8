import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { createWakeUps } from '../../src/observables/wake-ups.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;

describe('wake-ups', () => {
  it('come when it is time, in whatever order they were asked for', async () => {
    const wakeUps = createWakeUps();
    const done: string[] = [];
    const startMs = performance.now();
    const add = (name: string, inMs: number) =>
      wakeUps.at(startMs + inMs, () => {
        done.push(name);
        assert.ok(performance.now() - startMs >= inMs - 10, `${name} is too early`);
      });
    const cancel = add('never', HOUR_MS);
    add('third', 90);
    add('first', 0);
    add('second', 45);
    await until('all are done', () => done.length === 3);
    cancel();
  });

  it('are one for what is due at about the same time', async () => {
    const wakeUps = createWakeUps();
    const turns: string[] = [];
    let turn = 0;
    const startMs = performance.now();
    for (const inMs of [20, 21, 24]) wakeUps.at(startMs + inMs, () => turns.push(`turn ${turn}`));
    setImmediate(function count() {
      turn++;
      if (turns.length < 3) setImmediate(count);
    });
    await until('all are done', () => turns.length === 3);
    assert.equal(new Set(turns).size, 1);
  });

  it('may be asked for in one', async () => {
    const wakeUps = createWakeUps();
    let times = 0;
    const again = (): void => {
      if (++times < 3) wakeUps.at(performance.now(), again);
    };
    wakeUps.at(performance.now(), again);
    await until('it was done three times', () => times === 3);
  });

  it('do not come when they are cancelled, and leave no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const before = timers();
    const wakeUps = createWakeUps();
    const done: string[] = [];
    const cancelFirst = wakeUps.at(performance.now() + 5, () => done.push('first'));
    wakeUps.at(performance.now() + 30, () => done.push('second'));
    cancelFirst();
    cancelFirst();
    await until('the other one is done', () => done.length > 0);
    assert.deepEqual(done, ['second']);
    const cancelLast = wakeUps.at(performance.now() + HOUR_MS, () => done.push('last'));
    assert.equal(timers(), before + 1);
    cancelLast();
    await sleep(1);
    assert.equal(timers(), before);
    wakeUps.at(performance.now(), () => done.push('after'));
    await until('it works on', () => done.includes('after'));
  });
});
