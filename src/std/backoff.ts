/** How long something that failed is left alone: 1 s, then twice as long after each failure, a minute at most. */
export interface Backoff {
  failed(): void;
  reset(): void;
  /** Whether it is too early to try again. */
  waits(): boolean;
}

export function createBackoff({ firstMs = 1000, mostMs = 60_000, now = () => performance.now() } = {}): Backoff {
  let nextMs = firstMs;
  let untilMs = 0;
  return {
    failed: () => {
      untilMs = now() + nextMs;
      nextMs = Math.min(mostMs, nextMs * 2);
    },
    reset: () => {
      nextMs = firstMs;
      untilMs = 0;
    },
    waits: () => now() < untilMs,
  };
}
