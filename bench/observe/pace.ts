import type { CaseOptions } from '../case.ts';

/** Of one process, one after the other. Enough of them that garbage collections are in. */
export function scrapesOf({ quick }: CaseOptions): { warmUp: number; counted: number } {
  return quick ? { warmUp: 1, counted: 5 } : { warmUp: 400, counted: 400 };
}
