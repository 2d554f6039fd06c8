import type { Exemplar } from './model.ts';

/** The one made later; of two made at one time the second. */
export function latestExemplar(first: Exemplar | undefined, second: Exemplar | undefined): Exemplar | undefined {
  if (first === undefined || second === undefined) return second ?? first;
  return second.timeMs < first.timeMs ? first : second;
}
