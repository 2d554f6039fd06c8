import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createFile, nodeFileSystem } from '../../../../src/push/queue/disk/node-file-system.ts';

const root = mkdtempSync(join(tmpdir(), 'metergate-files-'));
after(() => rmSync(root, { recursive: true }));

const linuxOnly = { skip: process.platform !== 'linux' && '/proc is of Linux' };
const bytes = (text: string) => Buffer.from(text);

describe('a folder', () => {
  it('is made with those above it, for the owner alone, and may be there before', async () => {
    const path = join(root, 'a', 'b', 'c');
    await nodeFileSystem.makeDirectory(path);
    await nodeFileSystem.makeDirectory(path);
    for (const folder of [path, join(root, 'a', 'b'), join(root, 'a')])
      assert.equal((await stat(folder)).mode & 0o777, 0o700, folder);
  });

  it('is not made where there is a file', async () => {
    await writeFile(join(root, 'file'), '');
    await assert.rejects(nodeFileSystem.makeDirectory(join(root, 'file')), { code: 'EEXIST' });
    await assert.rejects(nodeFileSystem.makeDirectory(join(root, 'file', 'folder')), { code: 'ENOTDIR' });
  });

  it('is made by several at one time', async () => {
    const names = ['one', 'two', 'two', 'three/and/more'];
    const made = names.map((name) => nodeFileSystem.makeDirectory(join(root, 'shared', 'by', name)));
    await Promise.all(made);
    assert.deepEqual((await nodeFileSystem.list(join(root, 'shared', 'by'))).toSorted(), ['one', 'three', 'two']);
  });

  it('is an error where the system makes none, though the folder above it is there', linuxOnly, async () => {
    const message = "ENOENT: no such file or directory, mkdir '/proc/metergate'";
    for (const path of ['/proc/metergate', '/proc/metergate/queue/a'])
      await assert.rejects(nodeFileSystem.makeDirectory(path), { code: 'ENOENT', message });
  });

  it('lists files and folders, and is synced', async () => {
    const path = join(root, 'listed');
    await mkdir(join(path, 'folder'), { recursive: true });
    await (await nodeFileSystem.create(join(path, 'file'))).close();
    assert.deepEqual((await nodeFileSystem.list(path)).toSorted(), ['file', 'folder']);
    await nodeFileSystem.syncDirectory(path);
    await nodeFileSystem.remove(join(path, 'file'));
    assert.deepEqual(await nodeFileSystem.list(path), ['folder']);
  });

  it('that is not there is an error of the system', async () => {
    const path = join(root, 'nowhere');
    await assert.rejects(nodeFileSystem.list(path), { code: 'ENOENT' });
    await assert.rejects(nodeFileSystem.syncDirectory(path), { code: 'ENOENT' });
    await assert.rejects(nodeFileSystem.create(join(path, 'file')), { code: 'ENOENT' });
    await assert.rejects(nodeFileSystem.open(join(path, 'file')), { code: 'ENOENT' });
    await assert.rejects(nodeFileSystem.remove(join(path, 'file')), { code: 'ENOENT' });
  });
});

