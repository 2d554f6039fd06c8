import { deadlineIn, within } from './deadline.ts';

/** Work that never runs beside itself: who asks for it while it runs waits for the same run. */
export interface SharedRun<T> {
  /**
   * @param timeoutMs how long to wait for it. A run that has missed this goes on, but nobody waits for it again: until it has ended,
   * every call throws at once.
   * @returns its result, at once if the work is synchronous.
   * @throws what it throws, or that it is late; synchronous work throws at once.
   */
  get(timeoutMs: number): T | Promise<T>;
}

/** @param name of the work, for errors. @param work may return a thenable of any kind. */
export function createSharedRun<T extends object>(name: string, work: () => T | Promise<T>): SharedRun<T> {
  let running: Promise<T> | undefined;
  let late = false;

  const start = (): T | Promise<T> => {
    const result = work();
    if (!('then' in result)) return result;
    const over = (): void => {
      running = undefined;
      late = false;
    };
    running = Promise.resolve(result).finally(over);
    return running;
  };
  const inTime = async (run: Promise<T>, timeoutMs: number): Promise<T> => {
    const ended = await within(deadlineIn(timeoutMs), run);
    if (ended.done) return ended.value;
    late = true;
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
