import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueueError } from '../../../src/push/queue/queue.ts';
import { assertSame, createBatch, drain, kinds, open, type Opened, range, readAll, readTimes } from './queues.ts';

// What every queue does, wherever it keeps its batches.

for (const [kind, makeDirectory] of Object.entries(kinds)) {
  describe(`a queue ${kind}`, () => {
    const isOnDisk = kind === 'on disk';

    it('gives batches as they came, in the order of the calls, though they overlap', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      const batches = range(1, 40).map((timeMs) => createBatch(timeMs, { bytes: timeMs * 10, points: timeMs }));
      const appended = await Promise.all(batches.map((batch) => queue.append(batch)));
      assert.ok(appended.every(({ onDisk }) => onDisk === isOnDisk));
      const entries = await readAll(queue);
      assert.equal(entries.length, batches.length);
      batches.forEach((batch, index) => assertSame(entries[index], batch));
      await queue.close();
    });

    it('takes an empty batch, and times and points of any size', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      const batch = { timeMs: 8.64e15, points: 2 ** 32 - 1, payload: new Uint8Array(0) };
      await queue.append(batch);
      assertSame(await queue.read(0), batch);
      await queue.close();
    });

    it('gives the first with a number from one on and below another', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) }, { segmentBytes: 300 });
      for (const timeMs of range(0, 4)) await queue.append(createBatch(timeMs));
      const border = queue.end;
      for (const timeMs of range(4, 8)) await queue.append(createBatch(timeMs));
      assert.deepEqual(await readTimes(queue, 0, border), [0, 1, 2, 3]);
      assert.deepEqual(await readTimes(queue, border), [4, 5, 6, 7]);
      assert.deepEqual(await readTimes(queue, border, border), []);
      assert.deepEqual(await readTimes(queue, queue.end), []);
      await queue.close();
    });

    it('gives a batch again and again until it is removed, which is once', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      for (const timeMs of [1, 2, 3]) await queue.append(createBatch(timeMs));
      const [first, second] = await readAll(queue);
      assert.ok(first && second);
      assert.equal((await queue.read(0))?.number, first.number);
      assert.equal(queue.has(second.number), true);
      assert.equal(await queue.remove(second.number), true);
      assert.equal(queue.has(second.number), false);
      assert.equal(await queue.remove(second.number), false);
      assert.deepEqual(await readTimes(queue), [1, 3]);
      await queue.close();
    });

    it('knows nothing of numbers that nobody has', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      await queue.append(createBatch(1));
      for (const number of [-1, 0, queue.end, queue.end + 7, 0.5]) {
        assert.equal(queue.has(number), false, String(number));
        assert.equal(await queue.remove(number), false, String(number));
      }
      await queue.close();
    });

    it('gives each batch a greater number than all before, though the queue was empty meanwhile', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) }, { segmentBytes: 200 });
      const numbers: number[] = [];
      for (const timeMs of range(0, 10)) {
        const { end } = queue;
        await queue.append(createBatch(timeMs));
        const entry = await queue.read(0);
        assert.ok(entry);
        assert.equal(entry.number, end);
        numbers.push(entry.number);
        await queue.remove(entry.number);
      }
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(numbers).size, 10);
      await queue.close();
    });

    it('says what is waiting', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      assert.deepEqual(queue.stats(), { bytes: 0, batches: 0, points: 0, batchesInMemory: 0, oldestMs: undefined });
      await queue.append(createBatch(5, { points: 3, bytes: 1000 }));
      await queue.append(createBatch(6, { points: 4, bytes: 1000 }));
      const { bytes, ...rest } = queue.stats();
      assert.deepEqual(rest, { batches: 2, points: 7, batchesInMemory: isOnDisk ? 0 : 2, oldestMs: 5 });
      assert.ok(bytes >= 2000 && bytes < 2600);
      await queue.remove((await queue.read(0))?.number ?? 0);
      const { batches, points, oldestMs } = queue.stats();
      assert.deepEqual({ batches, points, oldestMs }, { batches: 1, points: 4, oldestMs: 6 });
      await queue.close();
    });

    for (const [limit, limits] of Object.entries({
      bytes: { bytesMax: 16_000, batchesMax: 10_000 },
      batches: { bytesMax: 1_000_000, batchesMax: 100 },
    })) {
      it(`drops the oldest, a 16th at most at a time, when there is no more room for ${limit}`, async (t) => {
        const { queue, drops } = await open({ directory: await makeDirectory(t), ...limits });
        for (const timeMs of range(0, 500)) {
          await queue.append(createBatch(timeMs, { points: 2 }));
          const { bytes, batches } = queue.stats();
          assert.ok(bytes <= limits.bytesMax && batches <= limits.batchesMax);
        }
        let next = 0;
        for (const drop of drops) {
          const { batches } = drop;
          assert.ok(batches <= 8);
          const [fromMs, toMs] = [next, next + batches - 1];
          assert.deepEqual(drop, {
            reason: 'queue_full',
            batches,
            points: 2 * batches,
            bytes: 100 * batches,
            fromMs,
            toMs,
          });
          next = toMs + 1;
        }
        const { bytes, batches } = queue.stats();
        // It does not drop what has room.
        assert.ok(bytes > limits.bytesMax * 0.85 || batches > limits.batchesMax * 0.85);
        assert.deepEqual(await readTimes(queue), range(next, 500));
        await queue.close();
      });
    }

    it('keeps the last one where there is room for one only', async (t) => {
      const { queue, drops } = await open({ directory: await makeDirectory(t), batchesMax: 1 });
      await Promise.all(range(0, 5).map((timeMs) => queue.append(createBatch(timeMs))));
      assert.deepEqual(await readTimes(queue), [4]);
      assert.deepEqual(
        drops.map(({ fromMs, toMs }) => [fromMs, toMs]),
        range(0, 4).map((timeMs) => [timeMs, timeMs]),
      );
      await queue.close();
    });

    it('says of a batch that was dropped while it was on its way that it is not kept any more', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t), batchesMax: 2 });
      await queue.append(createBatch(1));
      const entry = await queue.read(0);
      assert.ok(entry);
      for (const timeMs of [2, 3]) await queue.append(createBatch(timeMs));
      assert.equal(queue.has(entry.number), false);
      assert.equal(await queue.remove(entry.number), false);
      await queue.close();
    });

    it('refuses a batch that is larger than the whole queue, and drops nothing for it', async (t) => {
      const { queue, drops } = await open({ directory: await makeDirectory(t), bytesMax: 1000 });
      await queue.append(createBatch(1));
      await assert.rejects(queue.append(createBatch(2, { bytes: 1000 })), (error) => {
        assert.ok(error instanceof QueueError);
        assert.deepEqual(
          [error.code, error.message],
          ['too_large', 'a batch of 1000 bytes has no room in a queue of 1000 bytes'],
        );
        return true;
      });
      assert.deepEqual([await readTimes(queue), drops], [[1], []]);
      await queue.append(createBatch(3, { bytes: 900 }));
      assert.deepEqual(await readTimes(queue), [3]);
      await queue.close();
    });

    it('drops what is too old, in one report, when it is read or appended to', async (t) => {
      const { queue, drops, clock } = await open({ directory: await makeDirectory(t), maxAgeMs: 1000 });
      clock.nowMs = 5000;
      for (const timeMs of [4000, 4001, 4500, 5000]) await queue.append(createBatch(timeMs, { points: 5 }));
      assert.deepEqual([await readTimes(queue), drops], [[4000, 4001, 4500, 5000], []]);
      clock.nowMs = 5100;
      assert.deepEqual(await readTimes(queue), [4500, 5000]);
      const report = { reason: 'expired', batches: 2, points: 10, bytes: 200, fromMs: 4000, toMs: 4001 };
      assert.deepEqual(drops, [report]);
      clock.nowMs = 6001;
      await queue.append(createBatch(6000));
      assert.deepEqual(drops, [report, { ...report, fromMs: 4500, toMs: 5000 }]);
      assert.deepEqual(await readTimes(queue), [6000]);
      await queue.close();
    });

    it('drops what is too old though something younger is before it, when its turn comes', async (t) => {
      const { queue, drops, clock } = await open({ directory: await makeDirectory(t), maxAgeMs: 1000 });
      clock.nowMs = 5000;
      for (const timeMs of [5000, 4100, 4900]) await queue.append(createBatch(timeMs));
      clock.nowMs = 5500;
      assert.deepEqual(await readTimes(queue), [5000, 4900]);
      assert.deepEqual(drops, [{ reason: 'expired', batches: 1, points: 1, bytes: 100, fromMs: 4100, toMs: 4100 }]);
      await queue.close();
    });

    it('refuses to append once it is closed, and has nothing more to give', async (t) => {
      const { queue } = await open({ directory: await makeDirectory(t) });
      const last = queue.append(createBatch(1));
      const closed = queue.close();
      assert.equal(queue.close(), closed);
      await closed;
      assert.deepEqual(await last, { onDisk: isOnDisk });
      await assert.rejects(queue.append(createBatch(2)), { code: 'closed' });
      assert.equal(await queue.read(0), undefined);
      assert.equal(await queue.remove(2 ** 40), false);
      assert.equal(queue.stats().batches, 0);
    });

    it('never holds more than it may though readers are slow', async (t) => {
      const { queue, drops } = await open({ directory: await makeDirectory(t), bytesMax: 20_000 });
      const reading = readUntilEnd(queue, 300);
      for (const timeMs of range(0, 300)) await queue.append(createBatch(timeMs, { bytes: 500 }));
      const times = await reading;
      const dropped = drops.reduce((sum, { batches }) => sum + batches, 0);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      // Each one was delivered, or reported.
      assert.equal(times.length + dropped, 300);
      await queue.close();
    });
  });
}

