import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QueueOptions } from '../../../src/push/queue/queue.ts';
import { until } from '../../support/until.ts';
import { createBatch, open, type Opened, range } from './queues.ts';
import { type Call, createSimulatedFileSystem } from './simulated-file-system.ts';
import { createDisk } from './simulated-disk.ts';

// What an append waits for, seen in the calls of the file system.

const QUIET = new Set<Call>(['makeDirectory', 'list', 'size', 'isLinked', 'close']);

async function openWatched(fsync: QueueOptions['fsync']): Promise<Opened & { calls: Call[] }> {
  const calls: Call[] = [];
  const fileSystem = createSimulatedFileSystem(createDisk(), {
    fail: (call) => {
      if (!QUIET.has(call)) calls.push(call);
      return undefined;
    },
  });
  return { ...(await open({ directory: '/queue', fsync }, { fileSystem })), calls };
}

describe('with a sync of every batch', () => {
  it('a new file and its folder are synced before the first batch in it counts, then the file alone', async () => {
    const { queue, calls } = await openWatched('every_batch');
    await queue.append(createBatch(1));
    assert.deepEqual(calls.splice(0), ['create', 'write', 'sync', 'syncDirectory']);
    await queue.append(createBatch(2));
    assert.deepEqual(calls.splice(0), ['write', 'sync']);
    await queue.close();
    assert.deepEqual(calls, []);
  });

  it('batches that come while another is on its way share one', async () => {
    const { queue, calls } = await openWatched('every_batch');
    await Promise.all(range(0, 100).map((timeMs) => queue.append(createBatch(timeMs))));
    assert.deepEqual(calls, ['create', 'write', 'sync', 'syncDirectory']);
    const first = queue.append(createBatch(100));
    await until('it is being written', () => calls.length > 4);
    await Promise.all([first, ...range(101, 200).map((timeMs) => queue.append(createBatch(timeMs)))]);
    assert.deepEqual(calls.splice(4), ['write', 'sync', 'write', 'sync']);
    await queue.close();
  });
});

describe('with a sync each second', () => {
  it('no batch waits for it, and it comes', async () => {
    const { queue, calls } = await openWatched('every_second');
    for (const timeMs of [1, 2]) await queue.append(createBatch(timeMs));
    assert.deepEqual(calls.splice(0), ['create', 'write', 'write']);
    await until('they are synced', () => calls.includes('syncDirectory'));
    assert.deepEqual(calls.splice(0), ['sync', 'syncDirectory']);
    await queue.append(createBatch(3));
    await queue.close();
    assert.deepEqual(calls, ['write', 'sync']);
  });
});

describe('without a sync', () => {
  it('there is none, not even at the end', async () => {
    const { queue, calls } = await openWatched('never');
    for (const timeMs of [1, 2]) await queue.append(createBatch(timeMs));
    await queue.close();
    assert.deepEqual(calls, ['create', 'write', 'write']);
  });
});
