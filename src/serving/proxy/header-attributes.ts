import type { IncomingHttpHeaders } from 'node:http';

export interface HeaderAttribute {
  /** In lower case. */
  readonly header: string;
  readonly attribute: string;
  /** Beyond them, values are `_other`. */
  readonly valuesMax: number;
}

/**
 * Attributes whose values downstreams send in headers, such as a tenant. A stranger can send any value, so one is known only when a
 * request with it was answered 2xx, and then only up to a number of values; all others are `_other`.
 */
export interface HeaderAttributes {
  /** In the order of the configuration; undefined = the request has no such header. Nothing is allocated where none is configured. */
  values(headers: IncomingHttpHeaders): HeaderValues;
  /** Makes values known that are not yet. @returns those attributes that have too many already, or too long a value. */
  admit(headers: IncomingHttpHeaders): readonly string[];
}

export interface HeaderValues {
  /** Tells combinations of values apart. */
  readonly key: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const OTHER = '_other';
/** Longer values are never labels. */
const VALUE_LENGTH_MAX = 128;
/** Of a request without any of the headers. */
export const NO_VALUES: HeaderValues = { key: '', attributes: {} };
const NOTHING: readonly string[] = [];

export function createHeaderAttributes(specs: readonly HeaderAttribute[]): HeaderAttributes {
  const entries = specs.map((spec) => ({ ...spec, known: new Set<string>() }));
  return {
    values: (headers) => {
      if (entries.length === 0) return NO_VALUES;
      let key = '';
      const attributes: Record<string, string> = {};
      for (const { header, attribute, known } of entries) {
        const sent = valueOf(headers, header);
        if (sent === undefined) {
          key += '-;';
          continue;
        }
        const value = known.has(sent) ? sent : OTHER;
        attributes[attribute] = value;
        key += `${value.length}:${value};`;
      }
      return { key, attributes };
    },
    admit: (headers) => {
      if (entries.length === 0) return NOTHING;
      const refused: string[] = [];
      for (const { header, attribute, valuesMax, known } of entries) {
        const sent = valueOf(headers, header);
        if (sent === undefined || known.has(sent)) continue;
        if (known.size < valuesMax && sent.length <= VALUE_LENGTH_MAX) known.add(sent);
        else refused.push(attribute);
      }
      return refused;
    },
  };
}

/** An empty header says as much as none. */
function valueOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return text === undefined || text === '' ? undefined : decoded(text);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Node reads a header as Latin-1, which is its bytes; most who send more than ASCII mean UTF-8. */
function decoded(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return utf8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}
