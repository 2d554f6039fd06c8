import { access, readdir, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createLockName,
  describeOwner,
  isLockFile,
  lockContent,
  type LockFile,
  readLockFile,
  watchLockFile,
  type WatchOptions,
} from './lock-file.ts';
import { createPlaces, type Places } from './places.ts';
import { identifyProcess } from './process-identity.ts';

export interface LockOptions {
  /** It exists. */
  readonly directory: string;
  /**
   * Called at most once, and not after `release`: somebody took the folder over while we seemed dead, or has removed it, with all that was in
   * it. The message is a sentence.
   */
  readonly onLost: (message: string, how: 'taken' | 'removed') => void;
  /** How often the owner shows that it is alive. */
  readonly heartbeatMs?: number;
  /** For all calls to the disk; any number at one time, if not given. None is held while it waits. */
  readonly places?: Places;
  /** An owner of which nothing else can be known is dead when it has not shown that it is alive for so long. */
  readonly staleMs?: number;
}

export interface Lock {
  /** Never rejects. Idempotent. */
  release(): Promise<void>;
}

/** The folder belongs to a process that is alive. */
export class LockHeldError extends Error {
  readonly code = 'lock_held';
}

/** The folder was this process's, and is not any more: as the system says it. */
export function lostError(): Error {
  return Object.assign(new Error('it belongs to another process'), { code: 'ENOLCK' });
}

/**
 * Makes this process the owner of a folder, and shows every `heartbeatMs` that it is alive, by the time of its lock file.
 *
 * Everybody who wants the folder has a lock file of its own in it, of a name that nobody had before: first one looks whether there are others of
 * which the owner lives, then one writes one's own, then one looks again, and goes back if another has come. So of two at least one sees the
 * other, and no file ever has to be replaced: what is there can neither be taken for what was there before, nor be removed by mistake.
 *
 * @throws LockHeldError, or the error of the system, with its `code`.
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { directory, heartbeatMs = 1000, staleMs = 5000, places = createPlaces(Infinity) } = options;
  const path = join(directory, createLockName(await identifyProcess()));
  for (;;) {
    const dead = await findDead(directory, { pollMs: heartbeatMs / 2, staleMs, places });
    try {
      await createLockFile(path, places);
      if (await isAlone(path, { dead, directory, places })) {
        await Promise.all(dead.map((file) => removeFile(file.path, places)));
        return keepLock(path, { ...options, heartbeatMs, places });
      }
    } catch (error) {
      await removeFile(path, places).catch(() => undefined);
      throw error;
    }
    await removeFile(path, places);
    await sleep(Math.random() * 50);
  }
}

/** Where the disk is full it is empty, and its name is enough: it may be full of what its owner is to send. */
async function createLockFile(path: string, places: Places): Promise<void> {
  try {
    await places.run(() => writeFile(path, lockContent(), { flag: 'wx', mode: 0o600 }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    if (!isFull || (await readLockFile(path, places)) === undefined) throw error;
  }
}

/** @throws LockHeldError if one of them is alive. */
async function findDead(directory: string, watch: WatchOptions): Promise<LockFile[]> {
  const files = await listLockFiles(directory, watch.places);
  const watched = await Promise.all(files.map((file) => watchLockFile(file, watch)));
  const alive = watched.find((file) => file?.alive);
  if (alive !== undefined) throw new LockHeldError(`${directory} belongs to ${describeOwner(alive)}`);
  return watched.filter((file) => file !== undefined);
}

/** Whether there is nobody but us and the dead, who still do not move. */
async function isAlone(
  path: string,
  { dead, directory, places }: { dead: readonly LockFile[]; directory: string; places: Places },
): Promise<boolean> {
  const others = (await listLockFiles(directory, places)).filter((other) => other !== path);
  const now = await Promise.all(others.map((other) => readLockFile(other, places)));
  return now.every(
    (file) => file === undefined || dead.some((other) => other.path === file.path && other.movedMs === file.movedMs),
  );
}

async function listLockFiles(directory: string, places: Places): Promise<string[]> {
  return (await places.run(() => readdir(directory))).filter(isLockFile).map((name) => join(directory, name));
}

function keepLock(
  path: string,
  { onLost, heartbeatMs, places }: Pick<LockOptions, 'onLost'> & { heartbeatMs: number; places: Places },
): Lock {
  let released = false;
  let timer = setTimeout(beat, heartbeatMs).unref();
  function beat(): void {
    const show = (): Promise<void> => utimes(path, new Date(), new Date());
    void places.run(show).then(goOn, (error: unknown) => {
      // With any other error nobody else can take the folder, or it works again the next time.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') goOn();
      else void tellLost();
    });
  }
  async function tellLost(): Promise<void> {
    const isThere = await places
      .run(() => access(dirname(path)))
      .then(
        () => true,
        (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
      );
    if (released) return;
    if (isThere)
      onLost(`${path} is gone: another process, for which this one seemed dead, has taken the folder over`, 'taken');
    else onLost(`${path} is gone: somebody has removed the folder, and what was in it`, 'removed');
  }
  function goOn(): void {
    if (!released) timer = setTimeout(beat, heartbeatMs).unref();
  }
  return {
    release: async () => {
      released = true;
      clearTimeout(timer);
      await removeFile(path, places).catch(() => undefined);
    },
  };
}

async function removeFile(path: string, places: Places): Promise<void> {
  await places
    .run(() => unlink(path))
    .catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
}
