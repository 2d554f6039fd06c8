import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { File } from '../../../../src/push/queue/disk/file-system.ts';
import { nodeFileSystem } from '../../../../src/push/queue/disk/node-file-system.ts';
import { createDiskPlaces, createPlaces, limitedTo } from '../../../../src/push/queue/disk/places.ts';

/** Work that ends when it is told to. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let hasBegun = false;
  const begin = (): Promise<number> => {
    hasBegun = true;
    return promise;
  };
  return { begin, resolve, reject, hasBegun: () => hasBegun };
}

describe('places', () => {
  it('are given in the order of the calls, no more than there are, and back after a failure', async () => {
    const places = createPlaces(2);
    const works = Array.from({ length: 5 }, work);
    const results = works.map(({ begin }) => places.run(begin));
    const begun = () => works.map(({ hasBegun }) => hasBegun());
    await setImmediate();
    assert.deepEqual(begun(), [true, true, false, false, false]);
    works[1]?.reject(new Error('it failed'));
    await assert.rejects(results[1] ?? Promise.resolve(), /it failed/);
    await setImmediate();
    assert.deepEqual(begun(), [true, true, true, false, false]);
    for (const [i, each] of works.entries()) each.resolve(i);
    assert.deepEqual(await Promise.all(results.toSpliced(1, 1)), [0, 2, 3, 4]);
  });

  it('of one folder leave those of others alone', async () => {
    const all = createPlaces(3);
    const [stuck, well] = [createPlaces(2, all), createPlaces(2, all)];
    const works = Array.from({ length: 5 }, work);
    const results = works.map(({ begin }) => stuck.run(begin));
    await setImmediate();
    assert.equal(await well.run(() => Promise.resolve('done')), 'done');
    for (const each of works) each.resolve(1);
    await Promise.all(results);
  });
});

describe('places of disks', () => {
  it('are shared by the folders of one disk, also of folders that are not there yet, and leave some to another', async () => {
    const places = createDiskPlaces({ count: 3, each: 2 });
    const own = await places.of(tmpdir());
    assert.equal(await places.of(join(tmpdir(), 'not/there/yet')), own);
    const other = await places.of('/proc');
    assert.notEqual(other, own);
    const works = Array.from({ length: 4 }, work);
    const results = works.map(({ begin }) => own.run(begin));
    await setImmediate();
    assert.equal(await other.run(() => Promise.resolve('done')), 'done');
    for (const each of works) each.resolve(1);
    await Promise.all(results);
  });
});

it('a file system in few places does what it does in many', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-places-'));
  t.after(() => rm(folder, { recursive: true }));
  const fileSystem = limitedTo(createPlaces(1), nodeFileSystem);
  const directory = join(folder, 'a/b');
  await fileSystem.makeDirectory(directory);
  const path = join(directory, 'file');
  const written = await fileSystem.create(path);
  await written.write([Buffer.from('some'), Buffer.from(' text')], 0);
  await written.truncate(6);
  await written.sync();
  await written.close();
  await fileSystem.syncDirectory(directory);
  const file: File = await fileSystem.open(path);
  const into = Buffer.alloc(10);
  assert.deepEqual([await file.size(), await file.read(into, 0), into.subarray(0, 6).toString()], [6, 6, 'some t']);
  await file.close();
  await fileSystem.remove(path);
  assert.deepEqual(await fileSystem.list(directory), []);
});
