/**
 * Whether a replica is believed to be well, from what its checks and its requests say. `unhealthyAfter` failures in a row of either
 * kind are enough to think not. A check that passes takes back both, a request that is answered only what requests said.
 * One that failed requests is tried again by a single request after a back-off, which doubles each time that it fails.
 *
 * Source: outlier detection of Envoy, passive and active health checks of HAProxy
 */
export interface Health {
  readonly healthy: boolean;
  /** Whether it is to be sent requests; where it is unhealthy, a single one, to show that it is back. */
  accepts(nowMs: number): boolean;
  /** It is sent that one, and the next after a longer back-off. */
  tried(nowMs: number): void;
  /** The head of a response came. */
  answered(): void;
  /** @param nowMs on a monotonic clock. */
  failed(nowMs: number): void;
  checked(passed: boolean): void;
}

export interface HealthOptions {
  /** Failures in a row. */
  readonly unhealthyAfter: number;
  readonly backoffMaxMs: number;
  /** Called when `healthy` has changed. */
  readonly onChange: (healthy: boolean) => void;
}

const BACKOFF_MS = 1_000;

export function createHealth({ unhealthyAfter, backoffMaxMs, onChange }: HealthOptions): Health {
  let failures = 0;
  let failedChecks = 0;
  let backoffMs = BACKOFF_MS;
  let retryAtMs = 0;
  let healthy = true;

  const backOff = (nowMs: number): void => {
    retryAtMs = nowMs + Math.min(backoffMs, backoffMaxMs);
    backoffMs *= 2;
  };
  const settle = (): void => {
    const now = failures < unhealthyAfter && failedChecks < unhealthyAfter;
    if (now === healthy) return;
    healthy = now;
    onChange(healthy);
  };
  return {
    get healthy() {
      return healthy;
    },
    accepts: (nowMs) => healthy || (failedChecks < unhealthyAfter && nowMs >= retryAtMs),
    tried: backOff,
    answered: () => {
      if (failures === 0 && backoffMs === BACKOFF_MS) return;
      failures = 0;
      backoffMs = BACKOFF_MS;
      retryAtMs = 0;
      settle();
    },
    failed: (nowMs) => {
      failures++;
      // Those that were on their way when it was found out say nothing new.
      if (failures >= unhealthyAfter && nowMs >= retryAtMs) backOff(nowMs);
      settle();
    },
    checked: (passed) => {
      failedChecks = passed ? 0 : failedChecks + 1;
      // It need not wait for a request to come and find out.
      if (passed && failures >= unhealthyAfter) failures = retryAtMs = 0;
      settle();
    },
  };
}
