import * as z from 'zod';
import { requestHeaderFault } from './header-names.ts';
import { matching, readAddress, readDuration, readSize, readText, readUpstreamUrl } from './values.ts';

/*
 * The kinds of values that the schema is made of. Every error text is the second half of a sentence that starts with the key path.
 */

export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, 'must be a mapping');
}

export function list<S extends z.ZodType>(entry: S, wanted = 'must be a list') {
  return z.array(entry, wanted);
}

/** A string with a meaning: `read` returns it, or undefined. No pattern goes into the JSON Schema, since `${NAME}` is valid, too. */
export function text<T>(read: (text: string) => T | undefined, wanted: string) {
  return z.string(wanted).transform((given, context): T => {
    const value = read(given);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message: wanted, input: given });
    return z.NEVER;
  });
}

export function string() {
  return z.string('must be a string, in quotes if it looks like a number');
}

export function filled() {
  return string().min(1, 'must not be empty');
}

/** No longer than what the gateway takes for a label. */
export function label() {
  return filled().max(128, 'must have at most 128 characters');
}

export function name() {
  return text(
    matching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/),
    'must be a name: up to 63 letters, digits, dots, dashes or underscores, the first a letter or digit',
  );
}

/** A header of a request that something is made of. */
export function requestHeader() {
  return string()
    .check((context) => {
      const fault = requestHeaderFault(context.value);
      if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value });
    })
    .toLowerCase();
}

/** One URL or a list of them, each an http or https URL. Which they must not be at one time is in upstream-checks.ts. */
export function urls() {
  const wanted = 'must be an http or https URL without user information, query or fragment';
  const several = 'must be a URL, or a list of at least one';
  const entry = z.unknown().meta({ type: 'string' });
  return z.union([z.string(), z.array(entry).min(1, several)], wanted).transform((given, context): URL[] =>
    [given].flat().flatMap((entry, index) => {
      const url = readText(entry, readUpstreamUrl);
      if (url !== undefined) return [url];
      const path = Array.isArray(given) ? [index] : [];
      context.issues.push({ code: 'custom', message: wanted, input: entry, path });
      return [];
    }),
  );
}

export function choice<const T extends readonly [string, ...string[]]>(...values: T) {
  const [last, ...others] = [...values].reverse();
  return z.enum(values, `must be ${[others.reverse().join(', '), last].filter(Boolean).join(' or ')}`);
}

export function flag() {
  return z.boolean('must be true or false');
}

/** `auto` = the feature finds out by itself. `${NAME}` gives a text, so texts of true and false are taken, too. */
export function flagOrAuto() {
  return z
    .literal([true, false, 'auto', 'true', 'false'], 'must be true, false or auto')
    .transform((given): boolean | 'auto' => (given === 'auto' ? given : given === true || given === 'true'));
}

/** `*` stands for any characters, `?` for one. */
export function patterns() {
  return list(filled());
}

export function count(min: 0 | 1 = 1, max = 1_000_000) {
  const wanted = `must be a whole number from ${min} to ${max}`;
  return z.int(wanted).min(min, wanted).max(max, wanted);
}

export function number() {
  return z.number('must be a finite number');
}

/** A number that may be infinite, `.inf` in YAML, which none of zod's own kinds takes. */
export function bound() {
  return z
    .unknown()
    .meta({ type: 'number' })
    .transform((given, context): number => {
      if (typeof given === 'number') return given;
      context.issues.push({ code: 'custom', message: 'must be a number', input: given });
      return z.NEVER;
    });
}

export function address(byDefault: string) {
  return text(readAddress, 'must be HOST:PORT or [IPV6]:PORT').prefault(byDefault);
}

interface Range {
  readonly from: string;
  readonly to: string;
}

/** @param range as it is written, like `byDefault`. */
export function size({ byDefault, ...range }: Range & { readonly byDefault: string }) {
  return sizeWithin(range).prefault(byDefault);
}

export function sizeWithin({ from, to }: Range) {
  const [min = 0, max = Infinity] = [readSize(from), readSize(to)];
  const wanted =
    'must be a size: one whole number and one unit (B, kB, KiB, MB, MiB, GB, GiB, TB or TiB), such as 512B or 16KiB';
  return text(readSize, wanted).refine((bytes) => bytes >= min && bytes <= max, `must be from ${from} to ${to}`);
}

/** Of something that a timer waits for: those of Node.js end at 24 days. */
export function duration(minMs = 1) {
  return durationWithin({ from: `${minMs}ms`, to: '24h' });
}

export function durationWithin({ from, to }: Range) {
  const [min = 0, max = Infinity] = [readDuration(from), readDuration(to)];
  const wanted = 'must be a duration: one whole number and one unit (ms, s, m, h or d), such as 500ms or 5s';
  return text(readDuration, wanted).refine((ms) => ms >= min && ms <= max, `must be from ${from} to ${to}`);
}
