import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Places } from './places.ts';
import { isRunning, type ProcessIdentity } from './process-identity.ts';

/** Of somebody who owns a folder, or wants to. */
export interface LockFile {
  readonly path: string;
  /** When its owner last showed that it is alive, by the owner's clock: to be compared only with what it was before. */
  readonly movedMs: number;
  /** For people: who that is, and since when. */
  readonly content: string;
}

/** A random number, and who the owner is, where that can be known: on a full disk there is room for a name, and for nothing else. */
const NAME = /^lock\.[0-9a-f]{16}(?:\.(\d+\.\d+\.[0-9a-f]{16}))?$/;

/** Whether a name in the folder is that of a lock file: no segment, and nothing foreign. */
export function isLockFile(name: string): boolean {
  return NAME.test(name);
}

/** Another one each time. @param owner undefined where nobody can look it up. */
export function createLockName(owner: ProcessIdentity | undefined): string {
  const name = `lock.${randomBytes(8).toString('hex')}`;
  return owner === undefined ? name : `${name}.${owner}`;
}

/** What is in it. */
export function lockContent(): string {
  return `process ${process.pid} of host ${hostname()}, since ${new Date().toISOString()}`;
}

/** @returns undefined when there is none any more. */
export function readLockFile(path: string, places: Places): Promise<LockFile | undefined> {
  return places.run(() => readNow(path));
}

async function readNow(path: string): Promise<LockFile | undefined> {
  // Opened, since only then a network file system asks the server for the time.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  });
  if (handle === undefined) return undefined;
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new Error(`${path} has the name of a lock file, but is none`);
    return { path, movedMs: status.mtimeMs, content: await handle.readFile('utf8') };
  } finally {
    await handle.close();
  }
}

export interface WatchOptions {
  readonly pollMs: number;
  readonly staleMs: number;
  readonly places: Places;
}

/**
 * Finds out whether the owner is alive: by its process if that is one of this machine, else by watching its file for `staleMs` of our
 * own time, whatever the clocks say.
 *
 * @returns undefined when the file is gone.
 */
export async function watchLockFile(
  path: string,
  { pollMs, staleMs, places }: WatchOptions,
): Promise<(LockFile & { readonly alive: boolean }) | undefined> {
  const end = performance.now() + staleMs;
  const owner = NAME.exec(basename(path))?.[1];
  let before: LockFile | undefined;
  for (;;) {
    // Before reading: if we were stopped ourselves, the owner has had the time, too.
    const ended = performance.now() >= end;
    const file = await readLockFile(path, places);
    if (file === undefined) return undefined;
    const running = owner === undefined ? undefined : await isRunning(owner);
    before ??= file;
    if (running !== undefined) return { ...file, alive: running };
    if (file.movedMs !== before.movedMs) return { ...file, alive: true };
    if (ended) return { ...file, alive: false };
    await sleep(pollMs);
  }
}

/** For an error: who has it, and since when. */
export function describeOwner({ path, content }: LockFile): string {
  return /^process [ -~]{1,300}$/.test(content) ? content : `a process that is alive, by ${path}`;
}
