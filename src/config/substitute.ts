import { getSystemErrorMessage } from 'node:util';
import { isMapping, pathText, type Path } from './paths.ts';

export interface SubstituteOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the content of a file; throws what `node:fs` throws. */
  readonly readFile: (path: string) => string;
  /** JSON Schema type wanted at a path, if only one is. */
  readonly typeAt: (path: Path) => unknown;
  /** `text` is the second half of a sentence that starts with the path. */
  readonly report: (path: Path, text: string) => void;
}

export interface Substituted {
  readonly value: unknown;
  /** By `pathText`, what the file says at the places that now hold something from outside, which no message may show. */
  readonly templates: ReadonlyMap<string, string>;
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also used for an empty variable), `${file:/path}` (one trailing newline trimmed) and `$$`
 * (a dollar) in all strings of parsed YAML, so that what comes in can never become YAML. A string that is nothing but one `${...}`
 * becomes a number or a boolean where the schema asks for one. What fails is reported and left as it was.
 */
export function substitute(root: unknown, options: SubstituteOptions): Substituted {
  const templates = new Map<string, string>();

  const walk = (value: unknown, path: Path, around: readonly unknown[]): unknown => {
    if (around.includes(value)) {
      options.report(path, 'must not contain itself');
      return undefined;
    }
    if (Array.isArray(value)) return value.map((entry, index) => walk(entry, [...path, index], [...around, value]));
    if (isMapping(value)) {
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([key, inner]) => [key, walk(inner, [...path, key], [...around, value])]));
    }
    if (typeof value !== 'string' || !value.includes('$')) return value;
    if (value.includes('${')) templates.set(pathText(path), value);
    const text = replaced(value, path, options);
    return /^\$\{[^}]*\}$/.test(value) ? retyped(text, options.typeAt(path)) : text;
  };

  return { value: walk(root, [], []), templates };
}

function replaced(template: string, path: Path, { env, readFile, report }: SubstituteOptions): string {
  const failures: string[] = [];
  const text = template.replace(
    /\$\$|\$\{([^}]*)(\}?)/g,
    (whole, inner: string | undefined, end: string | undefined) => {
      if (inner === undefined) return '$';
      const { file, name, fallback } =
        /^(?:file:(?<file>.+)|(?<name>[A-Za-z_]\w*)(?::-(?<fallback>.*))?)$/s.exec(inner)?.groups ?? {};
      if (end === '' || (file === undefined && name === undefined)) {
        failures.push('must hold ${NAME}, ${NAME:-default} or ${file:/path} where it has "${" ($$ is a dollar)');
        return whole;
      }
      if (file !== undefined) {
        try {
          return readFile(file).replace(/\r?\n$/, '');
        } catch (error) {
          failures.push(`needs the file ${file}: ${whyUnreadable(error)}`);
          return whole;
        }
      }
      const value = env[name ?? ''];
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value === undefined) failures.push(`needs the environment variable ${name}, which is not set`);
      return value ?? whole;
    },
  );
  if (failures.length > 0) report(path, failures.join(', and '));
  return text;
}

function retyped(text: string, type: unknown): unknown {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

/** @param error what `node:fs` threw. @returns the reason, without the path. */
export function whyUnreadable(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  return 'errno' in error && typeof error.errno === 'number' ? getSystemErrorMessage(error.errno) : error.message;
}