/** Delivers while others append, until the last one came. */
async function readUntilEnd(queue: Opened['queue'], count: number): Promise<number[]> {
  const times: number[] = [];
  while (times.at(-1) !== count - 1) {
    const entry = await queue.read(0);
    if (entry === undefined) await new Promise((resolve) => setImmediate(resolve));
    else if (await queue.remove(entry.number)) times.push(entry.batch.timeMs);
  }
  return times;
}

describe('what becomes of a queue that is closed', () => {
  it('in memory: it is dropped, and reported', async () => {
    const { queue, drops } = await open();
    for (const timeMs of [3, 4, 5]) await queue.append(createBatch(timeMs, { points: 2 }));
    await queue.remove((await queue.read(0))?.number ?? 0);
    await queue.close();
    assert.deepEqual(drops, [{ reason: 'shutdown', batches: 2, points: 4, bytes: 200, fromMs: 4, toMs: 5 }]);
  });

  it('on disk: what was not removed comes again, in order, and before what is new', async (t) => {
    const directory = await kinds['on disk'](t);
    const parts = { segmentBytes: 500 };
    const first = await open({ directory }, parts);
    for (const timeMs of range(0, 20)) await first.queue.append(createBatch(timeMs));
    for (const { number, batch } of await readAll(first.queue))
      if (batch.timeMs < 6 || batch.timeMs % 5 === 0) await first.queue.remove(number);
    await first.queue.close();

    const second = await open({ directory }, parts);
    const left = range(6, 20).filter((timeMs) => timeMs % 5 !== 0);
    assert.equal(second.queue.stats().batches, left.length);
    for (const timeMs of [20, 21]) await second.queue.append(createBatch(timeMs));
    const entries = await readAll(second.queue);
    assert.deepEqual(
      entries.map(({ batch }) => batch.timeMs),
      [...left, 20, 21],
    );
    entries.forEach((entry) => assertSame(entry, createBatch(entry.batch.timeMs)));
    assert.equal((await drain(second.queue)).length, left.length + 2);
    await second.queue.close();

    const third = await open({ directory }, parts);
    assert.equal(await third.queue.read(0), undefined);
    await third.queue.close();
    assert.deepEqual([...first.drops, ...second.drops, ...third.drops, ...first.faults, ...second.faults], []);
  });
});