describe('a file', () => {
  it('is created for the owner alone, once', async () => {
    const path = join(root, 'once');
    await (await nodeFileSystem.create(path)).close();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(nodeFileSystem.create(path), { code: 'EEXIST' });
  });

  it('is written and read anywhere, and cut', async () => {
    const path = join(root, 'anywhere');
    const created = await nodeFileSystem.create(path);
    await created.write([bytes('one'), bytes(''), bytes('two')], 0);
    await created.write([], 3);
    await created.write([bytes('3')], 8);
    await created.sync();
    assert.equal(await created.size(), 9);
    await created.close();
    assert.deepEqual(await readFile(path), bytes('onetwo\0\x003'));

    const opened = await nodeFileSystem.open(path);
    await opened.write([bytes('TWO')], 3);
    await opened.truncate(7);
    const into = Buffer.alloc(10, '-');
    assert.equal(await opened.read(into, 2), 5);
    assert.deepEqual(into, bytes('eTWO\0-----'));
    assert.equal(await opened.read(into, 7), 0);
    assert.equal(await opened.read(into, 100), 0);
    assert.equal(await opened.read(new Uint8Array(), 0), 0);
    await opened.close();
    assert.deepEqual(await readFile(path), bytes('oneTWO\0'));
  });

  it('takes more parts than the system takes at once', async () => {
    const path = join(root, 'parts');
    const file = await nodeFileSystem.create(path);
    const parts = Array.from({ length: 3000 }, (_, index) => bytes(`${index},`));
    await file.write(parts, 0);
    await file.close();
    assert.deepEqual(await readFile(path), Buffer.concat(parts));
  });

  it('knows whether it was removed', async () => {
    const path = join(root, 'removed');
    const file = await nodeFileSystem.create(path);
    assert.equal(await file.isLinked(), true);
    await nodeFileSystem.remove(path);
    assert.equal(await file.isLinked(), false);
    await file.close();
  });

  it('that may only be read is read, and says what is wrong when it is to be written', async () => {
    const path = join(root, 'read-only');
    await writeFile(path, 'kept');
    await chmod(root, 0o755);
    await chmod(path, 0o444);
    const file = await asSomebody(() => nodeFileSystem.open(path));
    const into = Buffer.alloc(4);
    assert.equal(await file.read(into, 0), 4);
    assert.deepEqual(into, bytes('kept'));
    await assert.rejects(file.write([bytes('lost')], 0), { code: 'EACCES' });
    await assert.rejects(file.truncate(0), { code: 'EACCES' });
    await file.close();
    await chmod(path, 0o000);
    await assert.rejects(
      asSomebody(() => nodeFileSystem.open(path)),
      { code: 'EACCES' },
    );
    await chmod(path, 0o600);
    assert.deepEqual(await readFile(path), bytes('kept'));
  });

  it('is no link, no folder, and nothing that waits for somebody', async () => {
    const path = join(root, 'target');
    await writeFile(path, 'of somebody else');
    await symlink(path, join(root, 'link'));
    await mkdir(join(root, 'folder'));
    await assert.rejects(nodeFileSystem.open(join(root, 'link')), { code: 'ELOOP' });
    await assert.rejects(nodeFileSystem.open(join(root, 'folder')), { code: 'EISDIR' });
    await nodeFileSystem.remove(join(root, 'link'));
    assert.equal(await readFile(path, 'utf8'), 'of somebody else');
  });
});

describe('a system that does less than it was asked to', () => {
  it('is asked again, to write and to read', async () => {
    const path = join(root, 'short');
    for (const most of [1, 2, 3, 5, 100]) {
      const handle = await open(path, 'w+');
      const file = createFile(createShort(handle, most));
      await file.write([bytes('one'), bytes(''), bytes('three'), bytes('f')], 2);
      const into = Buffer.alloc(12, '-');
      assert.equal(await file.read(into, 0), 11, `${most} bytes at once`);
      assert.deepEqual(into, bytes('\0\0onethreef-'));
      await file.close();
    }
  });

  it('has an error when it writes nothing', async () => {
    const handle = await open(join(root, 'nothing'), 'w+');
    const file = createFile(createShort(handle, 0));
    await assert.rejects(file.write([bytes('one')], 0), { code: 'EIO' });
    await file.close();
  });

  it('says that the disk is full', { skip: process.platform !== 'linux' && '/dev/full is of Linux' }, async () => {
    const file = await nodeFileSystem.open('/dev/full');
    await assert.rejects(file.write([bytes('one')], 0), { code: 'ENOSPC' });
    await file.close();
  });
});

/** Not as root, who may do everything. */
async function asSomebody<T>(task: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await task();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** A handle that writes and reads at most so many bytes at once. */
function createShort(handle: FileHandle, most: number): Parameters<typeof createFile>[0] {
  return {
    stat: handle.stat.bind(handle),
    truncate: handle.truncate.bind(handle),
    datasync: handle.datasync.bind(handle),
    close: handle.close.bind(handle),
    read: ((into: Uint8Array, offset: number, length: number, position: number) =>
      handle.read(into, offset, Math.min(length, most), position)) as FileHandle['read'],
    writev: async (parts, position) => {
      const some = Buffer.concat(parts as unknown as Uint8Array[]).subarray(0, most);
      if (some.length > 0) await handle.write(some, 0, some.length, position ?? 0);
      return { bytesWritten: some.length, buffers: parts };
    },
  };
}
