import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { File, FileSystem } from './file-system.ts';

const READ_ONLY = new Set<string | undefined>(['EROFS', 'EACCES', 'EPERM']);

/** The disks of this machine. */
export const nodeFileSystem: FileSystem = {
  makeDirectory,
  list: (directory) => readdir(directory),
  create: async (path) => createFile(await open(path, 'wx+', 0o600)),
  open: openFile,
  remove: unlink,
  syncDirectory,
};

/** The handle is the file's from here on. */
export function createFile(
  handle: Pick<FileHandle, 'stat' | 'read' | 'writev' | 'truncate' | 'datasync' | 'close'>,
): File {
  return {
    size: async () => (await handle.stat()).size,
    isLinked: async () => (await handle.stat()).nlink > 0,
    read: (into, position) => readFully(handle, into, position),
    write: (parts, position) => writeFully(handle, parts, position),
    truncate: (size) => handle.truncate(size),
    // What it leaves out are times; a size that has grown is data.
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** A disk that has turned read-only still has what is on it. */
async function openFile(path: string): Promise<File> {
  // A link is not ours: what is behind it is not to be cut or written.
  const opened = (flag: number) => open(path, flag | constants.O_NOFOLLOW);
  try {
    return createFile(await opened(constants.O_RDWR));
  } catch (error) {
    const refusal = error as NodeJS.ErrnoException;
    if (!READ_ONLY.has(refusal.code)) throw error;
    const refuse = () => Promise.reject(refusal);
    return { ...createFile(await opened(constants.O_RDONLY)), write: refuse, truncate: refuse };
  }
}

async function readFully(handle: Pick<FileHandle, 'read'>, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** The system may take a part only, as where the disk is nearly full; the next call then says why. */
async function writeFully(
  handle: Pick<FileHandle, 'writev'>,
  parts: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = parts.filter((part) => part.length > 0);
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    if (bytesWritten === 0) throw Object.assign(new Error('the file system writes nothing'), { code: 'EIO' });
    at += bytesWritten;
    rest = skip(rest, bytesWritten);
  }
}

function skip(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  let first = 0;
  for (let length = parts[0]?.length; length !== undefined && left >= length; length = parts[first]?.length) {
    left -= length;
    first += 1;
  }
  return parts.slice(first).map((part, index) => (index === 0 ? part.subarray(left) : part));
}

/**
 * With those above it. What was made is there after a power cut, too: the names of new folders are in the folders above them.
 *
 * Not by `recursive`: where the system says ENOENT of a folder that is there, as in /proc, Node.js tries that for ever.
 */
async function makeDirectory(path: string): Promise<void> {
  const whole = resolve(path);
  const above = dirname(whole);
  const make = () => mkdir(whole, 0o700);
  try {
    await make().catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === whole) throw error;
      await makeDirectory(above);
      await make();
    });
  } catch (error) {
    const isThere = await stat(whole).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isThere) throw error;
    return;
  }
  await syncDirectory(above);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
