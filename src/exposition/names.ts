import { unitWords } from './units.ts';

/**
 * OpenTelemetry names as Prometheus names, by translation strategy. What a scraper then cannot take is escaped (escaping.ts).
 *
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/. Where that leaves room, what
 * github.com/prometheus/otlptranslator (1.0.0) does, because the Collector's Prometheus exporter and Prometheus' own OTLP endpoint
 * use it and a metric must have one name by every way:
 *  - a gauge of unit `1` ends in `_ratio`;
 *  - `underscore_escaping_with_suffixes`: a unit is not repeated that is already a word anywhere in the name; `total` and `ratio`
 *    move to the end from anywhere;
 *  - `underscore_escaping_without_suffixes`: only what is replaced is collapsed (`a__b..c` is `a__b_c`) and dropped at the ends;
 *  - `no_utf8_escaping_with_suffixes`: the name stays as it is, a suffix goes on with `_` unless it is the ending already. Before
 *    `total`, `ratio` and the per-unit any delimiter becomes `_`; a unit counts as there even inside a word (`milliseconds`, `s`);
 *  - a unit with an annotation in it (`{request}`, `By{sent}`) is no unit; per `m` is per minute;
 *  - runs of `_` are kept in label names, as the Collector and Prometheus set it (the specification collapses them); a classic
 *    label may not start with a digit: `key_` goes before it. `_x` stays, as in the Collector; only Prometheus' endpoint has `key_x`.
 * Not taken over from it:
 *  - `TiBy` as `tibibytes`, a slip corrected since, and `kBy` as no known unit;
 *  - a second `_per_second` (or other unit of several words) on a classic name that ends with it;
 *  - the `_` at the end of a unit like `foo#` in a classic name;
 *  - a classic name of a name without letter, digit or colon, be it the bare suffix or the `_`s: it is empty here;
 *  - `su_total` of a counter `subtotal` in UTF-8: before an ending there has to be something that is no letter, mark or digit;
 *  - labels that start with `__`, which are Prometheus' own (`key` goes before them), and no label at all for one of `_` only.
 */
export interface NameParts {
  /** Of OpenTelemetry. */
  readonly name: string;
  /** UCUM. */
  readonly unit: string;
  /** `counter` is a monotonic sum, `up_down_counter` one that is not. */
  readonly kind: 'counter' | 'up_down_counter' | 'gauge' | 'histogram';
}

/** As OpenTelemetry's declarative configuration calls them. */
export type TranslationStrategy =
  | 'underscore_escaping_with_suffixes'
  | 'underscore_escaping_without_suffixes'
  | 'no_utf8_escaping_with_suffixes'
  | 'no_translation';

export interface MetricName {
  /** Well-formed; classic (`[a-zA-Z_:][a-zA-Z0-9_:]*`) by the first two strategies; empty when nothing of the name can be said. */
  readonly name: string;
  /** Words of the unit that the name ends with, in classic characters, `_total` not counted; empty = none, so no `# UNIT` either. */
  readonly unit: string;
}

const TRANSLATIONS: Readonly<Record<TranslationStrategy, (parts: NameParts) => string>> = {
  underscore_escaping_with_suffixes: classicWithSuffixes,
  underscore_escaping_without_suffixes: ({ name }) => classicAlone(name),
  no_utf8_escaping_with_suffixes: utf8WithSuffixes,
  no_translation: ({ name }) => name.toWellFormed(),
};

export function translateName(parts: NameParts, strategy: TranslationStrategy): MetricName {
  const name = TRANSLATIONS[strategy](parts);
  return { name, unit: unitAtTheEnd(name, parts) };
}

/** The name by the default strategy, `underscore_escaping_with_suffixes`. */
export function metricName(parts: NameParts): string {
  return classicWithSuffixes(parts);
}

/**
 * @returns is not reserved (`__...`) and empty for the empty key only; matches `[a-zA-Z_][a-zA-Z0-9_]*` by the strategies that
 * escape, else is well-formed.
 */
export function labelName(key: string, strategy: TranslationStrategy = 'underscore_escaping_with_suffixes'): string {
  const name = keepsUtf8(strategy) ? key.toWellFormed() : classicLabel(key);
  // `__name__` would overwrite the name of the metric, and every `__` label is Prometheus' own.
  return name.startsWith('__') ? `key${name}` : name;
}

function keepsUtf8(strategy: TranslationStrategy): boolean {
  return strategy === 'no_utf8_escaping_with_suffixes' || strategy === 'no_translation';
}

function classicLabel(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/gu, '_');
  return /^[0-9]/.test(name) ? `key_${name}` : name;
}

function classicWithSuffixes({ name, unit, kind }: NameParts): string {
  const words = classicWords(name);
  if (words.length === 0) return '';
  const suffix = typeSuffix(unit, kind);
  const stem = words.filter((word) => word !== suffix);
  const units = missingUnits(stem, unit).filter((word) => word !== suffix);
  return afterUnderscore(joinWords([...stem, ...units, suffix]));
}

function classicAlone(name: string): string {
  const joined = joinWords(name.match(/[a-zA-Z0-9_:]+/g) ?? []);
  return /[^_]/.test(joined) ? afterUnderscore(joined) : '';
}

function utf8WithSuffixes({ name, unit, kind }: NameParts): string {
  if (name === '') return '';
  const suffix = typeSuffix(unit, kind);
  const { main, per } = unitWords(unit, (word) => word.toWellFormed());
  const stem = withoutEnding(withoutEnding(name.toWellFormed(), suffix), per);
  return joinWords([stem, stem.endsWith(main) ? '' : main, per, suffix]);
}

function unitAtTheEnd(name: string, { unit, kind }: NameParts): string {
  const { main, per } = unitWords(unit, classicWord);
  const words = joinWords([main, per]);
  const stem = kind === 'counter' ? name.replace(/_total$/, '') : name;
  return words !== '' && stem.endsWith(`_${words}`) ? words : '';
}

function typeSuffix(unit: string, kind: NameParts['kind']): string {
  if (kind === 'counter') return 'total';
  return kind === 'gauge' && unit === '1' ? 'ratio' : '';
}

function missingUnits(stem: readonly string[], unit: string): string[] {
  const { main, per } = unitWords(unit, classicWord);
  const missing = [main, per].filter((word) => !stem.includes(word));
  // A unit of several words is never one of the stem's.
  return `_${joinWords(stem)}`.endsWith(`_${joinWords(missing)}`) ? [] : missing;
}

/** What is before the ending and its delimiter; the name as it is where that is nothing, or it does not end so. */
function withoutEnding(name: string, ending: string): string {
  if (ending === '' || !name.endsWith(ending)) return name;
  return /^(.+)[^\p{L}\p{M}\p{N}]$/su.exec(name.slice(0, -ending.length))?.[1] ?? name;
}

function classicWords(text: string): readonly string[] {
  return text.match(/[a-zA-Z0-9:]+/g) ?? [];
}

function classicWord(text: string): string {
  return joinWords(classicWords(text));
}

function joinWords(words: readonly string[]): string {
  return words.filter((word) => word !== '').join('_');
}

/** No classic name starts with a digit. */
function afterUnderscore(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
