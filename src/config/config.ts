import type { TranslationStrategy } from '../exposition/names.ts';
import type { PemFiles } from '../http/pem.ts';
import type { GpuOptions } from '../observables/gpu/index.ts';
import type { HostOptions } from '../observables/host/index.ts';
import type { Schedule } from '../observables/index.ts';
import type { DestinationOptions } from '../push/options.ts';
import type { InstrumentName } from '../telemetry/catalogue.ts';
import type { HistogramName } from '../telemetry/instruments.ts';
import type { ProtocolName } from './protocols.ts';
import type { Address } from './values.ts';

/**
 * What the gateway runs by: complete (defaults filled in), checked and deeply frozen. Made by `parseConfig` only.
 * What each key means, and what it is called in YAML, is in docs/configuration.md.
 */
export interface Config {
  /** Attributes of the resource; always with `service.name`. */
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly listen: { readonly inference: Address; readonly management: Address; readonly metrics: Address };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'pretty' };
  /** `path` is a file that is appended to; `-` is standard output. */
  readonly accessLog: { readonly enabled: boolean; readonly path: string };
  readonly limits: LimitsConfig;
  readonly telemetry: TelemetryConfig;
  /** At least one; names are unique, and so are path prefixes, unless `match` tells their upstreams apart. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly pull: PullConfig;
  /** Names are unique; none = nothing is pushed. */
  readonly push: readonly DestinationOptions[];
  readonly observables: ObservablesConfig;
  readonly shutdown: { readonly delayMs: number; readonly timeoutMs: number };
}

export interface LimitsConfig {
  readonly requestsInFlightMax: number;
  /** Of each listener. */
  readonly connectionsMax: number;
  /** All headers of one request together. */
  readonly headerBytesMax: number;
  /** Of one request, as it comes in. */
  readonly requestBodyBytesMax: number;
  /** Pairs of model and version, over all upstreams; at least as many as are configured. */
  readonly knownModelsMax: number;
  readonly requestHeaderTimeoutMs: number;
  readonly scrapesInFlightMax: number;
}

export interface TelemetryConfig {
  readonly engine: 'native' | 'sdk';
  /** Series of one instrument that has no limit of its own. */
  readonly cardinalityLimit: number;
  readonly exemplarFilter: 'always_on' | 'always_off' | 'trace_based';
  /** With `engine: sdk` none has more than bounds. */
  readonly instruments: Readonly<Partial<Record<InstrumentName, InstrumentConfig>>>;
  /** At most eight. Headers are unique, and so are attributes, which no upstream has as a label. */
  readonly attributesFromHeaders: readonly HeaderAttributeConfig[];
}

/** The value of a request header that becomes an attribute of what is counted of that request. */
export interface HeaderAttributeConfig {
  /** In lower case; none that holds credentials or belongs to the connection. */
  readonly header: string;
  readonly attribute: string;
  /** What is beyond is `_other`. */
  readonly valuesMax: number;
}

/** What is not there is as the catalogue, or `telemetry`, has it. */
export interface InstrumentConfig {
  /** Histograms only. */
  readonly bounds?: readonly number[];
  readonly cardinalityLimit?: number;
  readonly expireAfterMs?: number;
}

/** Finite and ascending, at least one of each histogram. */
export type BoundsConfig = Readonly<Partial<Record<HistogramName, readonly number[]>>>;

export interface UpstreamConfig {
  readonly name: string;
  /**
   * Of its replicas, at least one, each once: all http or all https, no user information, query or fragment. A URL cannot be
   * frozen: treat it as if it were.
   */
  readonly urls: readonly Readonly<URL>[];
  /** Starts with a slash. */
  readonly pathPrefix: string;
  readonly match: MatchConfig;
  readonly protocol: ProtocolName;
  /** Paths that ask for predictions, as BentoML has them; a task also has paths below it. */
  readonly routes: readonly { readonly path: string; readonly task: boolean }[];
  readonly labels: Readonly<Record<string, string>>;
  /** Of the series of this upstream: they win over those of `telemetry.instruments`. */
  readonly bounds: BoundsConfig;
  /** Exactly one where the server serves one model that no path names. */
  readonly models: readonly ModelConfig[];
  readonly timeouts: { readonly connectMs: number; readonly responseHeadersMs: number; readonly idleMs: number };
  /** At most `limits.requestsInFlightMax`. Not there = it has no limit of its own, and nothing is queued. */
  readonly requestsInFlightMax?: number;
  /** Of what waits because `requestsInFlightMax` are there. */
  readonly queue: { readonly sizeMax: number; readonly timeoutMs: number };
  readonly health: HealthConfig;
  /** With https URLs only. The files are not yet read. */
  readonly tls?: UpstreamTlsConfig;
}

/** Which requests below the path prefix an upstream takes; a list without entries asks for nothing. */
export interface MatchConfig {
  /** In lower case, without a port: `a.example.com`, or `*.example.com` for all names below `example.com`. */
  readonly hosts: readonly string[];
  /** Never with a protocol whose requests name no model. */
  readonly models: readonly string[];
}

export interface HealthConfig {
  /** Below the path of each URL, with its query. Not there = nothing is asked; only requests tell. */
  readonly path?: string;
  readonly intervalMs: number;
  /** At most `intervalMs`. */
  readonly timeoutMs: number;
  /** Failures in a row, of checks or of requests. */
  readonly unhealthyAfter: number;
  /** Between two attempts with a replica that is unhealthy: they begin a second apart, then twice as far each time. */
  readonly backoffMaxMs: number;
}

export interface ModelConfig {
  readonly name: string;
  readonly version?: string;
  /** They win over those of the upstream. */
  readonly bounds?: BoundsConfig;
}

export interface PullConfig {
  readonly enabled: boolean;
  readonly path: string;
  readonly strategy: TranslationStrategy;
  readonly scopeInfo: boolean;
  readonly targetInfo: boolean;
  /** Not there = no attribute of the resource is a label of every series. */
  readonly constantLabels?: { readonly included?: readonly string[] | undefined; readonly excluded: readonly string[] };
  readonly created: boolean;
  readonly otelJs: boolean;
}

export interface UpstreamTlsConfig extends PemFiles {
  /** Asked for (SNI) and looked for in the certificate in place of the host of the URL; a name, no address. */
  readonly serverName?: string;
}

/** Readings of the machine. */
export interface ObservablesConfig {
  /** Kubernetes says so; `auto` then is off. */
  readonly inPod: boolean;
  /** `root` is an absolute path without a slash at its end, unless it is `/`. */
  readonly host: HostOptions & { readonly enabled: boolean | 'auto' };
  readonly container: Schedule & { readonly enabled: boolean };
  readonly process: Schedule & { readonly enabled: boolean };
  readonly gpu: GpuOptions & { readonly enabled: boolean | 'auto' };
}
