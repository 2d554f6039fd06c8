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
  const runs = new Set<SharedRun<readonly ScopeMetrics[]>>();
  return {
    add: (source) => {
      const run = createSharedRun(`the source ${source.name}`, () => collectNamed(source));
      runs.add(run);
      return () => void runs.delete(run);
    },
    collect: async (timeoutMs) => {
      if (runs.size === 0) return { scopes: [], errors: [] };
      const results = await Promise.allSettled(Array.from(runs, async (run) => run.get(timeoutMs)));
      return {
        scopes: results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])),
        errors: results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : [])),
      };
    },
  };
}

/** Whatever it fails with says who failed, and what is no list would spoil the whole collection. */
async function collectNamed(source: Source): Promise<readonly ScopeMetrics[]> {
  try {
    const scopes: unknown = await source.collect();
    if (Array.isArray(scopes)) return scopes as ScopeMetrics[];
  } catch (cause) {
    throw new Error(`the source ${source.name} has failed: ${String(cause)}`, { cause });
  }
  throw new TypeError(`the source ${source.name} has given no list of scopes`);
}
