import type { Recognition } from '../protocols/protocol.ts';
import { segmentsOf, type Target } from './target.ts';
import type { Upstream } from './upstreams.ts';

/** Where a request goes, and what its upstream's protocol says that it is. */
export interface Routed {
  readonly upstream: Upstream;
  /** Undefined for a path that is none of the protocol's. */
  readonly recognition: Recognition | undefined;
}

export interface RoutedRequest {
  readonly method: string;
  readonly target: Target;
  /** That is asked for: of the target, or else of `Host`. */
  readonly host: string | undefined;
  /** What the body says, once it was looked at; before that not there. */
  readonly body?: { readonly model: string | undefined };
}

/**
 * Finds the upstream of a request. Those that have its host come first (an exact name before a wildcard before any), then those whose
 * prefix has more segments, then those that are for certain models only.
 *
 * @returns `body` if it depends on what the body says, or its measurements do; undefined if there is none.
 */
export type Route = (request: RoutedRequest) => Routed | 'body' | undefined;

/** @returns what asks the protocol of an upstream what a request is. It never throws: what nobody recognises is passed on all the same. */
export function createRecognise(onError: (error: unknown) => void): RoutingOptions['recognise'] {
  return (upstream, { method, target }) => {
    try {
      return upstream.options.protocol.recognise(method, upstream.segments(target), target.query);
    } catch (error) {
      onError(error);
      return undefined;
    }
  };
}

export interface RoutingOptions {
  readonly upstreams: readonly Upstream[];
  /** What the protocol of an upstream says of a request; must not throw. */
  readonly recognise: (upstream: Upstream, request: RoutedRequest) => Recognition | undefined;
}

interface Entry {
  readonly upstream: Upstream;
  readonly prefix: readonly string[];
  /** Undefined = any. */
  readonly host: string | undefined;
  /** Undefined = any, and requests that name none. */
  readonly models: ReadonlySet<string> | undefined;
}

export function createRoute({ upstreams, recognise }: RoutingOptions): Route {
  const entries = upstreams.flatMap(entriesOf).sort(bySpecificity);
  const anyHost = entries.every(({ host }) => host === undefined);
  return (request) => {
    const host = anyHost ? undefined : hostName(request.host);
    for (const { upstream, prefix, host: wanted, models } of entries) {
      if (wanted !== undefined && !hasHost(host, wanted)) continue;
      if (!startsWith(request.target.segments, prefix)) continue;
      const recognition = recognise(upstream, request);
      if (recognition?.modelInBody && request.body === undefined) return 'body';
      const named = recognition?.modelInBody ? { ...recognition, model: request.body?.model } : recognition;
      if (models === undefined || (named?.model !== undefined && models.has(named.model)))
        return { upstream, recognition: named };
    }
    return undefined;
  };
}

/** One for each host. */
function entriesOf(upstream: Upstream): Entry[] {
  const { pathPrefix, match } = upstream.options;
  const prefix = segmentsOf(pathPrefix);
  const models = match.models.length === 0 ? undefined : new Set(match.models);
  const hosts = match.hosts.length === 0 ? [undefined] : match.hosts;
  return hosts.map((host) => ({ upstream, prefix, host, models }));
}

function bySpecificity(a: Entry, b: Entry): number {
  return (
    rankOf(b.host) - rankOf(a.host) ||
    b.prefix.length - a.prefix.length ||
    Number(b.models !== undefined) - Number(a.models !== undefined)
  );
}

/** An exact name before a wildcard, and of two wildcards the longer one. */
function rankOf(host: string | undefined): number {
  if (host === undefined) return 0;
  return host.startsWith('*') ? host.length : Number.MAX_SAFE_INTEGER;
}

/** `Example.com:8080` is `example.com`. */
function hostName(host: string | undefined): string {
  return (host ?? '').replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

function hasHost(host: string | undefined, wanted: string): boolean {
  if (host === undefined) return false;
  return wanted.startsWith('*') ? host.length > wanted.length - 1 && host.endsWith(wanted.slice(1)) : host === wanted;
}

function startsWith(segments: readonly string[], prefix: readonly string[]): boolean {
  for (let i = 0; i < prefix.length; i++) if (segments[i] !== prefix[i]) return false;
  return true;
}
