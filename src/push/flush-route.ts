import { jsonAnswer, type Route } from '../http/routes.ts';
import type { FlushResult } from './push.ts';

export interface FlushRouteOptions {
  readonly flush: (timeoutMs: number) => Promise<FlushResult>;
  /** @returns milliseconds; undefined for what is no duration. */
  readonly readDuration: (text: string) => number | undefined;
}

const DEFAULT_TIMEOUT = '10s';
const TIMEOUT_MS_MAX = 60_000;

/** `POST /-/flush?timeout=5s`: 200 when all that was collected is sent or on disk, 503 when the time was too short for that. */
export function createFlushRoute({ flush, readDuration }: FlushRouteOptions): Route {
  return {
    path: '/-/flush',
    method: 'POST',
    handle: async ({ query }) => {
      const given = new URLSearchParams(query).get('timeout') ?? DEFAULT_TIMEOUT;
      const timeoutMs = readDuration(given);
      if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX) {
        const got = JSON.stringify(given.slice(0, 100));
        return jsonAnswer(400, { error: `timeout must be a duration from 1ms to 60s, such as 5s (got ${got})` });
      }
      const result = await flush(timeoutMs);
      return jsonAnswer(result.ok ? 200 : 503, result);
    },
  };
}
