import { pathText, type Path } from './paths.ts';

export interface Problem {
  /** What has to be changed; none where it is not in the file. */
  readonly path?: Path;
  /** The whole message. */
  readonly text: string;
  /** Offset in the file; Infinity for what is not in the file. */
  readonly position: number;
}

export interface Problems {
  /** Drops a second problem of one path: it has the same cause. */
  add(problem: Problem): void;
  /** Messages in the order of their positions, each once. */
  list(): readonly string[];
}

export function collectProblems(): Problems {
  const kept: Problem[] = [];
  const paths = new Set<string>();
  return {
    add: (problem) => {
      const path = problem.path && pathText(problem.path);
      if (path !== undefined && paths.has(path)) return;
      if (path !== undefined) paths.add(path);
      kept.push(problem);
    },
    list: () => [...new Set(kept.toSorted((a, b) => a.position - b.position).map(({ text }) => text))],
  };
}

/**
 * @returns a value from the file as messages show it: never what is inside of a mapping or a list, nor what a URL has before its `@` or
 * after its `?`, since credentials are put there.
 */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const open = value.replace(/^(\w+:\/\/)?.*@/s, '$1…@').replace(/(:\/\/[^?#]*[?#]).*$/s, '$1…');
  return JSON.stringify(open.length > 100 ? `${open.slice(0, 100)}…` : open);
}
