import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryGroup } from '../../../../src/observables/host/procfs/memory.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

const KB = 1024;

describe('procfs memory', () => {
  it('shows /proc/meminfo in bytes, slabs being in used', async () => {
    const { values } = await sampleOf(createMemoryGroup({ root: SERVER }));
    assert.deepEqual(values, {
      'system.memory.limit': { '': 16_000_000 * KB },
      'system.memory.usage': {
        used: 6_000_000 * KB,
        free: 4_000_000 * KB,
        cached: 5_500_000 * KB,
        buffers: 500_000 * KB,
      },
      'system.memory.utilization': { used: 0.375, free: 0.25, cached: 0.34375, buffers: 0.03125 },
      'system.memory.linux.available': { '': 9_000_000 * KB },
      'system.memory.linux.shared': { '': 300_000 * KB },
      'system.memory.linux.slab.usage': { reclaimable: 400_000 * KB, unreclaimable: 200_000 * KB },
      'system.paging.usage': { used: 500_000 * KB, free: 1_500_000 * KB },
      'system.paging.utilization': { used: 0.25, free: 0.75 },
    });
  });

  it('leaves out what an old kernel does not have, and the shares of no swap', async () => {
    const { values } = await sampleOf(createMemoryGroup({ root: OLD_KERNEL }));
    assert.deepEqual(values, {
      'system.memory.limit': { '': 1_000_000 * KB },
      'system.memory.usage': { used: 300_000 * KB, free: 400_000 * KB, cached: 250_000 * KB, buffers: 50_000 * KB },
      'system.memory.utilization': { used: 0.3, free: 0.4, cached: 0.25, buffers: 0.05 },
      'system.paging.usage': { used: 0, free: 0 },
    });
  });

  const broken: Record<string, { text: string; usage: Record<string, number>; unknown: string }> = {
    'lines without their unit, or with no number': {
      text: 'MemFree: 5\nCached: 20 kB\nBuffers: -1 kB\nShmem: x kB\n',
      usage: { cached: 20 * KB },
      unknown: 'MemFree, Buffers, Shmem',
    },
    'lines that every kernel has and that are not there': {
      text: 'MemFree: 50 kB\nBuffers: 10 kB\n',
      usage: { free: 50 * KB, buffers: 10 * KB },
      unknown: 'Cached',
    },
  };
  for (const [what, { text, usage, unknown }] of Object.entries(broken)) {
    it(`leaves out and reports ${what}, and has no used memory then`, async (test) => {
      const tree = createTree({ test });
      tree.write('proc/meminfo', `MemTotal: 100 kB\n${text}`);
      const { values, reports } = await sampleOf(createMemoryGroup(tree));
      assert.deepEqual(values['system.memory.usage'], usage);
      assert.deepEqual(reports, [`malformed: ${tree.root}/proc/meminfo has no number of kB for ${unknown}`]);
    });
  }

  for (const [what, text] of Object.entries({ 'an empty file': '', 'a total that is no number': 'MemTotal: x kB\n' })) {
    it(`is malformed with ${what}`, async (test) => {
      const tree = createTree({ test });
      tree.write('proc/meminfo', text);
      const error = { reason: 'malformed', message: `${tree.root}/proc/meminfo has no MemTotal` };
      await assert.rejects(sampleOf(createMemoryGroup(tree)), error);
    });
  }
});
