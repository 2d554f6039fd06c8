import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from './process-identity.ts';

/** What somebody who owns a folder, or wants to, has written in it. */
export interface LockFile {
  readonly path: string;
  /** When its owner last showed that it is alive, by the owner's clock: to be compared only with what it was before. */
  readonly movedMs: number;
  /** Not there while it is being written, or when it is damaged. */
  readonly owner: ProcessIdentity | undefined;
}

/** @returns undefined when there is none any more. */
export async function readLockFile(path: string): Promise<LockFile | undefined> {
  // Opened, since only then a network file system asks the server for the time.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  });
  if (handle === undefined) return undefined;
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new Error(`${path} has the name of a lock file, but is none`);
    return { path, movedMs: status.mtimeMs, owner: parseOwner(await handle.readFile('utf8')) };
  } finally {
    await handle.close();
  }
}

/**
 * Finds out whether the owner is alive: by its process if that is one of this machine, else by watching its file for `staleMs` of our
 * own time, whatever the clocks say.
 *
 * @returns undefined when the file is gone.
 */
export async function watchLockFile(
  path: string,
  { pollMs, staleMs }: { readonly pollMs: number; readonly staleMs: number },
): Promise<(LockFile & { readonly alive: boolean }) | undefined> {
  const end = performance.now() + staleMs;
  let before: LockFile | undefined;
  for (;;) {
    // Before reading: if we were stopped ourselves, the owner has had the time, too.
    const ended = performance.now() >= end;
    const file = await readLockFile(path);
    if (file === undefined) return undefined;
    const running = file.owner && (await isRunning(file.owner));
    before ??= file;
    if (running !== undefined) return { ...file, alive: running };
    if (file.movedMs !== before.movedMs) return { ...file, alive: true };
    if (ended) return { ...file, alive: false };
    await sleep(pollMs);
  }
}

/** For an error: who has it, and since when. */
export function describeOwner({ path, owner }: LockFile): string {
  if (owner === undefined) return `a process that is alive, but not named in ${path}`;
  const ageS = Math.max(0, Math.round((Date.now() - owner.timeMs) / 1000));
  return `process ${owner.pid} of host ${owner.hostName}, which has had it for ${ageS} s`;
}

function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    const owner = JSON.parse(text) as Partial<ProcessIdentity> | null;
    const named =
      Number.isSafeInteger(owner?.pid) && Number.isFinite(owner?.timeMs) && typeof owner?.hostName === 'string';
    return named ? (owner as ProcessIdentity) : undefined;
  } catch {
    return undefined;
  }
}
