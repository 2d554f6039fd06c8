import { jsonAnswer, type Route } from '../http/routes.ts';
import { deadlineIn, within } from '../std/deadline.ts';
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
  const shared = shareRuns(flush);
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
      const result = await shared(timeoutMs);
      if (result === undefined)
        return jsonAnswer(503, { ok: false, error: 'another flush was under way for all that time' });
      return jsonAnswer(result.ok ? 200 : 503, result);
    },
  };
}

/**
 * One run at a time. What is asked for while one is under way, which may have collected already, waits for the next one, and all who ask
 * for it until it begins share it.
 *
 * @returns undefined if the next one has not ended in time.
 */
function shareRuns<T>(run: (timeoutMs: number) => Promise<T>): (timeoutMs: number) => Promise<T | undefined> {
  let current: Promise<unknown> | undefined;
  let next: { readonly endsMs: number[]; readonly result: Promise<T> } | undefined;

  const begin = (timeoutMs: number): Promise<T> => {
    const begun = run(timeoutMs);
    const over = (): void => void (current = undefined);
    current = begun.then(over, over);
    return begun;
  };
  const follow = (before: Promise<unknown>): NonNullable<typeof next> => {
    const endsMs: number[] = [];
    const result = before.then(() => {
      next = undefined;
      return begin(Math.max(1, ...endsMs.map((end) => end - performance.now())));
    });
    return { endsMs, result };
  };

  return async (timeoutMs) => {
    if (current !== undefined) next ??= follow(current);
    if (next === undefined) return begin(timeoutMs);
    next.endsMs.push(performance.now() + timeoutMs);
    const ended = await within(deadlineIn(timeoutMs), next.result);
    return ended.done ? ended.value : undefined;
  };
}
