/** The request target of an HTTP/1.1 request line, taken apart. */
export interface Target {
  /** As it came in, still percent-encoded, starting with a slash. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  /** Percent-decoded parts between the slashes of `path`. */
  readonly segments: readonly string[];
  /** Of the absolute form, where it counts in place of `Host`. */
  readonly authority?: string;
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)/i;
/** Within a decoded segment too: some upstreams decode a path, or take a backslash for a slash, before they resolve it. */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:$|[/\\])/;

/**
 * @returns undefined for what cannot be routed safely: no path (`*`), percent-encoding that is not UTF-8, a fragment, or dot
 *   segments, encoded or not, since the upstream would resolve them to a path other than the one that was matched here.
 *
 * Source: RFC 9112 section 3.2, RFC 3986 section 5.2.4
 */
export function parseTarget(target: string): Target | undefined {
  const originForm = target.startsWith('/') ? target : toOriginForm(target);
  const queryAt = originForm.indexOf('?');
  const path = queryAt < 0 ? originForm : originForm.slice(0, queryAt);
  const query = queryAt < 0 ? '' : originForm.slice(queryAt);
  if (!path.startsWith('/') || originForm.includes('#')) return undefined;

  const segments = decode(path.slice(1).split('/'), path.includes('%'));
  if (segments === undefined || segments.some((segment) => DOT_SEGMENT.test(segment))) return undefined;
  const authority = originForm === target ? undefined : ABSOLUTE_FORM.exec(target)?.[1];
  if (authority === '' || authority?.includes('@')) return undefined;
  return { path, query, segments, ...(authority !== undefined && { authority }) };
}

/** A URL without a path asks for the root. */
function toOriginForm(target: string): string {
  const rest = target.replace(ABSOLUTE_FORM, '');
  return rest !== target && (rest === '' || rest.startsWith('?')) ? `/${rest}` : rest;
}

function decode(segments: string[], encoded: boolean): string[] | undefined {
  if (!encoded) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Of the path of a configuration, where a slash more or less makes no difference. */
export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}
