import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { File, FileSystem } from './file-system.ts';

/**
 * How many calls to file systems may be under way at one time. Each has a thread of libuv's pool for as long as it takes, which on a disk that
 * stands still is for ever, and whoever else needs one (a scrape that is compressed, DNS, another disk) must find one.
 */
export interface Places {
  /** Waits for a place, in the order of the calls. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** @param within others, of whose places these are a part. */
export function createPlaces(count: number, within?: Places): Places {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    run: async (work) => {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await (within === undefined ? work() : within.run(work));
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}

/** The places of all disks together. */
export interface DiskPlaces {
  /** Those of the disk that a folder is on, or will be. */
  of(directory: string): Promise<Places>;
}

/** @param count of all disks. @param each of one of them, so that one that stands still leaves some to the others. */
export function createDiskPlaces({ count, each }: { count: number; each: number }): DiskPlaces {
  const all = createPlaces(count);
  const disks = new Map<number, Places>();
  return {
    of: async (directory) => {
      const disk = await diskOf(resolve(directory));
      const known = disks.get(disk) ?? createPlaces(each, all);
      disks.set(disk, known);
      return known;
    },
  };
}

async function diskOf(path: string): Promise<number> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (path === dirname(path)) throw error;
    return diskOf(dirname(path));
  }
}

/** The same file system, in these places only. */
export function limitedTo(places: Places, fileSystem: FileSystem): FileSystem {
  return {
    makeDirectory: (path) => places.run(() => fileSystem.makeDirectory(path)),
    list: (directory) => places.run(() => fileSystem.list(directory)),
    create: async (path) => limitedFile(places, await places.run(() => fileSystem.create(path))),
    open: async (path) => limitedFile(places, await places.run(() => fileSystem.open(path))),
    remove: (path) => places.run(() => fileSystem.remove(path)),
    syncDirectory: (path) => places.run(() => fileSystem.syncDirectory(path)),
  };
}

function limitedFile(places: Places, file: File): File {
  return {
    size: () => places.run(() => file.size()),
    isLinked: () => places.run(() => file.isLinked()),
    read: (into, position) => places.run(() => file.read(into, position)),
    write: (parts, position) => places.run(() => file.write(parts, position)),
    truncate: (size) => places.run(() => file.truncate(size)),
    sync: () => places.run(() => file.sync()),
    close: () => places.run(() => file.close()),
  };
}
