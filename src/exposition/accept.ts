/** One element of an `Accept` or `Accept-Encoding` header. */
export interface Preference {
  /** A media range or a content coding, in lower case and without spaces around its slash. */
  readonly name: string;
  /** 0 to 1; 0 is a refusal. */
  readonly q: number;
  /** By their names in lower case, values without their quotes; the last one of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Real headers have up to a dozen elements; empty ones count, so that commas alone are no work. */
const ELEMENTS_MAX = 64;

/**
 * Reads what a client prefers, in the order of the header, from text that any stranger may have sent: in linear time and without
 * throwing. What cannot be understood is left out: an element without a name or a valid q, and all from the element on whose quote is
 * never closed.
 *
 * Source: RFC 9110 sections 5.6 and 12.4.2. More lenient than that: any number of digits in q, and `.5` for `0.5`.
 */
export function parsePreferences(header: string): Preference[] {
  return cut(header, ',', ELEMENTS_MAX).flatMap((element) => {
    const [head = '', ...rest] = cut(element, ';', Infinity);
    const parameters = new Map(rest.flatMap(parseParameter));
    const name = parseName(head);
    const q = parseWeight(parameters.get('q') ?? '1');
    return name === '' || q === undefined ? [] : { name, q, parameters };
  });
}

/** Cuts where the separator stands outside of quotes. */
function cut(text: string, separator: string, piecesMax: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      pieces.push(text.slice(start, at));
      if (pieces.length === piecesMax) return pieces;
      start = at + 1;
    }
  }
  if (!quoted) pieces.push(text.slice(start));
  return pieces;
}

function parseName(text: string): string {
  const parts = text.toLowerCase().split('/');
  return parts.map((part) => part.trim()).join('/');
}

function parseParameter(text: string): [string, string][] {
  const equals = text.indexOf('=');
  if (equals < 0) return [];
  return [[text.slice(0, equals).trim().toLowerCase(), unquote(text.slice(equals + 1).trim())]];
}

function unquote(text: string): string {
  const isQuoted = text.startsWith('"') && text.endsWith('"');
  return isQuoted ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

function parseWeight(text: string): number | undefined {
  // Number() alone would also take hexadecimal, exponents and nothing at all.
  const q = /^[\d.]+$/.test(text) ? Number(text) : NaN;
  return q <= 1 ? q : undefined;
}
