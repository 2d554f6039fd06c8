import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deadlineIn, within, type Deadline } from '../../std/deadline.ts';
import { createBackoff, type Backoff } from '../../std/backoff.ts';
import { SampleError } from '../observable.ts';
import type { Answers, Question } from './answers.ts';

/**
 * systeminformation in a process of its own, which the first question starts. Questions that come together are answered one after the
 * other. A process that does not answer in time is killed, with all that it has started; after its end, the next question starts another
 * one, but not before a time that grows from one failure to the next.
 */
export interface SysteminformationClient {
  /** Rejects with a `SampleError`: `timeout`, or `exited` (it ended, or is not to be started again yet). */
  ask<Q extends Question>(question: Q): Promise<Answers[Q]>;
  /** Kills the process, waits for its end, but not for long, and refuses further questions. Idempotent, safe without a question. */
  close(deadline: Deadline): Promise<void>;
}

export interface SysteminformationOptions {
  /** For one question; less than what a sample may take, so that it is known which one it was. */
  readonly timeoutMs?: number;
  /** From the end of a process to the start of the next. */
  readonly backoff?: Backoff;
  /** After a process that ran for less, the back-off goes on where it was. */
  readonly steadyMs?: number;
  /** Of the process; that of this one if not given. */
  readonly env?: NodeJS.ProcessEnv;
}

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  readonly startMs: number;
  /** The one that waits for a reply. */
  waiting: PromiseWithResolvers<Answers[Question]> | undefined;
}

/** For the end of a process that is killed. The kernel ends none that waits for a driver, as one that hangs. */
const PATIENCE_MS = 500;

/** With it, a child process has a group of processes of its own. On Windows, there is no such thing. */
const HAS_GROUP = process.platform !== 'win32';

export function createSysteminformation(options: SysteminformationOptions = {}): SysteminformationClient {
  const { timeoutMs = 4000, backoff = createBackoff(), steadyMs = 60_000, env } = options;
  let child: Child | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let failure = '';
  let closed = false;
  let leaving: Child | undefined;

  const ended = (gone: Child, error: SampleError): void => {
    killGroup(gone.process);
    if (child !== gone) return;
    child = undefined;
    leaving = gone;
    failure = error.message;
    if (performance.now() - gone.startMs >= steadyMs) backoff.reset();
    backoff.failed();
    gone.waiting?.reject(error);
  };

  /** Most of what can be wrong is told by an event, but a few things at once, such as that there is no memory. */
  const tryStart = (): Child => {
    try {
      return startChild(env);
    } catch (error) {
      failure = `systeminformation cannot be started: ${(error as Error).message}`;
      backoff.failed();
      throw new SampleError('exited', failure, { cause: error });
    }
  };

  const start = (): Child => {
    const started = tryStart();
    started.process.on('message', (message) => started.waiting?.resolve(message as Answers[Question]));
    started.process.on('error', (error) =>
      ended(started, new SampleError('exited', `systeminformation cannot be started: ${error.message}`)),
    );
    started.process.once('exit', (code, signal) =>
      ended(started, new SampleError('exited', `systeminformation ended with ${signal ?? `code ${code}`}`)),
    );
    return started;
  };

  const answer = async (question: Question): Promise<Answers[Question]> => {
    if (closed) throw new SampleError('exited', 'systeminformation was closed');
    if (child === undefined && backoff.waits()) {
      throw new SampleError('exited', `${failure}; it is not started again yet`);
    }
    const asked = (child ??= start());
    const waiting = (asked.waiting = Promise.withResolvers<Answers[Question]>());
    const timer = setTimeout(
      () => ended(asked, new SampleError('timeout', `systeminformation: no ${question} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      // If it is not, it could not be started or has just ended, of which there will be an event.
      if (asked.process.connected) asked.process.send(question);
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      asked.waiting = undefined;
    }
  };

  return {
    ask: <Q extends Question>(question: Q) => {
      const answered = last.then(() => answer(question)) as Promise<Answers[Q]>;
      last = answered.catch(() => undefined);
      return answered;
    },
    close: async (deadline) => {
      closed = true;
      if (child) ended(child, new SampleError('exited', 'systeminformation was closed'));
      const patience = deadlineIn(Math.min(PATIENCE_MS, deadline.remainingMs()));
      if (leaving && !(await within(patience, leaving.ended)).done) letGo(leaving.process);
    },
  };
}

/** `tsc` leaves the names of files in strings as they are: the compiled child is a `.js`. */
const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url)).replace(/\.ts$/, extname(import.meta.filename));

function startChild(env: NodeJS.ProcessEnv | undefined): Child {
  const child = fork(CHILD, [], {
    env,
    // Not those of this process: an inspector's port, say, can be had only once.
    execArgv: [],
    serialization: 'advanced',
    detached: HAS_GROUP,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).on('error', () => resolve()));
  return { process: child, ended, startMs: performance.now(), waiting: undefined };
}

/** So that ours can end before it. */
function letGo(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  child.unref();
}

/** With what it has started, such as a `df` that waits for a dead server. Also after its own end. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (!HAS_GROUP) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left of it.
  }
}
