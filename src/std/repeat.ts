/** A task that runs again and again, never beside itself. */
export interface Repetition {
  /** Starts no further run and resolves when the running one has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface RepeatOptions {
  /** From the start of one run to the start of the next; a run that takes longer makes the next one wait for it. */
  readonly intervalMs: number | (() => number);
  /** Must handle its own errors: what it throws is a programmer's error and is thrown on. */
  readonly task: () => unknown;
}

/** The first run is one interval from now. */
export function repeat({ intervalMs, task }: RepeatOptions): Repetition {
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let timer: NodeJS.Timeout;

  const interval = typeof intervalMs === 'number' ? (): number => intervalMs : intervalMs;
  const schedule = (delayMs: number): void => {
    timer = setTimeout(() => {
      const startMs = performance.now();
      running = Promise.resolve(task()).then(() => {
        if (!stopped) schedule(Math.max(0, interval() - (performance.now() - startMs)));
      });
    }, delayMs);
  };
  schedule(interval());

  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
