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

/** How a name says a unit. */
export interface UnitWords {
  /** `bytes` of `By/s`; empty when there is none, as of `1/s` and of annotations (`{request}`). */
  readonly main: string;
  /** `per_second` of `By/s`; empty when there is none. */
  readonly per: string;
}

/**
 * @param unit UCUM. @param spell makes what a name may hold of a word; the words of unknown units are the units themselves.
 */
export function unitWords(unit: string, spell: (word: string) => string): UnitWords {
  const slash = unit.indexOf('/');
  const main = spell(wordOf(UNIT_WORDS, slash < 0 ? unit : unit.slice(0, slash)));
  const per = slash < 0 ? '' : spell(wordOf(PER_WORDS, unit.slice(slash + 1)));
  return { main, per: per === '' ? '' : `per_${per}` };
}

function wordOf(words: ReadonlyMap<string, string>, unit: string): string {
  const trimmed = unit.trim();
  return /[{}]/.test(trimmed) ? '' : (words.get(trimmed) ?? trimmed);
}
