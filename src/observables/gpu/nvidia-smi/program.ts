import { setImmediate as nextTurn } from 'node:timers/promises';
import { deadlineIn, within, type Deadline } from '../../../std/deadline.ts';
import type { Backoff } from '../../../std/backoff.ts';
import { SampleError } from '../../observable.ts';
import { createQuery } from './columns.ts';
import type { NvidiaSmiLimits } from './limits.ts';
import { startRun, type Run, type RunEnd } from './run.ts';

export interface ProgramOptions {
  /** The program, or its name on the PATH. */
  readonly path: string;
  readonly intervalMs: number;
  readonly limits: NvidiaSmiLimits;
  readonly backoff: Backoff;
  /** All GPUs have been read again, or there is no run any more. */
  readonly onNews?: (() => void) | undefined;
  readonly start?: typeof startRun;
}

/** One `nvidia-smi` after the other; only `running` starts another one, when the back-off is over. No timer runs in between. */
export interface Program {
  /** @throws {SampleError} when it cannot be started. */
  start(): Promise<void>;
  /** The run that there is, if it has read all GPUs at least once, and one of them lately. @throws {SampleError} */
  running(): Run | Promise<Run>;
  close(deadline: Deadline): Promise<void>;
}

export function createProgram(options: ProgramOptions): Program {
  const { path, intervalMs, limits, backoff, onNews, start = startRun } = options;
  const rejected = new Set<string>();
  let run: Run | undefined;
  let failure: SampleError | undefined;
  let firstRows: PromiseWithResolvers<undefined> | undefined;
  let readyMs: number | undefined;
  let waitUntilMs = 0;
  let closed = false;

  const launch = (): Run => {
    run = start({ path, intervalMs, query: createQuery(rejected), onRound: ready, onEnd: end });
    return run;
  };
  const open = (): Run => {
    firstRows = Promise.withResolvers();
    firstRows.promise.catch(() => {});
    waitUntilMs = performance.now() + limits.waitMs;
    return launch();
  };
  const ready = (): void => {
    readyMs ??= performance.now();
    firstRows?.resolve(undefined);
    onNews?.();
  };
  const end = ({ error, rejected: names }: RunEnd): void => {
    run = undefined;
    if (readyMs !== undefined && performance.now() - readyMs >= limits.steadyMs) backoff.reset();
    readyMs = undefined;
    if (!closed && names.some((name) => !rejected.has(name))) {
      // There are fewer names to reject each time.
      names.forEach((name) => rejected.add(name));
      launch();
      return;
    }
    // The next one may be of another driver.
    rejected.clear();
    failure = error;
    backoff.failed();
    firstRows?.reject(error);
    onNews?.();
  };
  const ofNow = (): Run | undefined =>
    run !== undefined && readyMs !== undefined && run.silentMs() <= limits.shownMs ? run : undefined;

  const whenReady = async (): Promise<Run> => {
    if (closed) throw new SampleError('other', `${path} has been stopped`);
    if (run === undefined && failure !== undefined && backoff.waits()) throw failure;
    if (run === undefined) open();
    const waitMs = waitUntilMs - performance.now();
    if (readyMs === undefined && waitMs > 0 && firstRows) await within(deadlineIn(waitMs), firstRows.promise);
    // Where we were stopped or busy for long, its rows are there and only have to be read.
    else await nextTurn();
    const current = ofNow();
    if (current !== undefined) return current;
    if (run === undefined) throw failure ?? new SampleError('exited', `${path} has ended`);
    failure = silence(run);
    throw failure;
  };
  /** What is wrong with a run without fresh rows, which is killed when that has been so for long; in the same words all the time. */
  const silence = (silent: Run): SampleError => {
    const isReady = readyMs !== undefined;
    const what = isReady ? `no row for ${limits.shownMs / 1000} s` : 'no row of each GPU since its start';
    const error = new SampleError('timeout', `${path} has written ${what}`);
    if (silent.silentMs() < (isReady ? limits.silentMs : limits.firstRowsMs) || silent.kill(error)) return error;
    return new SampleError('timeout', `${error.message}, and we may not end it`);
  };

  return {
    start: async () => open().started,
    running: () => ofNow() ?? whenReady(),
    close: async (deadline) => {
      closed = true;
      await run?.stop(deadline);
    },
  };
}
