import { fieldsOf, toNumber } from '../procfs/fields.ts';
import { malformed, readProcFile, systemCode } from '../procfs/proc-file.ts';
import { parseStalls } from '../procfs/stalls.ts';
import { SampleError } from '../observable.ts';

/**
 * The files of control groups. One that is not there belongs to a controller that is off: its values are NaN. Whatever else fails is
 * reported, and its values are NaN, too.
 */
export interface CgroupFiles {
  /** Of a file with one number; NaN is also a limit that is none. */
  number(path: string): number;
  /**
   * @param parse gives undefined for what is malformed, and may throw a `SampleError`.
   * @returns undefined if there is nothing.
   */
  parsed<T>(path: string, parse: (text: string) => T | undefined): T | undefined;
  /** Of a file with lines such as `key number`. */
  keyed(path: string): KeyedValues;
  pressure(path: string): { readonly some: number; readonly full: number };
}

export interface KeyedValues {
  /** The file is malformed without it. */
  get(key: string): number;
  /** Not of every kernel, or not of every control group. */
  find(key: string): number;
}

export function createCgroupFiles(report: (error: SampleError) => void): CgroupFiles {
  const parsed: CgroupFiles['parsed'] = (path, parse) => {
    try {
      const value = parse(readProcFile(path));
      if (value === undefined) report(malformed(path, 'is not what it was expected to be'));
      return value;
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
      if (!ABSENT.includes(systemCode(error))) report(error);
      return undefined;
    }
  };

  return {
    parsed,
    // Version 1 has -1 for no quota.
    number: (path) =>
      parsed(path, (text) => (text === 'max\n' || text === '-1\n' ? NaN : toNumber(text.trim()))) ?? NaN,
    keyed: (path) => {
      const content = parsed(path, (text) => text);
      const find = (key: string): number => toNumber(fieldsOf(content ?? '', key)?.[0]) ?? NaN;
      const get = (key: string): number => {
        const value = find(key);
        if (Number.isNaN(value) && content !== undefined) report(malformed(path, `has no number for ${key}`));
        return value;
      };
      return { get, find };
    },
    pressure: (path) => {
      const { some = NaN, full = NaN } = parsed(path, (text) => parseStalls(path, text)) ?? {};
      return { some, full };
    },
  };
}

/** Not there; removed while it was read; pressure that is turned off. */
const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENODEV', 'EOPNOTSUPP'];

/** @returns the least that is known, or NaN: of the limits of a control group and its parents, the one that holds. */
export function least(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? NaN : Math.min(...known);
}
