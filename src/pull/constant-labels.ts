import { matcher } from '../std/wildcards.ts';

/** Patterns of attribute keys: `*` stands for any characters, `?` for one. */
export interface ConstantLabels {
  /** Not there = all. */
  readonly included?: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

/** Which attributes of a resource are labels of every series. @param labels not there = none is. */
export function createConstantLabels(labels: ConstantLabels | undefined): (key: string) => boolean {
  if (labels === undefined) return () => false;
  const isIncluded = matcher(labels.included ?? ['*']);
  const isExcluded = matcher(labels.excluded);
  return (key) => isIncluded(key) && !isExcluded(key);
}
