import type { WakeUps } from './wake-ups.ts';

/** Runs a task at an interval and when there is news, never beside itself. */
export interface Pace {
  /** Resolves when the first run has ended. */
  start(): Promise<void>;
  /** Runs it now, unless it runs already, or does not run yet or any more. */
  onNews(): void;
  /** Starts no further run and resolves when the running one has ended. */
  stop(): Promise<void>;
}

export interface PaceOptions {
  /** Must handle its own errors. */
  readonly task: () => Promise<void>;
  /** From the start of one run to the start of the next; asked after each. @param hadNews whether it was run for that. */
  readonly intervalMs: (hadNews: boolean) => number;
  readonly wakeUps: WakeUps;
}

export function createPace({ task, intervalMs, wakeUps }: PaceOptions): Pace {
  let state: 'created' | 'started' | 'stopped' = 'created';
  let running: Promise<void> | undefined;
  let cancel = (): void => {};

  const run = (hasNews: boolean): Promise<void> => (running ??= runOnce(hasNews));
  const runOnce = async (hasNews: boolean): Promise<void> => {
    const startMs = performance.now();
    await task();
    running = undefined;
    cancel();
    if (state === 'started') cancel = wakeUps.at(startMs + intervalMs(hasNews), () => void run(false));
  };

  return {
    start: () => {
      state = 'started';
      return run(false);
    },
    onNews: () => {
      if (state === 'started') void run(true);
    },
    stop: async () => {
      state = 'stopped';
      cancel();
      await running;
    },
  };
}
