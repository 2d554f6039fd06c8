import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { closeServer, limitConnections, listen, type Address } from '../../http/server.ts';
import type { Part } from '../../std/part.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { codeOfParserError, errorBody, errorHeaders, proxyErrors, type ProxyErrorCode } from './errors.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { createMeasurements } from './measurements.ts';
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
  const exchanges = new Map<Duplex, Exchange>();
  const refused = new WeakSet<Duplex>();
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
    onEnd: (exchange) => {
      const { socket } = exchange.request;
      if (exchanges.get(socket) === exchange) exchanges.delete(socket);
      // A response that began before the shutdown has promised to keep its connection.
      if (context.draining) setImmediate(() => server.closeIdleConnections());
    },
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const exchange = new Exchange(context, request, response);
    exchanges.set(request.socket, exchange);
    exchange.start();
  };
  /** What Node's parser cannot read never becomes a request; it is answered here, on the bare socket. */
  const refuse = (code: ProxyErrorCode, socket: Duplex): void => {
    // The parser reports every further part of what it could not read.
    if (refused.has(socket)) return;
    refused.add(socket);
    // Within a request that is being served, its own close measures it.
    const exchange = exchanges.get(socket);
    if (exchange === undefined) context.measurements.unreadable(code);
    if (socket.writable && exchange?.response.headersSent !== true) answerAndClose(code, socket);
    else socket.destroy();
  };

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
  server.on('connect', (_request, socket) => refuse('method_not_allowed', socket));
  server.on('clientError', (error, socket) => {
    const code = codeOfParserError(error);
    if (code === undefined) socket.destroy();
    else refuse(code, socket);
  });
  limitConnections(server, { name: 'inference', connectionsMax: limits.connectionsMax, events });

  return createPart({
    server,
    address,
    context,
    closeUpstreams: () => upstreams.map(({ dispatcher }) => dispatcher.destroy()),
  });
}

interface PartOptions {
  readonly server: Server;
  readonly address: Address;
  readonly context: ExchangeContext;
  readonly closeUpstreams: () => Promise<void>[];
}

function createPart({ server, address, context, closeUpstreams }: PartOptions): Proxy {
  let url = '';
  return {
    name: 'inference',
    get url() {
      return url;
    },
    start: async () => {
      url = await listen(server, { address, key: 'listen.inference' });
    },
    /** In-flight requests finish; what is still running at the deadline is cut off and counted as a failure. */
    shutdown: async (deadline) => {
      context.draining = true;
      await closeServer(server, deadline, () => {
        for (const exchange of context.inFlight) exchange.fail('shutdown');
      });
      await Promise.all(closeUpstreams());
    },
    ready: () => server.listening,
    status: () => ({ url, listening: server.listening, requestsInFlight: context.inFlight.size }),
  };
}

/** Closing at once, with input unread, would reset the connection and could take the answer with it. */
const LINGER_MS = 500;

function answerAndClose(code: ProxyErrorCode, socket: Duplex): void {
  const { status } = proxyErrors[code];
  const body = errorBody(code);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  const headers = [...errorHeaders(code, body), 'connection', 'close'];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);

  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}
