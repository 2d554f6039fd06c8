import type * as z from 'zod';
import { boundsOf, type BucketSpec } from '../metric/buckets.ts';
import type {
  BoundsConfig,
  Config,
  HealthConfig,
  InstrumentConfig,
  ModelConfig,
  ObservablesConfig,
  PullConfig,
  TelemetryConfig,
  UpstreamConfig,
} from './config.ts';
import { isInPod } from './env.ts';
import { hasOneModel } from './protocols.ts';
import type { configSchema } from './schema.ts';
import { toPush } from './to-push.ts';
import { toTls } from './to-tls.ts';

type Parsed = z.output<typeof configSchema>;

/** Units last, camel case, the defaults that depend on other keys or on where the gateway runs, frozen. */
export function toConfig(
  { resource, listen, log, access_log, limits, telemetry, upstreams, pull, push, observables, shutdown }: Parsed,
  env: Readonly<Record<string, string | undefined>>,
): Config {
  return frozen({
    resource: { 'service.name': 'metergate', ...resource },
    listen,
    log,
    accessLog: access_log,
    limits: {
      requestsInFlightMax: limits.requests_in_flight,
      connectionsMax: limits.connections,
      headerBytesMax: limits.header_size,
      requestBodyBytesMax: limits.request_body_size,
      knownModelsMax: limits.known_models,
      requestHeaderTimeoutMs: limits.request_header_timeout,
      scrapesInFlightMax: limits.scrapes_in_flight,
    },
    telemetry: toTelemetry(telemetry),
    upstreams: upstreams.map(toUpstream),
    pull: toPull(pull),
    push: push.map((destination) => toPush(destination, telemetry.engine, env)),
    observables: toObservables(observables, isInPod(env)),
    shutdown: { delayMs: shutdown.delay, timeoutMs: shutdown.timeout },
  });
}

function toTelemetry({
  engine,
  cardinality_limit,
  exemplar_filter,
  instruments,
  attributes_from_headers,
}: Parsed['telemetry']): TelemetryConfig {
  return {
    engine,
    cardinalityLimit: cardinality_limit,
    exemplarFilter: exemplar_filter,
    instruments: mapped(instruments, toInstrument),
    attributesFromHeaders: attributes_from_headers.map(({ max_values, ...same }) => ({
      ...same,
      valuesMax: max_values,
    })),
  };
}

function toInstrument(
  { cardinality_limit, expire_after, ...spec }: Parsed['telemetry']['instruments'][string],
  name: string,
): InstrumentConfig {
  return {
    ...(Object.keys(spec).length > 0 && { bounds: boundsOf(spec, name) }),
    ...(cardinality_limit !== undefined && { cardinalityLimit: cardinality_limit }),
    ...(expire_after !== undefined && { expireAfterMs: expire_after }),
  };
}

function toUpstream(parsed: Parsed['upstreams'][number]): UpstreamConfig {
  const { url, path_prefix, instruments, models, timeouts, requests_in_flight, queue, health, tls, ...same } = parsed;
  return {
    ...same,
    urls: url,
    pathPrefix: path_prefix,
    bounds: toBounds(instruments),
    models: models.length === 0 && hasOneModel(same.protocol) ? [{ name: same.name }] : models.map(toModel),
    timeouts: { connectMs: timeouts.connect, responseHeadersMs: timeouts.response_headers, idleMs: timeouts.idle },
    ...(requests_in_flight !== undefined && { requestsInFlightMax: requests_in_flight }),
    queue: { sizeMax: queue.max_size, timeoutMs: queue.timeout },
    health: toHealth(health),
    ...(tls && { tls: { ...toTls(tls), ...(tls.server_name !== undefined && { serverName: tls.server_name }) } }),
  };
}

function toHealth({ path, ...parsed }: Parsed['upstreams'][number]['health']): HealthConfig {
  return {
    ...(path !== undefined && { path }),
    intervalMs: parsed.interval,
    timeoutMs: parsed.timeout ?? Math.min(1000, parsed.interval),
    unhealthyAfter: parsed.unhealthy_after,
    backoffMaxMs: parsed.backoff_max,
  };
}

function toModel({ instruments, ...same }: Parsed['upstreams'][number]['models'][number]): ModelConfig {
  return { ...same, ...(instruments && { bounds: toBounds(instruments) }) };
}

function toBounds(instruments: Readonly<Record<string, BucketSpec>>): BoundsConfig {
  return mapped(instruments, boundsOf);
}

function toPull(parsed: Parsed['pull']): PullConfig {
  return {
    enabled: parsed.enabled,
    path: parsed.path,
    strategy: parsed.translation_strategy,
    scopeInfo: parsed.scope_info_enabled,
    targetInfo: parsed.target_info_enabled,
    ...(parsed.resource_constant_labels && { constantLabels: parsed.resource_constant_labels }),
    created: parsed.created_enabled,
    otelJs: parsed.otel_js_enabled,
  };
}

function toObservables({ host, container, process, gpu }: Parsed['observables'], inPod: boolean): ObservablesConfig {
  const { interval, network_interfaces, filesystems, ...same } = host;
  return {
    inPod,
    host: {
      ...same,
      intervalMs: interval,
      filesystems: { types: filesystems.types, excluded: filesystems.excluded, intervalMs: filesystems.interval },
      networkInterfaces: network_interfaces,
    },
    container: { enabled: container.enabled, intervalMs: container.interval },
    process: { enabled: process.enabled, intervalMs: process.interval },
    gpu: {
      enabled: gpu.enabled,
      backend: gpu.backend,
      intervalMs: gpu.interval,
      nvidiaSmi: gpu.nvidia_smi,
      simulated: gpu.simulated,
    },
  };
}

function mapped<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A, key: string) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner as object);
  return Object.freeze(value);
}
