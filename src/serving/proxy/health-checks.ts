import { repeat, type Repetition } from '../../std/repeat.ts';
import type { Replica } from './replicas.ts';

export interface HealthCheckOptions {
  /** Below the replica's own base path. */
  readonly path: string;
  readonly intervalMs: number;
  /** For the whole answer. */
  readonly timeoutMs: number;
}

/** Asks a replica how it is, at once and then again and again. */
export function startHealthChecks(replica: Replica, options: HealthCheckOptions): Repetition {
  let stopped = false;
  const check = async (): Promise<void> => {
    const passed = await passes(replica, options);
    // One that was broken off says nothing.
    if (!stopped) replica.health.checked(passed);
  };
  const first = check();
  const further = repeat({ intervalMs: options.intervalMs, task: check });
  return {
    stop: async () => {
      stopped = true;
      await further.stop();
      await first;
    },
  };
}

/** Of the answer the status is wanted, and of its body only that it ends. */
const BODY_BYTES_MAX = 64 * 1024;

async function passes({ dispatcher, basePath }: Replica, { path, timeoutMs }: HealthCheckOptions): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { statusCode, body } = await dispatcher.request({
      path: `${basePath}${path}`,
      method: 'GET',
      headers: { 'user-agent': 'metergate' },
      signal,
    });
    await body.dump({ limit: BODY_BYTES_MAX, signal });
    return statusCode >= 200 && statusCode <= 299;
  } catch {
    // No connection, no answer in time, none that is HTTP: it is all the same.
    return false;
  }
}
