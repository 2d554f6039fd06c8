import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createConnections, listen, type Address, type Connections } from '../../http/server.ts';
import type { Deadline } from '../../std/deadline.ts';
import type { Part } from '../../std/part.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { codeOfParserError } from './errors.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { createMeasurements } from './measurements.ts';
import { createRefuse } from './refusal.ts';
import { createFindUpstream, createUpstream, type UpstreamOptions } from './upstreams.ts';

export interface ProxyOptions {
  readonly address: Address;
  readonly upstreams: readonly UpstreamOptions[];
  readonly limits: {
    readonly requestsInFlightMax: number;
    readonly connectionsMax: number;
    readonly headerBytesMax: number;
    readonly requestHeaderTimeoutMs: number;
    readonly knownModelsMax: number;
  };
  readonly instruments: Instruments;
  readonly events: Events;
}

export interface Proxy extends Part {
  /** Where it listens, once started. */
  readonly url: string;
}

/** Idle downstream connections are kept longer than a load balancer does (60 s), so that it is not we who close first. */
const KEEP_ALIVE_MS = 75_000;

/** The inference reverse proxy: one listener in front of one or more upstreams, measured. */
export function createProxy({ address, upstreams: upstreamOptions, limits, instruments, events }: ProxyOptions): Proxy {
  /** The last one of each connection. */
  const exchanges = new WeakMap<Duplex, Exchange>();
  const upstreams = upstreamOptions.map(createUpstream);
  const context: ExchangeContext = {
    findUpstream: createFindUpstream(upstreams),
    measurements: createMeasurements({
      instruments,
      events,
      upstreams: upstreamOptions,
      knownModelsMax: limits.knownModelsMax,
    }),
    requestsInFlightMax: limits.requestsInFlightMax,
    inFlight: new Set(),
    draining: false,
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const exchange = new Exchange(context, request, response);
    exchanges.set(request.socket, exchange);
    exchange.start();
  };
  const refuse = createRefuse({ lastExchange: (socket) => exchanges.get(socket), measurements: context.measurements });

  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.requestHeaderTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.requestHeaderTimeoutMs, 10_000),
    // Whole requests may take as long as their parts keep coming; timeouts.idle watches over them.
    requestTimeout: 0,
    requireHostHeader: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('connect', (_request, socket) => {
    // Node lets go of the connection here: nobody else reads it, or hears of its errors.
    socket.on('error', () => {}).resume();
    refuse('method_not_allowed', socket);
  });
  server.on('clientError', (error, socket) => {
    const code = codeOfParserError(error);
    // A connection that was opened ahead of need and never used asked for nothing.
    const unused = 'bytesRead' in socket && socket.bytesRead === 0;
    if (code === undefined || unused) socket.destroy();
    else refuse(code, socket);
  });
  const { connectionsMax } = limits;
  const isBusy = (socket: Duplex): boolean => exchanges.get(socket)?.response.closed === false;
  const connections = createConnections(server, { name: 'inference', connectionsMax, events, isBusy });

  return createPart({
    server,
    connections,
    address,
    context,
    closeUpstreams: () => upstreams.map(({ dispatcher }) => dispatcher.destroy()),
  });
}

interface PartOptions {
  readonly server: Server;
  readonly connections: Connections;
  readonly address: Address;
  readonly context: ExchangeContext;
  readonly closeUpstreams: () => Promise<void>[];
}

function createPart({ server, connections, address, context, closeUpstreams }: PartOptions): Proxy {
  let url = '';
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    url = await listen(server, { address, key: 'listen.inference' });
  };
  const stop = async (deadline: Deadline): Promise<void> => {
    context.draining = true;
    await Promise.allSettled([starting]);
    await connections.close(deadline, {
      cutOff: () => {
        for (const exchange of context.inFlight) exchange.fail('shutdown');
      },
    });
    await Promise.all(closeUpstreams());
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
    status: () => ({ url, listening: server.listening, requestsInFlight: context.inFlight.size }),
  };
}
