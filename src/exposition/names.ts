/**
 * OpenTelemetry names as Prometheus names, translation strategy `UnderscoreEscapingWithSuffixes`.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/. Where that leaves room, what
 * github.com/prometheus/otlptranslator does, because the Collector's Prometheus exporter and Prometheus' own OTLP endpoint use it
 * and a metric must have one name by every way:
 *  - a gauge of unit `1` ends in `_ratio`;
 *  - a unit is not repeated that is already a word anywhere in the name; `total` and `ratio` move to the end from anywhere;
 *  - a unit with an annotation in it (`{request}`, `By{sent}`) is no unit; per `m` is per minute;
 *  - runs of `_` are kept in label names, and a label may not start with a digit: `key_` goes before it.
 * Not taken over from it: a second `_per_second` on `x_per_second` of unit `1/s`; a bare suffix as the name where the name has no
 * letter or digit (it is empty here); labels that start with `__`, which are Prometheus' own (`key` goes before them).
 */
export interface NameParts {
  /** Of OpenTelemetry. */
  readonly name: string;
  /** UCUM. */
  readonly unit: string;
  /** `counter` is a monotonic sum, `up_down_counter` one that is not. */
  readonly kind: 'counter' | 'up_down_counter' | 'gauge' | 'histogram';
}

/** The table of the specification, and `KBy`, which otlptranslator knows instead of `kBy`. */
const UNIT_WORDS = new Map(
  Object.entries({
    d: 'days',
    h: 'hours',
    min: 'minutes',
    s: 'seconds',
    ms: 'milliseconds',
    us: 'microseconds',
    ns: 'nanoseconds',
    By: 'bytes',
    KiBy: 'kibibytes',
    MiBy: 'mebibytes',
    GiBy: 'gibibytes',
    TiBy: 'tebibytes',
    kBy: 'kilobytes',
    KBy: 'kilobytes',
    MBy: 'megabytes',
    GBy: 'gigabytes',
    TBy: 'terabytes',
    m: 'meters',
    V: 'volts',
    A: 'amperes',
    J: 'joules',
    W: 'watts',
    g: 'grams',
    Cel: 'celsius',
    Hz: 'hertz',
    '%': 'percent',
    '1': '',
  }),
);

const PER_WORDS = new Map(
  Object.entries({ s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' }),
);

/** @returns matches `[a-zA-Z_:][a-zA-Z0-9_:]*`, or is empty when nothing of the name can be said in it. */
export function metricName({ name, unit, kind }: NameParts): string {
  const words = name.match(/[a-zA-Z0-9:]+/g) ?? [];
  if (words.length === 0) return '';
  const suffix = kind === 'counter' ? 'total' : kind === 'gauge' && unit === '1' ? 'ratio' : undefined;
  const stem = words.filter((word) => word !== suffix);
  const units = missingUnits(stem, unit).filter((word) => word !== suffix);
  const joined = [...stem, ...units, ...(suffix === undefined ? [] : [suffix])].join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** @returns matches `[a-zA-Z_][a-zA-Z0-9_]*` and is not reserved (`__...`); empty for the empty key. */
export function labelName(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/gu, '_');
  if (/^[0-9]/.test(name)) return `key_${name}`;
  // `__name__` would overwrite the name of the metric, and every `__` label is Prometheus' own.
  return name.startsWith('__') ? `key${name}` : name;
}

function missingUnits(stem: readonly string[], unit: string): string[] {
  const slash = unit.indexOf('/');
  const main = unitWord(UNIT_WORDS, slash < 0 ? unit : unit.slice(0, slash));
  const per = slash < 0 ? '' : unitWord(PER_WORDS, unit.slice(slash + 1));
  const units = [main, per === '' ? '' : `per_${per}`].filter((word) => word !== '');
  const ending = `_${units.join('_')}`;
  return `_${stem.join('_')}`.endsWith(ending) ? [] : units.filter((word) => !stem.includes(word));
}

function unitWord(words: ReadonlyMap<string, string>, unit: string): string {
  const trimmed = unit.trim();
  if (/[{}]/.test(trimmed)) return '';
  return words.get(trimmed) ?? (trimmed.match(/[a-zA-Z0-9:]+/g) ?? []).join('_');
}
