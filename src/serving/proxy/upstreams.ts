import { Pool, type Dispatcher } from 'undici';
import type { Protocol } from '../protocols/protocol.ts';
import type { Target } from './target.ts';

export interface UpstreamOptions {
  readonly name: string;
  /** Origin, and the path that takes the place of the prefix. */
  readonly url: URL;
  /** Starts with a slash. */
  readonly pathPrefix: string;
  readonly protocol: Protocol;
  /** Attributes of every `inference.*` series of this upstream. */
  readonly labels: Readonly<Record<string, string>>;
  /** Models that are known before their first answer. */
  readonly models: readonly { readonly name: string; readonly version?: string }[];
  readonly timeouts: { readonly connectMs: number; readonly responseHeadersMs: number; readonly idleMs: number };
}

export interface Upstream {
  readonly options: UpstreamOptions;
  readonly dispatcher: Dispatcher;
  /** The path to ask the upstream for: the prefix replaced by the path of its `url`. */
  path(target: Target): string;
  /** The segments below the prefix, which is what a protocol recognises. */
  segments(target: Target): readonly string[];
}

/** Finds the upstream whose prefix matches the most segments of a path. */
export type FindUpstream = (target: Target) => Upstream | undefined;

/**
 * Nothing is retried, so a connection that the upstream closes while we send is a 502. Where the upstream does not say how long it
 * keeps an idle one, ours is closed sooner than the quickest of the usual servers closes it (gunicorn, 2 s).
 */
const UPSTREAM_IDLE_MS = 1_500;

export function createUpstream(options: UpstreamOptions): Upstream {
  const prefix = segmentsOf(options.pathPrefix);
  const base = options.url.pathname.replace(/\/$/, '');
  const { connectMs, responseHeadersMs, idleMs } = options.timeouts;
  return {
    options,
    // No limit on connections: limits.requests_in_flight bounds them, and a queue in the pool would hide waiting time.
    dispatcher: new Pool(options.url.origin, {
      connections: null,
      allowH2: false,
      connect: { timeout: connectMs },
      headersTimeout: responseHeadersMs,
      keepAliveTimeout: UPSTREAM_IDLE_MS,
      bodyTimeout: idleMs,
    }),
    // Counted in slashes and not in characters: the prefix may have come percent-encoded.
    path: ({ path, query }) => `${base}${skipSegments(path, prefix.length) || '/'}${query}`,
    segments: ({ segments }) => segments.slice(prefix.length),
  };
}

export function createFindUpstream(upstreams: readonly Upstream[]): FindUpstream {
  const routes = upstreams
    .map((upstream) => ({ upstream, prefix: segmentsOf(upstream.options.pathPrefix) }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return ({ segments }) =>
    routes.find(({ prefix }) => prefix.every((segment, index) => segment === segments[index]))?.upstream;
}

function segmentsOf(pathPrefix: string): string[] {
  return pathPrefix.split('/').filter((segment) => segment !== '');
}

/** `skipSegments('/a/b/c', 1)` is `/b/c`. */
function skipSegments(path: string, count: number): string {
  let at = 0;
  for (let i = 0; i < count; i++) {
    at = path.indexOf('/', at + 1);
    if (at < 0) return '';
  }
  return path.slice(at);
}
