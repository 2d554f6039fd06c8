import type { RetryOptions } from './options.ts';

/** How long to wait before an attempt. */
export interface Retry {
  /** @returns ms */
  failed(): number;
  reset(): void;
}

/** Up to half of a wait is chance, so that many gateways do not come back to a receiver all at once. */
export function createRetry(
  { initialIntervalMs, maxIntervalMs }: RetryOptions,
  random: () => number = Math.random,
): Retry {
  let nextMs = initialIntervalMs;
  return {
    failed: () => {
      const delayMs = nextMs * (1 - random() / 2);
      nextMs = Math.min(maxIntervalMs, nextMs * 2);
      return delayMs;
    },
    reset: () => {
      nextMs = initialIntervalMs;
    },
  };
}

/** The time that a receiver asked to be left alone for, whichever lane it told so. */
export interface Throttle {
  asked(retryAfterMs: number): void;
  remainingMs(): number;
  /** It is asked all the same. */
  end(): void;
}

export function createThrottle(now: () => number = () => performance.now()): Throttle {
  let untilMs = 0;
  return {
    asked: (retryAfterMs) => {
      untilMs = Math.max(untilMs, now() + retryAfterMs);
    },
    // Timers may be a part of a millisecond early.
    remainingMs: () => Math.max(0, Math.ceil(untilMs - now())),
    end: () => {
      untilMs = 0;
    },
  };
}
