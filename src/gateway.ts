import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Attributes } from '@opentelemetry/api';
import type { Config, UpstreamConfig } from './config/config.ts';
import { telemetryOptions } from './config/telemetry-options.ts';
import { observablesOptions } from './config/observables-options.ts';
import { readDuration } from './config/values.ts';
import { createListener, type Listener } from './http/listener.ts';
import type { Address } from './http/server.ts';
import { jsonAnswer, textAnswer, type Route } from './http/routes.ts';
import { createObservables } from './observables/index.ts';
import { createPullRoutes } from './pull/index.ts';
import { feedsOf } from './push/feeds.ts';
import { createFlushRoute } from './push/flush-route.ts';
import { createPush } from './push/index.ts';
import { protocols } from './serving/protocols/index.ts';
import { createProxy } from './serving/proxy/index.ts';
import { createMeasurements } from './serving/proxy/measurements.ts';
import type { UpstreamOptions } from './serving/proxy/upstreams.ts';
import { deadlineIn, within, type Deadline } from './std/deadline.ts';
import { errorText } from './std/error-text.ts';
import type { Part } from './std/part.ts';
import { createTelemetry } from './telemetry/index.ts';
import type { Logger } from './telemetry/logger.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Of metergate itself. */
  readonly version: string;
  /** What is known of the machine: attributes of the resource that the configuration does not have. */
  readonly inventory?: Attributes;
}

export interface Gateway {
  /** Resolves when requests are served. On a failure everything that had started is shut down again. */
  start(): Promise<void>;
  /** Finishes what is in flight, sends the last collection. Idempotent; at the latest after `shutdown.delay` + `shutdown.timeout`. */
  shutdown(): Promise<void>;
  /** Of the listeners, once started; `metrics` is undefined when pull is off. */
  readonly urls: { readonly inference: string; readonly management: string; readonly metrics: string | undefined };
}

/** Of the time that a shutdown has, what is kept for the last export after the last request. */
const LAST_EXPORT_SHARE = 0.25;

/** The composition root: makes the parts from the configuration and says in which order they start and stop. */
export function createGateway({ config, logger, version, inventory }: GatewayOptions): Gateway {
  const { limits, listen } = config;
  const { engine, attributesFromHeaders } = config.telemetry;
  const feeds = feedsOf(config.push, engine);
  const telemetry = createTelemetry({
    resource: {
      ...inventory,
      'service.version': version,
      'service.instance.id': instanceId(listen.metrics),
      ...config.resource,
    },
    version,
    ...telemetryOptions(config),
    destinations: feeds,
    logger,
  });
  const { instruments, events, pull, push: pushReaders } = telemetry;
  const shared = { instruments, events, logger };

  const upstreams = config.upstreams.map(toUpstreamOptions);
  const proxy = createProxy({
    ...shared,
    address: listen.inference,
    upstreams,
    limits,
    accessLog: config.accessLog.enabled ? config.accessLog : undefined,
    measurements: createMeasurements({ ...shared, ...limits, upstreams, attributesFromHeaders }),
  });
  const observables = createObservables({ ...shared, ...observablesOptions(config.observables, logger) });
  const push = createPush({ ...shared, feeds, engine, readers: pushReaders, version });

  const listener = (name: 'management' | 'metrics', routes: readonly Route[]): Listener =>
    createListener({ name, routes, address: listen[name], connectionsMax: limits.connectionsMax, events });
  const metrics = config.pull.enabled
    ? listener('metrics', createPullRoutes({ ...config.pull, ...limits, reader: pull, events }))
    : undefined;
  const management = listener('management', [
    ...managementRoutes({ version, parts: () => parts, ready: () => lifecycle.ready() }),
    createFlushRoute({ flush: (timeoutMs) => push.flush(timeoutMs), readDuration }),
  ]);

  // Started from left to right, stopped from right to left: who asks whether we are ready can ask first and last, and requests
  // do not wait for the first readings of the machine.
  const parts: readonly Part[] = [management, ...(metrics ? [metrics] : []), push, proxy, observables];
  const lifecycle = createLifecycle({ parts, proxy, ...config.shutdown, logger, close: () => telemetry.shutdown() });

  return {
    start: async () => {
      await lifecycle.start();
      const urls = { inference: proxy.url, management: management.url, metrics: metrics?.url ?? null };
      logger.info('serving', { version, ...urls });
    },
    shutdown: () => lifecycle.shutdown(),
    get urls() {
      return { inference: proxy.url, management: management.url, metrics: metrics?.url };
    },
  };
}

interface LifecycleOptions {
  readonly parts: readonly Part[];
  readonly proxy: Part;
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** When every part has stopped. */
  readonly close: () => Promise<void>;
}

interface Lifecycle {
  start(): Promise<void>;
  shutdown(): Promise<void>;
  ready(): boolean;
}

function createLifecycle({ parts, proxy, delayMs, timeoutMs, logger, close }: LifecycleOptions): Lifecycle {
  let starting: Promise<void> = Promise.resolve();
  let stopping: Promise<void> | undefined;

  /** One part that cannot stop must not keep the others from it. */
  const stopPart = async (part: Part, deadline: Deadline): Promise<void> => {
    try {
      await part.shutdown(deadline);
    } catch (error) {
      logger.error('shutdown of a part failed', { part: part.name, error: errorText(error) });
    }
  };
  const stop = async (): Promise<void> => {
    logger.info('shutting down', { delayMs, timeoutMs });
    let deadline = deadlineIn(timeoutMs);
    await within(deadline, Promise.allSettled([starting]));
    if (proxy.ready()) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      deadline = deadlineIn(timeoutMs);
    }
    await stopPart(proxy, deadlineIn(timeoutMs * (1 - LAST_EXPORT_SHARE)));
    for (const part of parts.toReversed()) await stopPart(part, deadline);
    await close();
    logger.info('stopped');
  };

  return {
    start: async () => {
      try {
        for (const part of parts) {
          await (starting = part.start());
          if (stopping !== undefined) throw new Error('the gateway was shut down while it started');
        }
      } catch (error) {
        await (stopping ??= stop());
        throw error;
      }
    },
    shutdown: () => (stopping ??= stop()),
    ready: () => stopping === undefined && parts.every((part) => part.ready()),
  };
}

/**
 * Tells gateways of one service name apart where they push to one receiver; it becomes `instance` at Prometheus, so it looks like
 * the address that a scrape would use.
 */
function instanceId({ port }: Address): string {
  return port === 0 ? randomUUID() : `${hostname()}:${port}`;
}

interface ManagementOptions {
  readonly version: string;
  readonly parts: () => readonly Part[];
  readonly ready: () => boolean;
}

function managementRoutes({ version, parts, ready }: ManagementOptions): readonly Route[] {
  return [
    { path: '/-/healthy', handle: () => textAnswer(200, 'healthy') },
    { path: '/-/ready', handle: () => (ready() ? textAnswer(200, 'ready') : textAnswer(503, 'not ready')) },
    {
      path: '/status',
      handle: () => {
        const states = parts().map((part) => [part.name, { ready: part.ready(), ...part.status() }]);
        return jsonAnswer(200, { version, ready: ready(), parts: Object.fromEntries(states) as unknown });
      },
    },
  ];
}

function toUpstreamOptions(upstream: UpstreamConfig): UpstreamOptions {
  return { ...upstream, protocol: protocols[upstream.protocol](upstream) };
}
