/** A moment by which something must be over. Never negative: what is late has 0 ms left. */
export interface Deadline {
  remainingMs(): number;
}

/** @param timeoutMs from now, on the monotonic clock. */
export function deadlineIn(timeoutMs: number): Deadline {
  const endMs = performance.now() + timeoutMs;
  return { remainingMs: () => Math.max(0, endMs - performance.now()) };
}

/**
 * Waits for `work`, but not past the deadline.
 *
 * @returns `{ done: true, value }`, or `{ done: false }` when time ran out first; `work` then goes on unobserved, and an error
 * that it ends with later is dropped. An error in time is thrown.
 */
export async function within<T>(
  deadline: Deadline,
  work: Promise<T>,
): Promise<{ done: true; value: T } | { done: false }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ done: false }>((resolve) => {
    timer = setTimeout(() => resolve({ done: false }), deadline.remainingMs());
  });
  try {
    return await Promise.race([work.then((value) => ({ done: true as const, value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
