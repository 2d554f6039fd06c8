import { createConnections, listen, type Address } from '../../http/server.ts';
import type { Deadline } from '../../std/deadline.ts';
import { errorText } from '../../std/error-text.ts';
import type { Part } from '../../std/part.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { openAccessLog } from './access-log.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { createInFlight } from './in-flight.ts';
import { createListener } from './listener.ts';
import type { Measurements } from './measurements.ts';
import { showReplicaHealth } from './replica-health.ts';
import { createRecognise, createRoute } from './routing.ts';
import { openUpstream, type Upstream, type UpstreamOptions } from './upstreams.ts';

export interface ProxyOptions {
  readonly address: Address;
  readonly upstreams: readonly UpstreamOptions[];
  readonly limits: ProxyLimits;
  /** Undefined = none is written. */
  readonly accessLog: { readonly path: string } | undefined;
  readonly measurements: Measurements;
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
}

export interface ProxyLimits {
  readonly requestsInFlightMax: number;
  readonly connectionsMax: number;
  /** Of a request, and of a response. */
  readonly headerBytesMax: number;
  readonly requestBodyBytesMax: number;
  readonly requestHeaderTimeoutMs: number;
}

export interface Proxy extends Part {
  /** Where it listens, once started. */
  readonly url: string;
}

/** That a shutdown waits for what should be over. */
const TURNS_MAX = 100;

/** The inference reverse proxy: one listener in front of one or more upstreams, measured. */
export function createProxy(options: ProxyOptions): Proxy {
  const { address, limits, measurements, events } = options;
  let upstreams: readonly Upstream[] = [];
  const onHealthChange = showReplicaHealth({ ...options, upstreams: () => upstreams });
  const context: ExchangeContext = {
    route: () => undefined,
    measurements,
    accessLog: undefined,
    onTapError: (error) => events.emit('measurement failed', { fields: { error: errorText(error) } }),
    requestsInFlightMax: limits.requestsInFlightMax,
    requestBodyBytesMax: limits.requestBodyBytesMax,
    bodyIdleMs: Math.max(...options.upstreams.map(({ timeouts }) => timeouts.idleMs)),
    inFlight: createInFlight(),
    draining: false,
  };
  const { server, isBusy } = createListener({ ...limits, context });
  const connections = createConnections(server, {
    name: 'inference',
    connectionsMax: limits.connectionsMax,
    events,
    isBusy,
  });

  let url = '';
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    if (options.accessLog) context.accessLog = openAccessLog({ ...options.accessLog, events });
    for (const upstream of options.upstreams)
      upstreams = [...upstreams, await openUpstream(upstream, { ...limits, onHealthChange })];
    context.route = createRoute({ upstreams, recognise: createRecognise(context.onTapError) });
    url = await listen(server, { address, key: 'listen.inference' });
  };
  const stop = async (deadline: Deadline): Promise<void> => {
    context.draining = true;
    await Promise.allSettled([starting]);
    await connections.close(deadline, {
      cutOff: () => {
        for (const exchange of context.inFlight.all()) exchange.fail('shutdown');
      },
    });
    await Promise.all(upstreams.map((upstream) => upstream.close()));
    // Requests that shared a connection hear some turns later that it has closed.
    for (let turn = 0; turn < TURNS_MAX && (turn === 0 || context.inFlight.size > 0); turn++)
      await new Promise(setImmediate);
    await context.accessLog?.close(deadline);
  };
  return {
    name: 'inference',
    get url() {
      return url;
    },
    start: () => (starting = start()),
    /** In-flight requests finish; what is still running at the deadline is cut off and counted as a failure. */
    shutdown: (deadline) => (stopping ??= stop(deadline)),
    ready: () => server.listening && !context.draining,
    status: () => ({
      url,
      listening: server.listening,
      requestsInFlight: context.inFlight.size,
      upstreams: upstreams.map(statusOf),
    }),
  };
}

function statusOf({ options, places, replicas }: Upstream): Readonly<Record<string, unknown>> {
  return {
    name: options.name,
    requestsInFlight: places.taken,
    requestsWaiting: places.waiting,
    replicas: replicas.all.map(({ url, health, inFlight }) => ({
      address: url.host,
      healthy: health.healthy,
      requestsInFlight: inFlight,
    })),
  };
}
