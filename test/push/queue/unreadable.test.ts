import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Failing, openFailing, wait } from './failing.ts';
import { createBatch, range, readTimes } from './queues.ts';

describe('a batch that cannot be read', () => {
  it('just now waits until it can be, however often that fails', async () => {
    const opened = await openFailing();
    for (const timeMs of [1, 2]) await opened.queue.append(createBatch(timeMs));
    opened.fail = (call) => (call === 'read' ? 'EMFILE' : undefined);
    for (let attempts = 0; attempts < 20; attempts++) {
      assert.equal(await opened.queue.read(0), undefined);
      wait(opened);
    }
    assert.match(
      opened.faults[0]?.message ?? '',
      /^\/queue\/0000000000000001.seg: a batch cannot be read: .*EMFILE.*; it is tried again$/,
    );
    opened.fail = () => undefined;
    assert.deepEqual(await readTimes(opened.queue), [1, 2]);
    assert.deepEqual(opened.drops, []);
    await opened.queue.close();
  });

  it('since the disk is broken there is dropped after five attempts that are further and further apart', async () => {
    const opened = await openFailing();
    for (const timeMs of [1, 2]) await opened.queue.append(createBatch(timeMs));
    opened.fail = (call) => (call === 'read' ? 'EIO' : undefined);
    for (let attempts = 0; attempts < 4; attempts++) {
      for (let again = 0; again < 10; again++) assert.equal(await opened.queue.read(0), undefined);
      wait(opened);
    }
    assert.deepEqual([opened.faults.length, opened.drops], [4, []]);
    assert.equal(await opened.queue.read(0), undefined);
    assert.deepEqual(opened.drops, [{ reason: 'corrupt', batches: 1, points: 1, bytes: 100, fromMs: 1, toMs: 1 }]);
    opened.fail = () => undefined;
    wait(opened);
    assert.deepEqual(await readTimes(opened.queue), [2]);
    await opened.queue.close();
  });

  it('since that is not allowed holds up what is behind it for a while only, and comes first when it can be read', async () => {
    const opened = await openSegments();
    opened.fail = (call, path) => (call === 'read' && path === fileOf(1) ? 'EACCES' : undefined);
    for (let attempts = 0; attempts < 4; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), []);
      wait(opened);
    }
    assert.deepEqual(await readTimes(opened.queue), [2, 3]);
    assert.match(
      opened.faults.at(-1)?.message ?? '',
      /EACCES.*; what comes after it is sent first, and it is tried again$/,
    );
    // It is tried again, and nothing is said of that.
    const count = opened.faults.length;
    for (let attempts = 0; attempts < 20; attempts++) {
      wait(opened);
      assert.deepEqual(await readTimes(opened.queue), [2, 3]);
    }
    assert.equal(opened.faults.length, count);
    opened.fail = () => undefined;
    wait(opened);
    assert.deepEqual(await readTimes(opened.queue), [1, 2, 3]);
    assert.deepEqual([opened.drops, opened.queue.stats().batches], [[], 3]);
    await opened.queue.close();
  });

  it('on a disk of which nothing can be read holds up what is in memory no longer than one place does', async () => {
    const opened = await openSegments();
    let isBroken = true;
    opened.fail = (call) => (isBroken && ['open', 'read', 'write', 'create'].includes(call) ? 'EROFS' : undefined);
    await opened.queue.append(createBatch(4));
    for (let attempts = 0; attempts < 4; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), []);
      wait(opened);
    }
    assert.deepEqual(await readTimes(opened.queue), [4]);
    isBroken = false;
    wait(opened);
    assert.deepEqual(await readTimes(opened.queue), [1, 2, 3, 4]);
    await opened.queue.close();
  });

  it('in one of several places does not keep the others from being tried', async () => {
    const opened = await openSegments();
    const broken = new Set([fileOf(1), fileOf(2)]);
    opened.fail = (call, path) => (call === 'read' && broken.has(path) ? 'EACCES' : undefined);
    for (let attempts = 0; attempts < 5; attempts++) {
      await readTimes(opened.queue);
      wait(opened);
    }
    assert.deepEqual(await readTimes(opened.queue), [3]);
    broken.delete(fileOf(2));
    wait(opened);
    assert.deepEqual(await readTimes(opened.queue), [2, 3]);
    await opened.queue.close();
  });

  it('since the whole disk fails is given up one after the other, and not of each file one', async () => {
    const opened = await openSegments();
    opened.fail = (call) => (call === 'read' ? 'EIO' : undefined);
    for (let attempts = 0; attempts < 9; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), []);
      wait(opened);
    }
    assert.deepEqual(
      opened.drops.map(({ fromMs, batches }) => [fromMs, batches]),
      [
        [1, 1],
        [2, 1],
      ],
    );
    opened.fail = () => undefined;
    assert.deepEqual(await readTimes(opened.queue), [3]);
    await opened.queue.close();
  });
});

/** With the batches 1 to 3, each in a file of its own. */
async function openSegments(): Promise<Failing> {
  const opened = await openFailing({}, { segmentBytes: 100 });
  for (const timeMs of range(1, 4)) await opened.queue.append(createBatch(timeMs));
  return opened;
}

function fileOf(number: number): string {
  return `/queue/000000000000000${number}.seg`;
}
