import { spawn, type ChildProcess } from 'node:child_process';
import { platform } from 'node:os';
import { deadlineIn, within, type Deadline } from '../../../std/deadline.ts';
import { SampleError } from '../../observable.ts';
import { createLines } from './lines.ts';

export interface ChildOptions {
  /** The program, or its name on the PATH; no shell is asked. */
  readonly path: string;
  readonly args: readonly string[];
  readonly onLine: (line: string) => void;
  readonly onLineTooLong: () => void;
  /** Of its standard error. */
  readonly onErrorLine: (line: string) => void;
  /** Once, also when it could not be started, but never before `startChild` has returned. Its lines have all come. */
  readonly onEnd: (error: SampleError) => void;
  /** Throws as `process.kill` does; a negative number is a group of processes. */
  readonly kill?: (pid: number, signal: NodeJS.Signals) => void;
}

/** A program that runs for long and writes lines, with all that it starts. */
export interface Child {
  /** Rejects with what `onEnd` gets when it cannot be started. */
  readonly started: Promise<void>;
  /** It may take its time to end. @returns false when we may not: it runs as somebody else, as with sudo. */
  kill(): boolean;
  /** Asks it to end, makes it end when it does not, and leaves it alone when that is of no use: within a second in all. */
  stop(deadline: Deadline): Promise<void>;
}

/** Of a child that has exited, for what it wrote last: a process of its own may hold the pipe open for ever. */
const DRAIN_MS = 1000;

/** For each of the two ways to end it. The kernel ends none that waits for a driver, as one that hangs. */
const PATIENCE_MS = 500;

/**
 * With it, a program has a group of processes of its own: a signal to all of ours, such as that of Ctrl-C, leaves to us when it ends,
 * and with it ends what it has started. On Windows, there is no such thing.
 */
const HAS_GROUP = platform() !== 'win32';

export function startChild(options: ChildOptions): Child {
  const { path, args, onLine, onLineTooLong, onErrorLine, onEnd } = options;
  const kill = options.kill ?? ((pid, signal) => process.kill(pid, signal));
  const started = Promise.withResolvers<undefined>();
  started.promise.catch(() => {});
  const ended = Promise.withResolvers<undefined>();
  const end = (error: SampleError): void => {
    started.reject(error);
    ended.resolve(undefined);
    onEnd(error);
  };

  const child = spawned(path, args);
  if (child instanceof Error) {
    setImmediate(() => end(startError(path, child)));
    return { started: started.promise, kill: () => true, stop: async () => {} };
  }
  const stdout = createLines(onLine, onLineTooLong);
  const stderr = createLines(onErrorLine, () => {});
  /** @returns false when the system refuses. */
  const send = (signal: NodeJS.Signals): boolean => {
    if (child.pid === undefined) return true;
    try {
      kill(HAS_GROUP ? -child.pid : child.pid, signal);
      return true;
    } catch (error) {
      // Else nobody is left of it.
      return (error as NodeJS.ErrnoException).code !== 'EPERM';
    }
  };
  const abandon = (): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  };
  // First: without a file descriptor to be had, there are no streams either.
  child.once('error', (error) => {
    child.removeAllListeners('close');
    end(startError(path, error));
  });
  child.once('spawn', () => started.resolve(undefined));
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => stdout.push(chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => stderr.push(chunk));
  child.once('exit', () => {
    if (HAS_GROUP) send('SIGKILL');
    setTimeout(abandon, DRAIN_MS).unref();
  });
  child.once('close', (code, signal) => {
    stdout.end();
    stderr.end();
    const how = signal === null ? `exited with status ${String(code)}` : `was ended by ${signal}`;
    end(new SampleError('exited', `${path} ${how}`));
  });

  return {
    started: started.promise,
    kill: () => send('SIGKILL'),
    stop: async (deadline) => {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        send(signal);
        const patience = deadlineIn(Math.min(PATIENCE_MS, deadline.remainingMs()));
        if ((await within(patience, ended.promise)).done) return;
      }
      abandon();
    },
  };
}

/** Most of what can be wrong is told by an event, but a few things at once: that there is no memory, or that links go in a circle. */
function spawned(path: string, args: readonly string[]): ChildProcess | Error {
  try {
    return spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, detached: HAS_GROUP });
  } catch (error) {
    return error as Error;
  }
}

function startError(path: string, error: NodeJS.ErrnoException): SampleError {
  const cause = { cause: error };
  if (error.code === 'ENOENT') return new SampleError('missing', `there is no program ${path}`, cause);
  return new SampleError('unreadable', `${path} cannot be started: ${error.message}`, cause);
}
