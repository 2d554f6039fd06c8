import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryGroup } from '../../../../src/observables/host/systeminformation/memory.ts';
import { sampleOf } from '../sample.ts';
import { answering } from './client.ts';

const memory = {
  ...{ total: 1000, free: 300, cached: 200, buffers: 50, slab: 64, reclaimable: 40, available: 500 },
  ...{ swaptotal: 64, swapused: 0, swapfree: 64, writeback: 0 },
};

const on = (platform: NodeJS.Platform, changed: Partial<typeof memory> | { writeback: null } = {}) =>
  sampleOf(createMemoryGroup(answering('memory', { ...memory, ...changed }), platform));

describe('systeminformation memory', () => {
  it('shows on Linux what the kernel tells, with the page cache apart from what is used', async () => {
    assert.deepEqual((await on('linux')).values, {
      'system.memory.usage': { used: 450, free: 300, cached: 200, buffers: 50 },
      'system.memory.utilization': { used: 0.45, free: 0.3, cached: 0.2, buffers: 0.05 },
      'system.memory.limit': { '': 1000 },
      'system.memory.linux.available': { '': 500 },
      'system.memory.linux.slab.usage': { reclaimable: 40, unreclaimable: 24 },
      'system.paging.usage': { used: 0, free: 64 },
      'system.paging.utilization': { used: 0, free: 1 },
    });
  });

  it('shows elsewhere only used and free, and no zeros for what is not known', async () => {
    const { values } = await on('darwin', { cached: 0, buffers: 0, slab: 0, reclaimable: 0 });
    assert.deepEqual(values, {
      'system.memory.usage': { used: 700, free: 300 },
      'system.memory.utilization': { used: 0.7, free: 0.3 },
      'system.memory.limit': { '': 1000 },
      'system.paging.usage': { used: 0, free: 64 },
      'system.paging.utilization': { used: 0, free: 1 },
    });
  });

  it('shows no swap where systeminformation does not look for any', async () => {
    const { values } = await on('freebsd', { swaptotal: 0, swapfree: 0 });
    assert.equal(values['system.paging.usage'], undefined);
  });

  it('shows swap of 0 bytes, and no shares of it, on a host without', async () => {
    const { values } = await on('linux', { swaptotal: 0, swapfree: 0 });
    assert.deepEqual(values['system.paging.usage'], { used: 0, free: 0 });
    assert.equal(values['system.paging.utilization'], undefined);
  });

  it('does not show as available what systeminformation makes up on kernels that do not tell', async () => {
    const { values } = await on('linux', { available: 300 + 200 + 50 + 64 });
    assert.equal(values['system.memory.linux.available'], undefined);
  });

  it('fails when /proc/meminfo could not be read, whatever systeminformation says in place of it', async () => {
    await assert.rejects(on('linux', { writeback: null }), {
      reason: 'unreadable',
      message: 'systeminformation could not read /proc/meminfo',
    });
  });
});
