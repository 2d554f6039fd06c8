import { parsePreferences, type Preference } from './accept.ts';
import type { Escaping } from './escaping.ts';

/** `text` is Prometheus' text 0.0.4, `openmetrics` is version 1.0.0, `protobuf` is length-delimited. */
export type Format = 'text' | 'text_1_0_0' | 'openmetrics' | 'protobuf';

export interface Negotiated {
  readonly format: Format;
  /** Always underscores with `text`, which has no other names. */
  readonly escaping: Escaping;
  readonly contentType: string;
}

/** What an element of the header says about a format that we write. */
interface Claim {
  readonly format: Format;
  readonly exactness: number;
  readonly preference: Preference;
}

/** How closely a media range names a format; between the last two only one that speaks of the same format has to give way. */
const ANYTHING = 0;
const TYPE = 1;
const MEDIA_TYPE = 2;
const VERSION = 3;

const ESCAPINGS: readonly Escaping[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

const PROTO = 'io.prometheus.client.MetricFamily';

/**
 * Chooses the format of a page by the `Accept` header. The highest q that we can serve wins; at the same q a named format comes before
 * a wildcard, then the order of the header counts. The range that names a format most exactly decides about it (so `;q=0` refuses it,
 * whatever a wildcard allows). `escaping` is the winner's own, and underscores when it is unknown.
 *
 * A wildcard gets text 0.0.4, or OpenMetrics where text is ruled out; what few clients can read has to be named.
 *
 * OpenMetrics 0.0.1, which we do not write, and OpenMetrics of no version are answered with 1.0.0: Prometheus 2.5 to 2.34 asked for 0.0.1
 * only and chose its parser by the media type alone, and Go's library sends the same bytes under both versions. A client that names
 * both has its q of 1.0.0 counted.
 *
 * @param accept the header; several are joined by commas. @returns `text` if nothing is acceptable: a page that Prometheus may still
 * read is worth more than a 406. Never throws.
 * Source: https://prometheus.io/docs/instrumenting/content_negotiation/ and RFC 9110 section 12.5.1
 */
export function negotiateFormat(accept: string | undefined): Negotiated {
  const claims = parsePreferences(accept ?? '').flatMap(claimsOf);
  const [best] = claims
    .filter(({ preference }) => preference.q > 0)
    .filter(({ format, exactness }) => !claims.some((other) => other.format === format && other.exactness > exactness))
    .sort((a, b) => b.preference.q - a.preference.q || named(b) - named(a));
  const format = best?.format ?? 'text';
  const asked = format === 'text' ? undefined : best?.preference.parameters.get('escaping');
  const escaping = ESCAPINGS.find((known) => known === asked) ?? 'underscores';
  return { format, escaping, contentType: contentTypeOf(format, escaping) };
}

function named({ exactness }: Claim): number {
  return Math.min(exactness, MEDIA_TYPE);
}

function claimsOf(preference: Preference): Claim[] {
  const { name, parameters } = preference;
  const claim = (format: Format, exactness: number): Claim => ({ format, exactness, preference });
  const version = parameters.get('version') ?? '';
  switch (name) {
    // The lone star is no media range, but old Java clients send it.
    case '*':
    case '*/*':
      return [claim('text', ANYTHING), claim('openmetrics', ANYTHING)];
    case 'text/*':
      return [claim('text', TYPE)];
    case 'application/*':
      return [claim('openmetrics', TYPE)];
    case 'text/plain':
      if (version === '') return [claim('text', MEDIA_TYPE)];
      if (version === '0.0.4') return [claim('text', VERSION)];
      return version === '1.0.0' ? [claim('text_1_0_0', VERSION)] : [];
    case 'application/openmetrics-text':
      if (version === '1.0.0') return [claim('openmetrics', VERSION)];
      return version === '' || version === '0.0.1' ? [claim('openmetrics', MEDIA_TYPE)] : [];
    case 'application/vnd.google.protobuf':
      return parameters.get('proto') === PROTO && parameters.get('encoding') === 'delimited'
        ? [claim('protobuf', VERSION)]
        : [];
    default:
      return [];
  }
}

function contentTypeOf(format: Format, escaping: Escaping): string {
  switch (format) {
    case 'text':
      return 'text/plain; version=0.0.4; charset=utf-8';
    case 'text_1_0_0':
      return `text/plain; version=1.0.0; charset=utf-8; escaping=${escaping}`;
    case 'openmetrics':
      return `application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=${escaping}`;
    case 'protobuf':
      return `application/vnd.google.protobuf; proto=${PROTO}; encoding=delimited; escaping=${escaping}`;
  }
}

export type Coding = 'identity' | 'gzip' | 'zstd';

/**
 * Chooses the coding of a page by the `Accept-Encoding` header: the highest q wins, at the same q zstd before gzip before none.
 *
 * `*` is served plain, or with gzip where plain is ruled out, and never with zstd: Prometheus itself fails a scrape that comes in
 * zstd unasked, and whoever accepts everything has asked for nothing.
 *
 * @param acceptEncoding the header; several are joined by commas. @returns `identity` too if nothing is acceptable. Never throws.
 * Source: RFC 9110 section 12.5.3
 */
export function negotiateCoding(acceptEncoding: string | undefined): Coding {
  const preferences = parsePreferences(acceptEncoding ?? '');
  const weightOf = (...names: readonly string[]): number | undefined => {
    const weights = preferences.filter(({ name }) => names.includes(name)).map(({ q }) => q);
    return weights.length === 0 ? undefined : Math.max(...weights);
  };

  const gzip = weightOf('gzip', 'x-gzip');
  const anything = weightOf('*');
  const offers: readonly [Coding, number][] = [
    ['zstd', weightOf('zstd') ?? 0],
    ['gzip', gzip ?? 0],
    ['identity', weightOf('identity') ?? anything ?? 0],
    ['gzip', gzip ?? anything ?? 0],
  ];
  return offers.reduce((best, offer) => (offer[1] > best[1] ? offer : best), ['identity', 0])[0];
}
