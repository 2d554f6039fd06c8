import type * as z from 'zod';
import type { Config, PushConfig, UpstreamConfig } from './config.ts';
import type { configSchema } from './schema.ts';

type Parsed = z.output<typeof configSchema>;

/** Units last, camel case, the defaults that depend on other keys, frozen. */
export function toConfig({
  resource,
  listen,
  log,
  limits,
  upstreams,
  pull,
  push,
  observables,
  shutdown,
}: Parsed): Config {
  return frozen({
    resource: { 'service.name': 'metergate', ...resource },
    listen,
    log,
    limits: {
      requestsInFlightMax: limits.requests_in_flight,
      connectionsMax: limits.connections,
      headerBytesMax: limits.header_size,
      knownModelsMax: limits.known_models,
      requestHeaderTimeoutMs: limits.request_header_timeout,
    },
    upstreams: upstreams.map(toUpstream),
    pull,
    push: push.map(toDestination),
    observables: {
      host: { enabled: observables.host.enabled, intervalMs: observables.host.interval },
      process: { enabled: observables.process.enabled, intervalMs: observables.process.interval },
    },
    shutdown: { delayMs: shutdown.delay, timeoutMs: shutdown.timeout },
  });
}

function toUpstream({ path_prefix, timeouts, ...same }: Parsed['upstreams'][number]): UpstreamConfig {
  return {
    ...same,
    pathPrefix: path_prefix,
    timeouts: { connectMs: timeouts.connect, responseHeadersMs: timeouts.response_headers, idleMs: timeouts.idle },
  };
}

function toDestination(parsed: Parsed['push'][number]): PushConfig {
  const { interval, timeout, temporality_preference, tls, ...same } = parsed;
  return {
    ...same,
    intervalMs: interval,
    timeoutMs: timeout ?? Math.min(10_000, interval),
    temporality: temporality_preference,
    ...(tls && { tls: { caFile: tls.ca_file, certFile: tls.cert_file, keyFile: tls.key_file } }),
  };
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner as object);
  return Object.freeze(value);
}
