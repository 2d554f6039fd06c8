import { Pool } from 'undici';
import { readPems, type PemFiles } from '../../http/pem.ts';
import type { Repetition } from '../../std/repeat.ts';
import type { Protocol } from '../protocols/protocol.ts';
import { startHealthChecks } from './health-checks.ts';
import { createHealth } from './health.ts';
import { createNodeDispatcher } from './node-dispatcher.ts';
import { createPlaces, type Places } from './places.ts';
import { createReplicas, type Replica, type Replicas } from './replicas.ts';
import { segmentsOf, type Target } from './target.ts';

export interface UpstreamOptions {
  readonly name: string;
  /** Of the replicas, at least one: origin, and the path that takes the place of the prefix. */
  readonly urls: readonly Readonly<URL>[];
  /** Starts with a slash. */
  readonly pathPrefix: string;
  /** None of a kind = any. */
  readonly match: { readonly hosts: readonly string[]; readonly models: readonly string[] };
  readonly protocol: Protocol;
  /** Attributes of every `inference.*` series of this upstream. */
  readonly labels: Readonly<Record<string, string>>;
  /** Models that are known before their first answer. */
  readonly models: readonly { readonly name: string; readonly version?: string }[];
  readonly timeouts: { readonly connectMs: number; readonly responseHeadersMs: number; readonly idleMs: number };
  /** Undefined = no limit but that of the gateway. */
  readonly requestsInFlightMax?: number;
  readonly queue: { readonly sizeMax: number; readonly timeoutMs: number };
  readonly health: {
    /** Undefined = no checks. */
    readonly path?: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly unhealthyAfter: number;
    readonly backoffMaxMs: number;
  };
  readonly tls?: PemFiles & { readonly serverName?: string | undefined };
}

export interface Upstream {
  readonly options: UpstreamOptions;
  readonly replicas: Replicas;
  readonly places: Places;
  /** The path to ask a replica for: the prefix replaced by the path of its URL. */
  path(replica: Replica, target: Target): string;
  /** The segments below the prefix, which is what a protocol recognises. */
  segments(target: Target): readonly string[];
  /** Breaks what is still in flight. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** All headers of one response together. */
  readonly headerBytesMax: number;
  readonly onHealthChange: (upstream: string, replica: Replica, healthy: boolean) => void;
}

/**
 * A connection that the upstream closes while we send on it is a 502, since nothing is sent twice. Where the upstream does not say how
 * long it keeps an idle one, ours is closed sooner than the quickest of the usual servers closes it (gunicorn, 2 s).
 */
const UPSTREAM_IDLE_MS = 1_500;

/** Opens no connection yet, unless there are health checks. @throws if a file of `tls` cannot be used. */
export async function openUpstream(options: UpstreamOptions, open: OpenOptions): Promise<Upstream> {
  const pems = await readPems(`upstream ${options.name}`, options.tls ?? {});
  const { serverName } = options.tls ?? {};
  const tls = { ...pems, ...(serverName !== undefined && { servername: serverName }) };
  const all = options.urls.map((url) => createReplica(url, options, { ...open, tls }));
  const { path, ...check } = options.health;
  const checks: readonly Repetition[] =
    path === undefined ? [] : all.map((replica) => startHealthChecks(replica, { ...check, path }));
  const prefixLength = segmentsOf(options.pathPrefix).length;
  return {
    options,
    replicas: createReplicas(all),
    places: createPlaces({ takenMax: options.requestsInFlightMax, waitingMax: options.queue.sizeMax }),
    // Counted in slashes and not in characters: the prefix may have come percent-encoded.
    path: ({ basePath }, { path: asked, query }) =>
      prefixLength === 0 && basePath === ''
        ? asked + query
        : `${basePath}${skipSegments(asked, prefixLength) || '/'}${query}`,
    segments: ({ segments }) => (prefixLength === 0 ? segments : segments.slice(prefixLength)),
    close: async () => {
      const stopped = checks.map((repetition) => repetition.stop());
      for (const { nodeDispatcher } of all) nodeDispatcher.destroy();
      await Promise.all(all.map(({ dispatcher }) => dispatcher.destroy()));
      await Promise.all(stopped);
    },
  };
}

interface ReplicaOptions extends OpenOptions {
  readonly tls: { ca?: Buffer; cert?: Buffer; key?: Buffer; servername?: string };
}

function createReplica(
  url: Readonly<URL>,
  { name, timeouts, health }: UpstreamOptions,
  { tls, headerBytesMax, onHealthChange }: ReplicaOptions,
): Replica {
  const { connectMs, responseHeadersMs, idleMs } = timeouts;
  const replica: Replica = {
    url,
    basePath: url.pathname.replace(/\/$/, ''),
    health: createHealth({ ...health, onChange: (healthy) => onHealthChange(name, replica, healthy) }),
    // No limit on connections: the places of the upstream bound them, and a queue in the pool would hide waiting time.
    dispatcher: new Pool(url.origin, {
      connections: null,
      allowH2: false,
      connect: { ...tls, timeout: connectMs },
      maxHeaderSize: headerBytesMax,
      headersTimeout: responseHeadersMs,
      keepAliveTimeout: UPSTREAM_IDLE_MS,
      bodyTimeout: idleMs,
    }),
    nodeDispatcher: createNodeDispatcher({ origin: url, connectMs, responseHeadersMs, idleMs, headerBytesMax, tls }),
    inFlight: 0,
  };
  return replica;
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
