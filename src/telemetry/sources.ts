import { faultOfScopes } from '../metric/fault.ts';
import type { ScopeMetrics } from '../metric/model.ts';
import { errorText } from '../std/error-text.ts';
import { createSharedRun, type SharedRun } from '../std/shared-run.ts';
import type { SourceError } from './engine.ts';
import type { Source } from './source.ts';

/** The sources besides the engine. */
export interface Sources {
  /** @returns takes it out again. */
  add(source: Source): () => void;
  /** All at the same time, each under the deadline. */
  collect(timeoutMs: number): Promise<{ scopes: readonly ScopeMetrics[]; errors: readonly SourceError[] }>;
}

export function createSources(): Sources {
  const added = new Set<{ readonly name: string; readonly run: SharedRun<readonly ScopeMetrics[]> }>();
  return {
    add: (source) => {
      const { name } = source;
      const entry = { name, run: createSharedRun(`the source ${name}`, () => collectNamed(source)) };
      added.add(entry);
      return () => void added.delete(entry);
    },
    collect: async (timeoutMs) => {
      const scopes: ScopeMetrics[] = [];
      const errors: SourceError[] = [];
      const results = Array.from(added, async ({ name, run }) => {
        try {
          return await run.get(timeoutMs);
        } catch (error) {
          errors.push({ source: name, error });
          return [];
        }
      });
      // In the order in which they were added, whichever comes first.
      for (const result of results) scopes.push(...(await result));
      return { scopes, errors };
    },
  };
}

/** Whatever it fails with says who failed, and what is not valid would spoil the whole collection. */
async function collectNamed(source: Source): Promise<readonly ScopeMetrics[]> {
  let scopes: readonly ScopeMetrics[];
  let fault: string | undefined;
  try {
    scopes = await source.collect();
    fault = faultOfScopes(scopes);
  } catch (cause) {
    throw new Error(`the source ${source.name} has failed: ${errorText(cause)}`, { cause });
  }
  if (fault === undefined) return scopes;
  throw new TypeError(`the source ${source.name} has given what is not valid: ${fault}`);
}
