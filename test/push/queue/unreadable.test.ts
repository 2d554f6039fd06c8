import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Failing, openFailing, wait } from './failing.ts';
import { createBatch, drain, range, readTimes } from './queues.ts';

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

describe('a file that cannot be read at the start', () => {
  for (const [call, code] of [
    ['open', 'EMFILE'],
    ['size', 'ESTALE'],
    ['read', 'EIO'],
  ] as const)
    it(`once (${call}: ${code}) is read all the same, and first`, async () => {
      // Two batches have room in a file.
      const before = await openFailing({}, { segmentBytes: 300 });
      for (const timeMs of range(1, 7)) await before.queue.append(createBatch(timeMs));
      await before.queue.close();
      let failed = 0;
      const { queue, drops, faults } = await before.reopen((called) =>
        called === call && failed++ === 0 ? code : undefined,
      );
      assert.equal(queue.stats().batches, 5);
      await queue.append(createBatch(7));
      assert.deepEqual(await readTimes(queue), range(1, 8));
      assert.deepEqual(await drain(queue), range(1, 8));
      assert.deepEqual([drops, faults.length], [[], 1]);
      await queue.close();
    });

  it('for longer holds up what is behind it for a while, counts as one batch of its size, and is given up for no error', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await before.reopen((call, path) => (call === 'read' && path === fileOf(2) ? 'EIO' : undefined));
    assert.match(opened.faults[0]?.message ?? '', /^\/queue\/0000000000000002\.seg cannot be read yet: .*EIO/);
    const { bytes, batches, points } = opened.queue.stats();
    assert.deepEqual([bytes, batches, points], [3 * 148, 3, 2]);
    for (let attempts = 0; attempts < 4; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), [1]);
      wait(opened);
    }
    for (let attempts = 0; attempts < 20; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), [1, 3]);
      wait(opened);
    }
    opened.fail = () => undefined;
    assert.deepEqual(await readTimes(opened.queue), [1, 2, 3]);
    assert.deepEqual(opened.drops, []);
    await opened.queue.close();
  });

  it('and not until the end is there at the next start', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await before.reopen((call) => (call === 'open' ? 'EMFILE' : undefined));
    assert.deepEqual(await readTimes(opened.queue), []);
    assert.equal(await opened.queue.close(), 3);
    const { queue } = await opened.reopen();
    assert.deepEqual(await readTimes(queue), [1, 2, 3]);
    await queue.close();
  });

  it('goes with the oldest when the queue is full, and is reported', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await openFailing(
      { bytesMax: 4 * 148 },
      { disk: before.disk, fail: (call) => (call === 'read' ? 'EIO' : undefined) },
    );
    for (const timeMs of [4, 5]) await opened.queue.append(createBatch(timeMs));
    const { nowMs } = opened.clock;
    assert.deepEqual(opened.drops, [
      { reason: 'queue_full', batches: 1, points: 0, bytes: 148, fromMs: nowMs, toMs: nowMs },
    ]);
    opened.fail = () => undefined;
    assert.deepEqual(await readTimes(opened.queue), [2, 3, 4, 5]);
    await opened.queue.close();
  });

  it('is expired when it is known that all of it is', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await openFailing(
      { maxAgeMs: 1e6 },
      { disk: before.disk, fail: (call) => (call === 'open' ? 'EACCES' : undefined) },
    );
    opened.clock.nowMs += 1e6;
    await opened.queue.append(createBatch(opened.clock.nowMs));
    assert.deepEqual(opened.drops, []);
    opened.clock.nowMs += 1;
    assert.deepEqual(await readTimes(opened.queue), [opened.clock.nowMs - 1]);
    assert.deepEqual(
      opened.drops.map(({ reason, batches }) => [reason, batches]),
      [['expired', 3]],
    );
    await opened.queue.close();
    assert.equal(opened.disk.names.size, 1);
  });

  it('keeps nothing behind it from being too old, or from being known as the oldest', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await openFailing(
      { maxAgeMs: 1e6 },
      { disk: before.disk, fail: (call) => (call === 'open' ? 'EACCES' : undefined) },
    );
    const foundMs = opened.clock.nowMs;
    await opened.queue.append(createBatch(foundMs - 1e6));
    assert.equal(opened.queue.stats().oldestMs, foundMs - 1e6);
    opened.clock.nowMs += 1;
    await opened.queue.append(createBatch(foundMs));
    assert.deepEqual(
      opened.drops.map(({ reason, toMs }) => [reason, toMs]),
      [['expired', foundMs - 1e6]],
    );
    await opened.queue.close();
  });

  it('has its damage reported once, however often it could not be read to its end', async () => {
    const before = await openFailing({}, { segmentBytes: 300 });
    for (const timeMs of [1, 2]) await before.queue.append(createBatch(timeMs));
    await before.queue.close();
    const [file] = before.disk.names.values();
    assert.ok(file);
    // So long that it is read in several parts.
    file.data = Uint8Array.from([...file.data.subarray(0, 148), ...new Uint8Array(100_000).fill(1)]);
    let reads = 0;
    const opened = await before.reopen((call) => (call === 'read' && ++reads % 2 === 0 ? 'EIO' : undefined));
    for (let attempts = 0; attempts < 3; attempts++) {
      assert.deepEqual(await readTimes(opened.queue), []);
      wait(opened);
    }
    assert.deepEqual(opened.drops, []);
    opened.fail = () => undefined;
    assert.deepEqual(await readTimes(opened.queue), [1]);
    assert.deepEqual(opened.drops, [{ reason: 'corrupt', batches: 1, points: 0, bytes: 100_000, fromMs: 0, toMs: 0 }]);
    await opened.queue.close();
  });

  it('and then is none of the queue stays as it is', async () => {
    const before = await openSegments();
    await before.queue.close();
    const file = before.disk.names.get(fileOf(2));
    assert.ok(file);
    const text = Buffer.from('text that is no segment at all');
    file.data = text;
    let failed = 0;
    const { queue, faults, disk } = await before.reopen((call, path) =>
      call === 'open' && path === fileOf(2) && failed++ === 0 ? 'EMFILE' : undefined,
    );
    assert.deepEqual(await drain(queue), [1, 3]);
    assert.deepEqual(
      faults.map(({ code }) => code),
      ['damaged', 'foreign_file'],
    );
    await queue.append(createBatch(4));
    assert.deepEqual(await drain(queue), [4]);
    await queue.close();
    assert.deepEqual([...disk.names], [[fileOf(2), file]]);
    assert.equal(file.data, text);
  });

  it('and is removed by somebody is reported', async () => {
    const before = await openSegments();
    await before.queue.close();
    const opened = await before.reopen((call, path) => (call === 'open' && path === fileOf(1) ? 'EMFILE' : undefined));
    opened.fail = () => undefined;
    opened.disk.names.delete(fileOf(1));
    assert.deepEqual(await drain(opened.queue), [2, 3]);
    assert.deepEqual(
      opened.drops.map(({ reason, batches }) => [reason, batches]),
      [['corrupt', 1]],
    );
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
