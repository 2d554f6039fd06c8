/** Patterns of attribute keys: `*` stands for any characters, `?` for one. */
export interface ConstantLabels {
  /** Not there = all. */
  readonly included?: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

/** Which attributes of a resource are labels of every series. @param labels not there = none is. */
export function createConstantLabels(labels: ConstantLabels | undefined): (key: string) => boolean {
  if (labels === undefined) return () => false;
  const included = (labels.included ?? ['*']).map(toRegExp);
  const excluded = labels.excluded.map(toRegExp);
  return (key) => included.some((pattern) => pattern.test(key)) && !excluded.some((pattern) => pattern.test(key));
}

function toRegExp(pattern: string): RegExp {
  const parts = Array.from(pattern.matchAll(/[*?]|[^*?]+/g), ([part]) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'su');
}
