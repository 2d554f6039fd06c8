import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QueueOptions } from '../../../src/push/queue/queue.ts';
import { type Failing, openFailing, wait } from './failing.ts';
import { createBatch, drain, range, readAll, readTimes } from './queues.ts';
import type { Call } from './simulated-file-system.ts';

// What came to memory while the disk failed is brought to it when it works again.

const writing: readonly Call[] = ['create', 'write', 'truncate', 'remove'];
const isFull: Failing['fail'] = (call) => (writing.includes(call) ? 'ENOSPC' : undefined);

/** Batch 1 is on the disk, 2 to 4 are in memory, in a segment each. */
async function openHalf(options: Partial<QueueOptions> = {}, parts: Parameters<typeof openFailing>[1] = {}) {
  const opened = await openFailing(options, { segmentBytes: 100, ...parts });
  await opened.queue.append(createBatch(1));
  opened.fail = isFull;
  for (const timeMs of [2, 3, 4]) assert.deepEqual(await opened.queue.append(createBatch(timeMs)), { onDisk: false });
  assert.equal(opened.queue.stats().batchesInMemory, 3);
  return opened;
}

describe('what is in memory only', () => {
  for (const fsync of ['every_batch', 'every_second', 'never'] as const)
    it(`is on the disk with what is appended next, under its numbers (${fsync})`, async () => {
      let persisted = 0;
      const opened = await openHalf({ fsync, onPersisted: () => persisted++ });
      const before = await readAll(opened.queue);
      opened.fail = () => undefined;
      wait(opened);
      assert.equal(persisted, 0);
      assert.deepEqual(await opened.queue.append(createBatch(5)), { onDisk: true });
      assert.equal(persisted, 3);
      const { batches, points, batchesInMemory } = opened.queue.stats();
      assert.deepEqual([batches, points, batchesInMemory], [5, 5, 0]);
      const after = await readAll(opened.queue);
      assert.deepEqual(
        after.map(({ number }) => number),
        [...before.map(({ number }) => number), opened.queue.end - 1],
      );
      // As after SIGKILL.
      const { queue } = await opened.reopen();
      assert.deepEqual(await drain(queue), [1, 2, 3, 4, 5]);
      await queue.close();
    });

  it('is on the disk at the end, though it was to be left alone for longer', async () => {
    const opened = await openHalf();
    opened.fail = () => undefined;
    await opened.queue.close();
    assert.deepEqual(opened.drops, []);
    const { queue } = await opened.reopen();
    assert.deepEqual(await readTimes(queue), [1, 2, 3, 4]);
    await queue.close();
  });

  it('is dropped at the end where the disk fails as before', async () => {
    const opened = await openHalf();
    await opened.queue.close();
    assert.deepEqual(opened.drops, [{ reason: 'shutdown', batches: 3, points: 3, bytes: 300, fromMs: 2, toMs: 4 }]);
    const { queue } = await opened.reopen();
    assert.deepEqual(await readTimes(queue), [1]);
    await queue.close();
  });

  it('stays there, in its order, when the disk fails in the midst of it, and leaves nothing there', async () => {
    for (const code of ['ENOSPC', 'EIO'])
      for (const call of ['create', 'write', 'sync', 'syncDirectory'] as const) {
        const opened = await openHalf();
        let calls = 0;
        opened.fail = (called) => (called === call && ++calls === 2 ? code : undefined);
        wait(opened);
        assert.deepEqual(await opened.queue.append(createBatch(5)), { onDisk: false });
        assert.equal(opened.queue.stats().batchesInMemory, 3);
        assert.deepEqual(await readTimes(opened.queue), [1, 2, 3, 4, 5]);
        assert.deepEqual(
          [...opened.disk.names.values()].map(({ data }) => data.length),
          [148, 148],
        );
        wait(opened);
        assert.deepEqual(await opened.queue.append(createBatch(6)), { onDisk: true });
        const { queue } = await opened.reopen();
        assert.deepEqual(await readTimes(queue), [1, 2, 3, 4, 5, 6]);
        await queue.close();
      }
  });

  it('and was delivered is not written; what is delivered meanwhile does not come again', async () => {
    const held = Promise.withResolvers<undefined>();
    const reached = Promise.withResolvers<undefined>();
    let holds = false;
    const opened = await openFailing(
      {},
      {
        before: (call) => {
          if (!holds || call !== 'sync') return undefined;
          reached.resolve(undefined);
          return held.promise;
        },
      },
    );
    opened.fail = isFull;
    for (const timeMs of range(1, 6)) await opened.queue.append(createBatch(timeMs));
    const numbers = (await readAll(opened.queue)).map(({ number }) => number);
    const [, second = 0, , fourth = 0] = numbers;
    assert.equal(await opened.queue.remove(second), true);
    opened.fail = () => undefined;
    wait(opened);
    holds = true;
    const appended = opened.queue.append(createBatch(6));
    await reached.promise;
    const removed = opened.queue.remove(fourth);
    held.resolve(undefined);
    assert.deepEqual(await Promise.all([appended, removed]), [{ onDisk: true }, true]);
    assert.deepEqual(await readTimes(opened.queue), [1, 3, 5, 6]);
    assert.deepEqual([opened.queue.has(second), opened.queue.has(fourth)], [false, false]);
    assert.deepEqual(opened.drops, []);
    const { queue } = await opened.reopen();
    assert.deepEqual(await readTimes(queue), [1, 3, 5, 6]);
    await queue.close();
  });

  it('never has the folder become larger than it may', async () => {
    const bytesMax = 3000;
    const opened = await openFailing({ bytesMax }, { segmentBytes: 300 });
    for (const timeMs of range(0, 200)) {
      if (timeMs % 20 === 7) opened.fail = isFull;
      if (timeMs % 20 === 15) opened.fail = () => undefined;
      if (timeMs % 20 === 15) wait(opened);
      await opened.queue.append(createBatch(timeMs));
      const onDisk = [...opened.disk.names.values()].reduce((sum, { data }) => sum + data.length, 0);
      assert.ok(onDisk <= bytesMax && opened.queue.stats().bytes <= bytesMax, `${onDisk} bytes`);
    }
    const times = await drain(opened.queue);
    const dropped = opened.drops.reduce((sum, { batches }) => sum + batches, 0);
    assert.deepEqual(times, range(dropped, 200));
    await opened.queue.close();
  });
});
