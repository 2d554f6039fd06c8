import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { openQueue } from '../../../src/push/queue/index.ts';
import { acquireLock } from '../../../src/push/queue/disk/lock.ts';
import { until } from '../../support/until.ts';
import { createBatch, drain, makeFolder, open, range, readTimes } from './queues.ts';

// What a queue does with its folder, on a real disk.

describe('the folder of a queue', () => {
  it('is made, and is for nobody else, as are its files', async (t) => {
    const directory = await makeFolder(t);
    const { queue } = await open({ directory }, { acquireLock });
    await queue.append(createBatch(1));
    for (const path of [dirname(directory), directory]) assert.equal((await stat(path)).mode & 0o777, 0o700, path);
    const names = await readdir(directory);
    assert.equal(names.length, 2);
    for (const name of names) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
    await queue.close();
    assert.deepEqual(await readdir(directory), ['0000000000000001.seg']);
  });

  it('is left empty when everything was delivered', async (t) => {
    const directory = await makeFolder(t);
    const { queue } = await open({ directory }, { segmentBytes: 1000 });
    for (const timeMs of range(0, 50)) await queue.append(createBatch(timeMs));
    assert.equal((await readdir(directory)).length, 8);
    assert.equal((await drain(queue)).length, 50);
    assert.equal((await readdir(directory)).length, 1);
    await queue.close();
    assert.deepEqual(await readdir(directory), []);
  });

  it('has a new file for each life, of a name that is greater than all there are', async (t) => {
    const directory = await makeFolder(t);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, '0000000000000041.seg'), 'not ours');
    for (const life of [0, 1, 2]) {
      const { queue } = await open({ directory });
      await queue.append(createBatch(life));
      assert.deepEqual(await readTimes(queue), range(0, life + 1));
      await queue.close();
    }
    // This one is shorter than a header: what is in it cannot have been a batch.
    assert.deepEqual(
      await readdir(directory),
      ['0000000000000041.seg'].concat([42, 43, 44].map((n) => `00000000000000${n}.seg`)).slice(1),
    );
  });

  it('has files of which nobody can foresee the names', async (t) => {
    const names = new Set<string>();
    for (let life = 0; life < 20; life++) {
      const directory = await makeFolder(t);
      const { queue } = await open({ directory }, { randomInt });
      await queue.append(createBatch(1));
      await queue.close();
      for (const name of await readdir(directory)) names.add(name);
    }
    assert.equal(names.size, 20);
  });

  it('has no file made where nothing is appended, and few where each batch is delivered at once', async (t) => {
    const directory = await makeFolder(t);
    const { queue } = await open({ directory });
    assert.deepEqual(await readdir(directory), []);
    for (const timeMs of range(0, 200)) {
      await queue.append(createBatch(timeMs));
      assert.deepEqual(await drain(queue), [timeMs]);
    }
    assert.deepEqual(await readdir(directory), ['0000000000000001.seg']);
    await queue.close();
  });

  it('has its old files removed though each batch is delivered at once, since they would grow', async (t) => {
    for (const { bytesMax, bytes } of [
      { bytesMax: 100_000, bytes: 1000 },
      { bytesMax: 2 ** 29, bytes: 100_000 },
    ]) {
      const { queue } = await open({ directory: await makeFolder(t), bytesMax });
      for (const timeMs of range(0, 30)) {
        await queue.append(createBatch(timeMs, { bytes }));
        assert.deepEqual(await drain(queue), [timeMs]);
        assert.ok(queue.stats().bytes < Math.min(bytesMax / 16, 2 ** 20));
      }
      await queue.close();
    }
  });

  it('has what is not of the queue left as it is, and named once for each start', async (t) => {
    const directory = await makeFolder(t);
    await mkdir(directory, { recursive: true });
    const foreign = ['notes.txt', '1.seg', '0000000000000001.seg.bak', '9999999999999999.seg', 'a', 'b', 'c'];
    for (const name of foreign) await writeFile(join(directory, name), `of ${name}, which is longer than a header`);
    await mkdir(join(directory, '0000000000000007.seg'));
    await writeFile(join(directory, '0000000000000008.seg'), 'text that is no segment at all');
    const { queue, faults, drops } = await open({ directory });
    await queue.append(createBatch(1));
    assert.deepEqual(await readTimes(queue), [1]);
    await queue.close();
    const [first, ...others] = faults;
    assert.equal(first?.code, 'foreign_file');
    assert.match(first.message, /of-one\/destination has files that are not of the queue: (".*", ){4}".*" and 2 more$/);
    assert.deepEqual(
      others.map(({ code, message }) => [code, message.replace(directory, '')]),
      [
        [
          'damaged',
          "/0000000000000007.seg is left as it is, since it cannot be read: Error: EISDIR: illegal operation on a directory, open '" +
            directory +
            "/0000000000000007.seg'",
        ],
        ['foreign_file', '/0000000000000008.seg has nothing in it that is known: it is left as it is'],
      ],
    );
    assert.deepEqual(drops, []);
    for (const name of foreign)
      assert.equal(await readFile(join(directory, name), 'utf8'), `of ${name}, which is longer than a header`);
  });

  it('of which somebody has removed a file has all of it dropped at once, and the rest delivered', async (t) => {
    const directory = await makeFolder(t);
    const first = await open({ directory }, { segmentBytes: 1000 });
    for (const timeMs of range(0, 50)) await first.queue.append(createBatch(timeMs));
    await first.queue.close();
    const { queue, drops, faults } = await open({ directory });
    // Files that were read last are still open: this one is not.
    await rm(join(directory, '0000000000000001.seg'));
    assert.deepEqual(await readTimes(queue), range(7, 50));
    assert.deepEqual(drops, [{ reason: 'corrupt', batches: 7, points: 7, bytes: 700, fromMs: 0, toMs: 6 }]);
    assert.deepEqual(faults, [{ code: 'damaged', message: `${directory}/0000000000000001.seg is gone` }]);
    await queue.close();
    assert.equal((await readdir(directory)).length, 7);
  });

  it('of which somebody has removed the file that is written to is not said to have what comes then', async (t) => {
    const directory = await makeFolder(t);
    const { queue, drops, clock } = await open({ directory });
    for (const timeMs of range(0, 3)) assert.deepEqual(await queue.append(createBatch(timeMs)), { onDisk: true });
    await rm(join(directory, '0000000000000001.seg'));
    assert.deepEqual(await queue.append(createBatch(3)), { onDisk: false });
    assert.deepEqual(await readTimes(queue), [3]);
    assert.deepEqual(drops, [{ reason: 'corrupt', batches: 3, points: 3, bytes: 300, fromMs: 0, toMs: 2 }]);
    clock.nowMs += 60_000;
    assert.deepEqual(await queue.append(createBatch(4)), { onDisk: true });
    assert.deepEqual(await readTimes(queue), [3, 4]);
    await queue.close();
    const { queue: next } = await open({ directory });
    assert.deepEqual(await readTimes(next), [3, 4]);
    await next.close();
  });

  it('that somebody removes has all that was in it reported, and is made anew', async (t) => {
    const directory = await makeFolder(t);
    const { queue, drops, faults, clock } = await open(
      { directory },
      { acquireLock: (options) => acquireLock({ ...options, heartbeatMs: 5 }) },
    );
    for (const timeMs of range(0, 3)) await queue.append(createBatch(timeMs));
    await rm(directory, { recursive: true });
    await until('it is noticed', () => drops.length > 0);
    assert.deepEqual(drops, [{ reason: 'corrupt', batches: 3, points: 3, bytes: 300, fromMs: 0, toMs: 2 }]);
    assert.match(faults[0]?.message ?? '', /somebody has removed the folder/);
    clock.nowMs += 60_000;
    assert.deepEqual(await queue.append(createBatch(3)), { onDisk: true });
    assert.deepEqual(await readTimes(queue), [3]);
    await queue.close();
    const { queue: next } = await open({ directory });
    assert.deepEqual(await readTimes(next), [3]);
    await next.close();
  });

  it('that is larger than the queue may be now has its oldest dropped at the start', async (t) => {
    const directory = await makeFolder(t);
    const first = await open({ directory }, { segmentBytes: 1000 });
    for (const timeMs of range(0, 100)) await first.queue.append(createBatch(timeMs));
    await first.queue.close();
    const { queue, drops } = await open({ directory, bytesMax: 5000 });
    assert.ok(queue.stats().bytes <= 5000);
    const times = await readTimes(queue);
    assert.deepEqual(times, range(100 - times.length, 100));
    assert.ok(times.length > 25);
    assert.equal(
      drops.reduce((sum, { batches }) => sum + batches, 0),
      100 - times.length,
    );
    await queue.close();
  });

  it('has one owner', async (t) => {
    const directory = await makeFolder(t);
    const options = {
      directory,
      bytesMax: 1e6,
      batchesMax: 10,
      fsync: 'never',
      onDrop: () => undefined,
      onFault: () => undefined,
    } as const;
    const queue = await openQueue(options);
    await queue.append(createBatch(1));
    await assert.rejects(openQueue(options), { code: 'lock_held' });
    await queue.close();
    const next = await openQueue(options);
    assert.deepEqual(await readTimes(next), [1]);
    await next.close();
  });
});
