import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCpuGroup } from '../../../../src/observables/host/systeminformation/cpu.ts';
import { sampleOf } from '../sample.ts';
import { answering } from './client.ts';

const cpu = (user: number, idle: number, interrupt = 0) => ({
  logicalCount: 2,
  timeMs: { user, nice: 0, system: 2000, idle, interrupt },
});

describe('systeminformation CPU', () => {
  it('shows the time in seconds, true zeros included, and no shares in the first sample', async () => {
    const { values } = await sampleOf(createCpuGroup(answering('cpu', cpu(1500, 7000)), 'linux'));
    assert.deepEqual(values, {
      'system.cpu.time': { user: 1.5, nice: 0, system: 2, idle: 7, interrupt: 0 },
      'system.cpu.logical.count': { '': 2 },
    });
  });

  it('shares out what was added since the sample before', async () => {
    const group = createCpuGroup(answering('cpu', cpu(1500, 7000), cpu(1750, 7750)), 'linux');
    await sampleOf(group);
    const { values } = await sampleOf(group);
    assert.deepEqual(values['system.cpu.utilization'], { user: 0.25, nice: 0, system: 0, idle: 0.75, interrupt: 0 });
  });

  for (const [platform, mode] of [
    ['darwin', 'interrupt'],
    ['win32', 'nice'],
  ] as const) {
    it(`has no ${mode} on ${platform}, which does not count it`, async () => {
      const { values } = await sampleOf(createCpuGroup(answering('cpu', cpu(1500, 7000)), platform));
      const { [mode]: left, ...others } = { user: 1.5, nice: 0, system: 2, idle: 7, interrupt: 0 };
      assert.equal(left, 0);
      assert.deepEqual(values['system.cpu.time'], others);
    });
  }

  it('fails when no CPU is visible', async () => {
    const client = answering('cpu', { ...cpu(0, 0), logicalCount: 0 });
    const group = createCpuGroup(client, 'linux');
    await assert.rejects(sampleOf(group), { reason: 'missing', message: 'systeminformation finds no CPU' });
  });
});
