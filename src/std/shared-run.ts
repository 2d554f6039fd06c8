import { deadlineIn, within } from './deadline.ts';

/** Work that never runs beside itself: who asks for it while it runs waits for the same run. */
export interface SharedRun<T> {
  /**
   * @param timeoutMs how long to wait for it. A run that somebody has waited for in vain, and that takes longer than `lateAfterMs`, goes
   * on, but nobody waits for it again: until it has ended, every call throws at once.
   * @returns its result, at once if the work is synchronous.
   * @throws what it throws, or that it is late; synchronous work throws at once.
   */
  get(timeoutMs: number): T | Promise<T>;
}

const LATE_AFTER_MS = 1_000;

/**
 * @param name of the work, for errors. @param work may return a thenable of any kind.
 * @param lateAfterMs 1000 if not given. Who is less patient than this must not take the result from the others.
 */
export function createSharedRun<T extends object>(
  name: string,
  work: () => T | Promise<T>,
  lateAfterMs = LATE_AFTER_MS,
): SharedRun<T> {
  let running: Promise<T> | undefined;
  let late = false;
  let beganMs = 0;

  const start = (): T | Promise<T> => {
    const result = work();
    if (!('then' in result)) return result;
    const over = (): void => {
      running = undefined;
      late = false;
    };
    beganMs = performance.now();
    running = Promise.resolve(result).finally(over);
    return running;
  };
  const inTime = async (run: Promise<T>, timeoutMs: number): Promise<T> => {
    const ended = await within(deadlineIn(timeoutMs), run);
    if (ended.done) return ended.value;
    late ||= timeoutMs >= lateAfterMs || performance.now() - beganMs >= lateAfterMs;
    throw new Error(`${name} has not ended within ${timeoutMs} ms`);
  };

  return {
    get: (timeoutMs) => {
      if (late) throw new Error(`${name} has not ended since it was late`);
      const run = running ?? start();
      return run instanceof Promise ? inTime(run, timeoutMs) : run;
    },
  };
}
