/** Runs tasks one after the other, in the order in which they came. */
export interface Serial {
  /** @returns what the task returns, or throws; the next one runs either way. */
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: (task) => {
      const run = last.then(task);
      last = run.catch(() => undefined);
      return run;
    },
  };
}
