/**
 * How names that Prometheus' classic character set has no room for are said to a scraper that wants it.
 *
 * Source: https://prometheus.io/docs/instrumenting/escaping_schemes/, and where they differ model.EscapeName of
 * github.com/prometheus/common, which every Go target uses: lower-case hexadecimal digits in `values`, `__` for other characters in
 * `dots`.
 */
export type Escaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

interface CharacterSet {
  readonly classic: RegExp;
  /** What the substitutes stand for: characters that are not allowed where they are, and `_`. */
  readonly substituted: RegExp;
}

const NAME: CharacterSet = { classic: /^[a-zA-Z_:][a-zA-Z0-9_:]*$/, substituted: /^[0-9]|[^a-zA-Z0-9:]/gu };
const LABEL: CharacterSet = { classic: /^[a-zA-Z_][a-zA-Z0-9_]*$/, substituted: /^[0-9]|[^a-zA-Z0-9]/gu };

const SUBSTITUTES: Readonly<Record<Exclude<Escaping, 'allow-utf-8'>, (character: string) => string>> = {
  underscores: () => '_',
  dots: (character) => (character === '.' ? '_dot_' : '__'),
  values: (character) => (character === '_' ? '__' : `_${(character.codePointAt(0) ?? 0).toString(16)}_`),
};

/** Whether a metric name needs no quotes. */
export function isClassicName(name: string): boolean {
  return NAME.classic.test(name);
}

/** Whether a label name needs no quotes. */
export function isClassicLabel(name: string): boolean {
  return LABEL.classic.test(name);
}

/**
 * A metric name. `dots` changes classic names, too (`a_b` is `a__b`), but Go's targets write those as they are by every scheme:
 * whoever writes a page asks `isClassicName` first.
 *
 * @param name well-formed. @returns is classic, or empty for the empty name, except by `allow-utf-8`, which changes nothing.
 */
export function escapeName(name: string, escaping: Escaping): string {
  return escape(name, escaping, NAME);
}

/**
 * A label name; `dots` is as for `escapeName`. Go escapes it like a metric name, so that `:` stays and Prometheus cannot read the
 * page, and lets `..name..` become `__name__`. Here `:` is escaped, and `key` goes before what would begin with `__`.
 *
 * @param name well-formed. @returns is classic and not reserved, or empty for the empty name, except by `allow-utf-8`, which changes nothing.
 */
export function escapeLabel(name: string, escaping: Escaping): string {
  const escaped = escape(name, escaping, LABEL);
  return escaping !== 'allow-utf-8' && escaped.startsWith('__') ? `key${escaped}` : escaped;
}

function escape(name: string, escaping: Escaping, { classic, substituted }: CharacterSet): string {
  if (escaping === 'allow-utf-8' || name === '') return name;
  if (escaping !== 'dots' && classic.test(name)) return name;
  const escaped = name.replace(substituted, SUBSTITUTES[escaping]);
  return escaping === 'values' ? `U__${escaped}` : escaped;
}
