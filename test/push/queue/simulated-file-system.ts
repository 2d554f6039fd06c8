import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import type { File, FileSystem } from '../../../src/push/queue/disk/file-system.ts';
import {
  createDisk,
  createInode,
  type Disk,
  failSyncOfInode,
  type Inode,
  setName,
  syncInode,
  truncateInode,
  writeInode,
} from './simulated-disk.ts';

export type Call = keyof FileSystem | keyof File;

/** Whether a call has what is on the disk changed. */
export function writes(call: Call): boolean {
  return ['create', 'write', 'truncate', 'sync', 'remove', 'syncDirectory'].includes(call);
}

export interface Hooks {
  /** A call waits for this before it has its effect: calls that overlap may overtake each other. Not given = the effect is at once. */
  readonly before?: (call: Call, path: string) => Promise<void> | undefined;
  /** The code of the error with which the call is to fail; a write is then half done. */
  readonly fail?: (call: Call, path: string) => string | undefined;
  /** Of all files; beyond it a write fails with `ENOSPC`, with as much of it done as there was room for. */
  readonly bytesMax?: () => number;
}

/** The seam of the queue in memory. Calls that are wrong fail as in Node.js; those that only the queue can have wrong (a file that is closed) throw. */
export function createSimulatedFileSystem(disk: Disk = createDisk(), hooks: Hooks = {}): FileSystem {
  const enter = createEntrance(hooks);
  const open = (path: string, inode: Inode): File =>
    openFile(path, inode, { enter, room: () => roomOf(disk, hooks), isLinked: () => disk.names.get(path) === inode });
  return {
    makeDirectory: async (path) => {
      await enter('makeDirectory', path);
      disk.directories.add(path);
    },
    list: async (directory) => {
      await enter('list', directory);
      if (!disk.directories.has(directory)) throw createError('ENOENT', 'list', directory);
      // The order is any: with this one, who relies on that of the names fails.
      return [...disk.names.keys()]
        .filter((path) => dirname(path) === directory)
        .map((path) => basename(path))
        .reverse();
    },
    create: async (path) => {
      await enter('create', path);
      if (!disk.directories.has(dirname(path))) throw createError('ENOENT', 'create', path);
      if (disk.names.has(path)) throw createError('EEXIST', 'create', path);
      const inode = createInode();
      rename(disk, path, inode);
      return open(path, inode);
    },
    open: async (path) => {
      await enter('open', path);
      const inode = disk.names.get(path);
      if (inode === undefined) throw createError('ENOENT', 'open', path);
      return open(path, inode);
    },
    remove: async (path) => {
      await enter('remove', path);
      if (!disk.names.has(path)) throw createError('ENOENT', 'remove', path);
      rename(disk, path, undefined);
    },
    syncDirectory: async (path) => {
      await enter('syncDirectory', path);
      disk.durableNames = new Map(disk.names);
      disk.nameChanges = [];
    },
  };
}

/** Asks the hooks before each call. */
function createEntrance({ before, fail }: Hooks): (call: Call, path: string) => Promise<void> {
  return async (call, path) => {
    const waited = before?.(call, path);
    if (waited !== undefined) await waited;
    const code = fail?.(call, path);
    if (code !== undefined) throw createError(code, call, path);
  };
}

function openFile(
  path: string,
  inode: Inode,
  {
    enter,
    room,
    isLinked,
  }: {
    readonly enter: (call: Call, path: string) => Promise<void>;
    readonly room: () => number;
    readonly isLinked: () => boolean;
  },
): File {
  let open = true;
  const enterOpen = async (call: Call): Promise<void> => {
    assert.ok(open, `${call} of ${path}, which was closed`);
    await enter(call, path);
  };
  return {
    size: async () => {
      await enterOpen('size');
      return inode.data.length;
    },
    isLinked: async () => {
      await enterOpen('isLinked');
      return isLinked();
    },
    read: async (into, position) => {
      await enterOpen('read');
      const found = inode.data.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    },
    write: async (parts, position) => {
      const bytes = Buffer.concat(parts);
      const failure = await enterOpen('write').then(undefined, (error: unknown) => error as Error);
      assert.ok(bytes.equals(Buffer.concat(parts)), `what is written to ${path} was changed meanwhile`);
      const fits = Math.max(0, inode.data.length + room() - position);
      const length = Math.min(failure === undefined ? bytes.length : bytes.length >> 1, fits);
      let at = 0;
      for (const part of parts) {
        writeInode(inode, part.subarray(0, Math.max(0, length - at)), position + at);
        at += part.length;
      }
      if (failure !== undefined) throw failure;
      if (length < bytes.length) throw createError('ENOSPC', 'write', path);
    },
    truncate: async (size) => {
      await enterOpen('truncate');
      truncateInode(inode, size);
    },
    sync: async () => {
      await enterOpen('sync').catch((error: unknown) => {
        failSyncOfInode(inode);
        throw error;
      });
      syncInode(inode);
    },
    close: async () => {
      await enterOpen('close');
      open = false;
    },
  };
}

function rename(disk: Disk, path: string, inode: Inode | undefined): void {
  setName(disk.names, path, inode);
  disk.nameChanges.push({ path, inode });
}

function roomOf(disk: Disk, { bytesMax }: Hooks): number {
  if (bytesMax === undefined) return Infinity;
  return bytesMax() - [...disk.names.values()].reduce((sum, { data }) => sum + data.length, 0);
}

function createError(code: string, call: Call, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${call} '${path}'`), { code });
}
