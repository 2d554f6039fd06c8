import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openFailing } from './failing.ts';
import { createBatch, drain, range, readTimes } from './queues.ts';

describe('on a disk that is full', () => {
  it('what is done makes room, also in the file that is written to, and nothing is said of it', async () => {
    const { queue, faults, disk } = await openFailing({}, { bytesMax: () => 1000 });
    const numbers: number[] = [];
    for (const timeMs of range(0, 50)) {
      numbers.push(queue.end);
      assert.deepEqual(await queue.append(createBatch(timeMs)), { onDisk: true });
      assert.deepEqual(await drain(queue), [timeMs]);
    }
    assert.deepEqual(numbers, range(queue.end - 50, queue.end));
    assert.deepEqual(faults, []);
    // Seven have room in a file.
    assert.deepEqual([...disk.names.keys()], ['/queue/0000000000000008.seg']);
    await queue.close();
  });

  it('what waits does not, and it is not tried twice for nothing', async () => {
    let writes = 0;
    const fail = (call: string): undefined => {
      if (call === 'write') writes++;
    };
    const { queue, faults, drops } = await openFailing({}, { bytesMax: () => 1000, fail });
    for (const timeMs of range(0, 10)) await queue.append(createBatch(timeMs));
    assert.equal(writes, 8);
    assert.equal(queue.stats().batchesInMemory, 3);
    assert.deepEqual(
      faults.map(({ code }) => code),
      ['not_persisted'],
    );
    assert.deepEqual(await drain(queue), range(0, 10));
    assert.deepEqual(drops, []);
    await queue.close();
  });

  it('and is so whatever is removed, it is tried twice, and not again and again', async () => {
    let writes = 0;
    const { queue, faults } = await openFailing(
      {},
      { fail: (call) => (call === 'write' && ++writes > 2 ? 'EDQUOT' : undefined) },
    );
    await queue.append(createBatch(1));
    assert.deepEqual(await drain(queue), [1]);
    assert.deepEqual(await queue.append(createBatch(2)), { onDisk: false });
    assert.equal(writes, 4);
    assert.equal(faults.length, 1);
    assert.deepEqual(await readTimes(queue), [2]);
    await queue.close();
  });
});
