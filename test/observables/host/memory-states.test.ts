import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostGroups } from '../../../src/observables/host/host.ts';
import { writeMemory, type Memory } from '../../../src/observables/host/memory-states.ts';
import { sampleOf } from './sample.ts';

const shown = async (memory: Memory) =>
  (await sampleOf({ ...hostGroups.memory, sample: (into) => writeMemory(into, memory) })).values;

const memory: Memory = { limit: 1000, free: 300, cached: 250, buffers: 50 };

describe('memory states', () => {
  it('add up to the limit, used being what is in no other state', async () => {
    const values = await shown(memory);
    assert.deepEqual(values['system.memory.usage'], { used: 400, free: 300, cached: 250, buffers: 50 });
    assert.deepEqual(values['system.memory.utilization'], { used: 0.4, free: 0.3, cached: 0.25, buffers: 0.05 });
    assert.deepEqual(values['system.memory.limit'], { '': 1000 });
  });

  it('are only used and free where the platform has no others', async () => {
    const values = await shown({ limit: 1000, free: 300 });
    assert.deepEqual(values['system.memory.usage'], { used: 700, free: 300 });
  });

  it('leave used out when free is not known, and when it comes out negative', async () => {
    assert.deepEqual((await shown({ ...memory, free: undefined }))['system.memory.usage'], {
      cached: 250,
      buffers: 50,
    });
    assert.deepEqual((await shown({ ...memory, cached: 900 }))['system.memory.usage'], {
      free: 300,
      cached: 900,
      buffers: 50,
    });
  });

  it('have no shares without a limit', async () => {
    assert.equal((await shown({ ...memory, limit: undefined }))['system.memory.utilization'], undefined);
    assert.equal((await shown({ limit: 0, free: 0 }))['system.memory.utilization'], undefined);
  });

  it('show what else is known, and nothing else', async () => {
    const values = await shown({ ...memory, available: 500, shared: 20, slabReclaimable: 30, slabUnreclaimable: 0 });
    assert.deepEqual(values['system.memory.linux.available'], { '': 500 });
    assert.deepEqual(values['system.memory.linux.shared'], { '': 20 });
    assert.deepEqual(values['system.memory.linux.slab.usage'], { reclaimable: 30, unreclaimable: 0 });
    assert.deepEqual(Object.keys(await shown(memory)), [
      'system.memory.usage',
      'system.memory.limit',
      'system.memory.utilization',
    ]);
  });

  it('show swap by state, and without swap a 0 of which there are no shares', async () => {
    const swap = await shown({ ...memory, swapLimit: 200, swapFree: 150 });
    assert.deepEqual(swap['system.paging.usage'], { used: 50, free: 150 });
    assert.deepEqual(swap['system.paging.utilization'], { used: 0.25, free: 0.75 });
    const none = await shown({ ...memory, swapLimit: 0, swapFree: 0 });
    assert.deepEqual(none['system.paging.usage'], { used: 0, free: 0 });
    assert.equal(none['system.paging.utilization'], undefined);
  });
});
