import type { ScopeMetrics } from '../metric/model.ts';
import { createSharedRun, type SharedRun } from '../std/shared-run.ts';
import type { Source } from './source.ts';

/** The sources besides the engine. */
export interface Sources {
  /** @returns takes it out again. */
  add(source: Source): () => void;
  /** All at the same time, each under the deadline. */
  collect(timeoutMs: number): Promise<{ scopes: readonly ScopeMetrics[]; errors: readonly unknown[] }>;
}

export function createSources(): Sources {
  const runs = new Map<object, { name: string; run: SharedRun<readonly ScopeMetrics[]> }>();
  return {
    add: (source) => {
      const key = {};
      runs.set(key, { name: source.name, run: createSharedRun(`the source ${source.name}`, () => source.collect()) });
      return () => void runs.delete(key);
    },
    collect: async (timeoutMs) => {
      if (runs.size === 0) return { scopes: [], errors: [] };
      const results = await Promise.allSettled(Array.from(runs.values(), async ({ run }) => run.get(timeoutMs)));
      return {
        scopes: results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])),
        errors: results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : [])),
      };
    },
  };
}
