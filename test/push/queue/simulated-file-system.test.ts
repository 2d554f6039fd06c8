import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { File, FileSystem } from '../../../src/push/queue/disk/file-system.ts';
import { nodeFileSystem } from '../../../src/push/queue/disk/node-file-system.ts';
import { type Choose, createRandom, exhaust } from './choices.ts';
import { createCut, createDisk, cutPower, type Disk } from './simulated-disk.ts';
import { createSimulatedFileSystem } from './simulated-file-system.ts';

const root = mkdtempSync(join(tmpdir(), 'metergate-simulated-'));
after(() => rmSync(root, { recursive: true }));

const bytes = (text: string) => Buffer.from(text);

it('without a power cut, the simulated file system does what the real one does', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const directory = join(root, String(seed));
    const real = await useRandomly(nodeFileSystem, directory, createRandom(seed));
    const simulated = await useRandomly(createSimulatedFileSystem(), directory, createRandom(seed));
    assert.deepEqual(simulated, real, `seed ${seed}`);
  }
});

describe('after a power cut', () => {
  it('what was not synced is there in any combination', async () => {
    const disk = createDisk(['/d']);
    const file = await createSynced(disk, 'old');
    await file.write([bytes('N'), bytes('W')], 1);
    assert.deepEqual(await outcomes(disk), ['oNW', 'oNd', 'olW', 'old'].toSorted());
  });

  it('a write may be torn', async () => {
    const disk = createDisk(['/d']);
    const file = await createSynced(disk, '....');
    await file.write([bytes('1234')], 0);
    assert.deepEqual(await outcomes(disk, 1), ['....', '..34', '12..', '1234'].toSorted());
  });

  it('a size may be there without its data, which are zeros or garbage then', async () => {
    const disk = createDisk(['/d']);
    const file = await createSynced(disk, '');
    await file.write([bytes('x')], 0);
    const garbage = String.fromCharCode(13);
    assert.deepEqual(await outcomes(disk, 2), ['', '\0', garbage, 'x'].toSorted());
  });

  it('a truncation may be lost', async () => {
    const disk = createDisk(['/d']);
    await (await createSynced(disk, 'old')).truncate(1);
    assert.deepEqual(await outcomes(disk), ['o', 'old']);
  });

  it('a file is not there before its folder is synced, though it was synced itself', async () => {
    const disk = createDisk(['/d']);
    const system = createSimulatedFileSystem(disk);
    const file = await system.create('/d/file');
    await file.write([bytes('new')], 0);
    await file.sync();
    assert.deepEqual(await outcomes(disk), ['new', undefined]);
    await system.syncDirectory('/d');
    assert.deepEqual(await outcomes(disk), ['new']);
  });

  it('a file that was removed may be there again until its folder is synced', async () => {
    const disk = createDisk(['/d']);
    await createSynced(disk, 'old');
    const system = createSimulatedFileSystem(disk);
    await system.remove('/d/file');
    assert.deepEqual(await outcomes(disk), ['old', undefined]);
    await system.syncDirectory('/d');
    assert.deepEqual(await outcomes(disk), [undefined]);
  });

  it('what was written before a sync failed may be missing though a later one succeeds', async () => {
    const disk = createDisk(['/d']);
    await createSynced(disk, 'old');
    let fails = true;
    const system = createSimulatedFileSystem(disk, { fail: (call) => (fails && call === 'sync' ? 'EIO' : undefined) });
    const file = await system.open('/d/file');
    await file.write([bytes('1')], 0);
    await assert.rejects(file.sync(), { code: 'EIO' });
    fails = false;
    await file.write([bytes('2')], 1);
    await file.sync();
    assert.deepEqual(await outcomes(disk), ['12d', 'o2d'].toSorted());
  });
});

it('a write that fails, or for which there is no room, is done in part', async () => {
  const disk = createDisk(['/d']);
  const full = createSimulatedFileSystem(disk, { bytesMax: () => 5 });
  const file = await full.create('/d/file');
  await assert.rejects(file.write([bytes('1234'), bytes('5678')], 0), { code: 'ENOSPC' });
  await file.write([bytes('x')], 4);
  assert.deepEqual(contentOf(disk), '1234x');
  const failing = createSimulatedFileSystem(disk, { fail: (call) => (call === 'write' ? 'EIO' : undefined) });
  await assert.rejects((await failing.open('/d/file')).write([bytes('abcd')], 0), { code: 'EIO' });
  assert.deepEqual(contentOf(disk), 'ab34x');
});

/** Everything that may be in the file after a power cut; undefined = it is not there. */
async function outcomes(disk: Disk, rare = 0): Promise<(string | undefined)[]> {
  const all = new Set<string | undefined>();
  await exhaust((choose) => {
    all.add(contentOf(cutPower(disk, createCut(choose, rare))));
    return Promise.resolve();
  });
  return [...all].toSorted();
}

function contentOf({ names }: Disk): string | undefined {
  const inode = names.get('/d/file');
  return inode && Buffer.from(inode.data).toString('latin1');
}

async function createSynced(disk: Disk, text: string): Promise<File> {
  const system = createSimulatedFileSystem(disk);
  const file = await system.create('/d/file');
  await file.write([bytes(text)], 0);
  await file.sync();
  await system.syncDirectory('/d');
  return file;
}

/** @returns what the calls say, and what is there in the end. */
async function useRandomly(system: FileSystem, directory: string, random: Choose): Promise<unknown[]> {
  const said: unknown[] = [];
  const say = async (call: Promise<unknown>) => {
    said.push(await call.catch((error: unknown) => (error as NodeJS.ErrnoException).code));
  };
  const use = (open: Promise<File>) =>
    say(
      open.then(async (file) => {
        await useFile(file, random, say);
        await file.close();
        return 'opened';
      }),
    );
  await say(system.list(directory));
  await say(system.create(join(directory, 'a')));
  await system.makeDirectory(directory);
  for (let steps = 0; steps < 30; steps += 1) {
    const path = join(directory, 'abc'.charAt(random(3)));
    const calls = [
      () => use(system.create(path)),
      () => use(system.open(path)),
      () => say(system.remove(path)),
      () => say(system.list(directory).then((names) => names.toSorted())),
      () => say(system.syncDirectory(directory)),
    ];
    said.push(basename(path));
    await calls[random(calls.length)]?.();
  }
  return said;
}

async function useFile(file: File, random: Choose, say: (call: Promise<unknown>) => Promise<void>): Promise<void> {
  for (let steps = random(6); steps > 0; steps -= 1) {
    const into = Buffer.alloc(random(20));
    const calls = [
      () => file.write([bytes('one'), bytes(''), bytes('two'.repeat(random(3)))], random(30)),
      () => file.truncate(random(30)),
      () => file.read(into, random(30)).then((count) => [count, into.toString('latin1')]),
      () => file.size(),
      () => file.sync(),
    ];
    await say(calls[random(calls.length)]?.() ?? Promise.resolve());
  }
}
