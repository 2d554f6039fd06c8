import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCpuShares, type CpuTimes } from '../../../src/observables/host/cpu-shares.ts';
import { hostGroups } from '../../../src/observables/host/host.ts';
import { sampleOf } from './sample.ts';

/** What the last of some samples shows. */
async function after(...times: CpuTimes['seconds'][]) {
  const write = createCpuShares();
  let nth = 0;
  const group = {
    ...hostGroups.cpu,
    sample: (into: Parameters<typeof write>[0]) => write(into, { seconds: times[nth++] ?? {}, logicalCount: 2 }),
  };
  while (nth < times.length - 1) await sampleOf(group);
  const { values } = await sampleOf(group);
  return { time: values['system.cpu.time'], utilization: values['system.cpu.utilization'], values };
}

describe('CPU shares', () => {
  it('shows the time, a true 0 included, and no shares in the first sample', async () => {
    const { time, utilization, values } = await after({ user: 1, idle: 0 });
    assert.deepEqual(time, { user: 1, idle: 0 });
    assert.equal(utilization, undefined);
    assert.deepEqual(values['system.cpu.logical.count'], { '': 2 });
  });

  const shares: Record<
    string,
    [before: CpuTimes['seconds'], now: CpuTimes['seconds'], utilization: object | undefined]
  > = {
    'are of what all modes grew by': [
      { user: 100, system: 10, idle: 1000, steal: 1 },
      { user: 101, system: 12, idle: 1005, steal: 1 },
      { user: 0.125, system: 0.25, idle: 0.625, steal: 0 },
    ],
    'are absent when nothing grew': [{ user: 1, idle: 2 }, { user: 1, idle: 2 }, undefined],
    'are absent when a mode is new, for its growth is not known': [{ user: 1 }, { user: 2, idle: 5 }, undefined],
    'are of the modes that are left': [{ user: 1, idle: 5 }, { user: 2 }, { user: 1 }],
  };
  for (const [behaviour, [before, now, utilization]] of Object.entries(shares)) {
    it(behaviour, async () => assert.deepEqual((await after(before, now)).utilization, utilization));
  }

  it('hold a mode that jumps back a little, which then has no share', async () => {
    const { time, utilization } = await after({ user: 1, idle: 100 }, { user: 2, idle: 97 });
    assert.deepEqual(time, { user: 2, idle: 100 });
    assert.deepEqual(utilization, { user: 1, idle: 0 });
  });

  it('count a mode on from where it is held', async () => {
    const { time, utilization } = await after({ user: 1, idle: 100 }, { user: 2, idle: 99 }, { user: 3, idle: 101 });
    assert.deepEqual(time, { user: 3, idle: 101 });
    assert.deepEqual(utilization, { user: 0.5, idle: 0.5 });
  });

  it('take all modes as they are when one falls by more than three seconds, a restart, and have no shares', async () => {
    const { time, utilization } = await after({ user: 5, idle: 100 }, { user: 3, idle: 96.9 });
    assert.deepEqual(time, { user: 3, idle: 96.9 });
    assert.equal(utilization, undefined);
  });

  it('go on after a restart', async () => {
    const { time, utilization } = await after({ user: 5, idle: 100 }, { user: 0, idle: 0 }, { user: 1, idle: 3 });
    assert.deepEqual(time, { user: 1, idle: 3 });
    assert.deepEqual(utilization, { user: 0.25, idle: 0.75 });
  });

  it('leave out what is no number, once', async () => {
    assert.deepEqual((await after({ user: NaN, idle: 1 })).time, { idle: 1 });
    assert.deepEqual((await after({ user: 1, idle: 1 }, { user: NaN, idle: 2 }, { user: 2, idle: 3 })).time, {
      user: 2,
      idle: 3,
    });
  });
});
