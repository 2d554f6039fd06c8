import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createBatch, drain, kinds, open, range } from './queues.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAYS = 3;

// A receiver that is away for days, with a collection each minute.
for (const [kind, makeDirectory] of Object.entries(kinds)) {
  describe(`an outage of days, kept ${kind}`, () => {
    it('has the first hour delivered as well as the last, where there is room', async (t) => {
      const { queue, drops, clock } = await open({
        directory: await makeDirectory(t),
        bytesMax: 4_000_000,
        batchesMax: 20_000,
      });
      for (const minute of range(0, DAYS * DAY_MINUTES)) {
        clock.nowMs = minute * MINUTE_MS;
        await queue.append(createBatch(clock.nowMs));
      }
      assert.equal(queue.stats().oldestMs, 0);
      assert.deepEqual(
        await drain(queue),
        range(0, DAYS * DAY_MINUTES).map((minute) => minute * MINUTE_MS),
      );
      assert.deepEqual(drops, []);
      await queue.close();
    });

    it('has the last days delivered without a gap, and says which were dropped, where there is not', async (t) => {
      const directory = await makeDirectory(t);
      const bytesMax = 400_000;
      const { queue, drops, clock } = await open({ directory, bytesMax });
      for (const minute of range(0, DAYS * DAY_MINUTES)) {
        clock.nowMs = minute * MINUTE_MS;
        await queue.append(createBatch(clock.nowMs));
        if (minute % 1000 === 0 && directory !== undefined) assert.ok((await bytesOf(directory)) <= bytesMax);
      }
      const first = drops.reduce((sum, { batches }) => sum + batches, 0);
      assert.deepEqual([drops[0]?.fromMs, drops.at(-1)?.toMs], [0, (first - 1) * MINUTE_MS]);
      drops.slice(1).forEach(({ fromMs }, index) => assert.equal(fromMs, (drops[index]?.toMs ?? 0) + MINUTE_MS));
      assert.deepEqual(
        await drain(queue),
        range(first, DAYS * DAY_MINUTES).map((minute) => minute * MINUTE_MS),
      );
      await queue.close();
    });
  });
}

async function bytesOf(directory: string): Promise<number> {
  const files = await Promise.all((await readdir(directory)).map((name) => stat(join(directory, name))));
  return files.reduce((sum, { size }) => sum + size, 0);
}
