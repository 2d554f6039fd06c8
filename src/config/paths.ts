/** The way from the root of the configuration to a value: keys, and indices from 0 in lists. */
export type Path = readonly (string | number)[];

/** @returns the path as messages show it: `push[0].headers.authorization`, `resource["service.name"]`. */
export function pathText(path: Path): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_][\w-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** @returns the value at `path`; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => {
    const inside = Array.isArray(at) || isMapping(at);
    return inside && Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  }, root);
}

/** @returns the steps into a list; none into anything else. */
export function indices(list: unknown): number[] {
  return Array.isArray(list) ? [...list.keys()] : [];
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
