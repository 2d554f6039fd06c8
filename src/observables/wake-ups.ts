/**
 * One timer for all that is to be done at some time. What a process does when it wakes up costs less than to wake up, so what is due at about the
 * same time is done together.
 */
export interface WakeUps {
  /**
   * @param dueMs on the clock of `performance.now`.
   * @param task must not throw.
   * @returns what cancels it.
   */
  at(dueMs: number, task: () => void): () => void;
}

/** Something else being done, this is done so much early. Timers fire a little early, too. */
const EARLY_MS = 10;

export function createWakeUps(): WakeUps {
  const planned = new Map<() => void, number>();
  let timer: NodeJS.Timeout | undefined;
  let firesMs = Infinity;

  /** What fires for something that has been cancelled, or put off, does no harm; to set a timer anew each time would cost more. */
  const setTimer = (): void => {
    const nextMs = Math.min(...planned.values());
    if (nextMs >= firesMs) return;
    clearTimeout(timer);
    firesMs = nextMs;
    timer = setTimeout(wakeUp, Math.max(0, nextMs - performance.now()));
  };
  const wakeUp = (): void => {
    firesMs = Infinity;
    const soonMs = performance.now() + EARLY_MS;
    for (const [run, dueMs] of [...planned]) if (dueMs <= soonMs) run();
    setTimer();
  };

  return {
    at: (dueMs, task) => {
      const cancel = (): void => {
        planned.delete(run);
        if (planned.size > 0) return;
        clearTimeout(timer);
        firesMs = Infinity;
      };
      const run = (): void => {
        planned.delete(run);
        task();
      };
      planned.set(run, dueMs);
      setTimer();
      return cancel;
    },
  };
}
