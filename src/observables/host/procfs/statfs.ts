import { stat, statfs } from 'node:fs/promises';
import { SampleError } from '../../observable.ts';
import { decodeName } from './names.ts';
import { systemError } from '../../procfs/proc-file.ts';

/** statfs(2): counts of blocks of `frsize` bytes, and of inodes. Node.js before 26 only has `bsize`, which nearly always is the same. */
export interface Space {
  /** Whose space it is, if that was asked: the device number that stat(2) has for the path. Of a file that is mounted, overlayfs tells that of a layer. */
  readonly dev: number | undefined;
  readonly bsize: number;
  readonly frsize?: number | undefined;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** Paths have one character for each byte. */
export interface StatfsOptions {
  /** The system's by default, which may hang. */
  readonly call?: (path: string, options: SpaceOptions) => Promise<Space>;
  readonly timeoutMs?: number;
  /** Each call that does not return holds one of the four threads that Node.js reads files, resolves names and compresses with. */
  readonly stuckMax?: number;
}

export interface SpaceOptions {
  /** Whether it is asked whose space it is, which is a second call of the system, and most of what a sample costs. */
  readonly dev: boolean;
}

export interface Statfs {
  /**
   * One path at a time.
   *
   * @throws SampleError `timeout`, also while an earlier call for this path, or too many others, have not returned; or what the system says.
   */
  readonly space: (path: string, options: SpaceOptions) => Promise<Space>;
  /** Ends the waiting, which then throws, but not the calls: nothing can. */
  readonly close: () => void;
}

/** statfs, with a stat, that a dead file server cannot hang: a path that does not answer is left alone until it does. */
export function createStatfs({ call = callSystem, timeoutMs = 2000, stuckMax = 2 }: StatfsOptions): Statfs {
  const running = new Set<string>();
  let abandon = (): void => undefined;

  const answer = async (path: string, options: SpaceOptions): Promise<Space> => {
    running.add(path);
    try {
      return await call(path, options);
    } catch (error) {
      throw systemError(`cannot read the filesystem at ${decodeName(path)}`, error);
    } finally {
      running.delete(path);
    }
  };

  return {
    space: async (path, options) => {
      if (running.has(path)) throw notAnswered(path);
      if (running.size >= stuckMax) {
        const others = `${running.size} others have not answered`;
        throw new SampleError('timeout', `statfs ${decodeName(path)} is not called while ${others}`);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Space>();
      abandon = () => reject(new Error('closed'));
      const timer = setTimeout(() => reject(notAnswered(path)), timeoutMs);
      answer(path, options).then(resolve, reject);
      return promise.finally(() => clearTimeout(timer));
    },
    close: () => abandon(),
  };
}

/** One call after the other: both may hang, and together they hold one thread. */
async function callSystem(path: string, options: SpaceOptions): Promise<Space> {
  const bytes = Buffer.from(path, 'latin1');
  const found = options.dev ? await stat(bytes) : undefined;
  const space: Omit<Space, 'dev'> = await statfs(bytes);
  return { ...space, dev: found?.isDirectory() ? found.dev : undefined };
}

function notAnswered(path: string): SampleError {
  return new SampleError('timeout', `statfs ${decodeName(path)} has not answered`);
}
