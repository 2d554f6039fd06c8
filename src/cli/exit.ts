/** Exit codes: done, failed at run time, bad usage or bad configuration. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
