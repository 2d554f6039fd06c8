import type { RetryOptions } from './options.ts';

/** How long to wait before an attempt. */
export interface Retry {
  /** @param retryAfterMs what the receiver asked for; it is not asked sooner. @returns ms */
  failed(retryAfterMs?: number): number;
  reset(): void;
}

/** Up to half of a wait is chance, so that many gateways do not come back to a receiver all at once. */
export function createRetry(
  { initialIntervalMs, maxIntervalMs }: RetryOptions,
  random: () => number = Math.random,
): Retry {
  let nextMs = initialIntervalMs;
  return {
    failed: (retryAfterMs = 0) => {
      const delayMs = nextMs * (1 - random() / 2);
      nextMs = Math.min(maxIntervalMs, nextMs * 2);
      return Math.max(retryAfterMs, delayMs);
    },
    reset: () => {
      nextMs = initialIntervalMs;
    },
  };
}
