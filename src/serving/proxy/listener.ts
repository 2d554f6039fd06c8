import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { codeOfParserError } from './errors.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { takeOver, tellResponses } from './let-go.ts';
import { readAgain, stopBehindUpgradeHeads } from './plain-again.ts';
import { createRefuse } from './refusal.ts';
import { asksForWebSocket, Upgrade } from './upgrade.ts';

export interface ListenerOptions {
  readonly context: ExchangeContext;
  readonly headerBytesMax: number;
  readonly requestHeaderTimeoutMs: number;
}

export interface Listener {
  readonly server: Server;
  /** Whether a request of the connection is being answered. */
  readonly isBusy: (socket: Duplex) => boolean;
}

/** Idle downstream connections are kept longer than a load balancer does (60 s), so that it is not we who close first. */
const KEEP_ALIVE_MS = 75_000;

/** Makes an exchange of whatever comes in that is a request, and refuses the rest. Does not listen yet. */
export function createListener({ context, headerBytesMax, requestHeaderTimeoutMs }: ListenerOptions): Listener {
  /** The last one of each connection. */
  const exchanges = new WeakMap<Duplex, Exchange>();
  const start = (options: ExchangeOptions): void => {
    const exchange = new Exchange(context, options);
    exchanges.set(options.request.socket, exchange);
    exchange.start();
  };
  const refuse = createRefuse({ lastExchange: (socket) => exchanges.get(socket), measurements: context.measurements });

  const server = createServer({
    maxHeaderSize: headerBytesMax,
    headersTimeout: requestHeaderTimeoutMs,
    connectionsCheckingInterval: Math.min(requestHeaderTimeoutMs, 10_000),
    // Whole requests may take as long as their parts keep coming; timeouts.idle watches over them.
    requestTimeout: 0,
    requireHostHeader: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => start({ request, response });
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('checkContinue', (request, response) => start({ request, response, expectsContinue: true }));
  stopBehindUpgradeHeads(server);
  server.on('upgrade', (request, socket, head) => {
    takeOver(request.socket);
    const previous = exchanges.get(socket)?.response;
    if (!asksForWebSocket(request)) {
      if (!readAgain({ server, request, socket, head, previous })) context.measurements.unreadable();
      return;
    }
    const upgrade = new Upgrade({ request, head, previous });
    start({ request, response: upgrade.response, upgrade });
  });
  server.on('connect', ({ socket }) => {
    // Node lets go of the connection here: nobody else reads it, or hears of its errors.
    takeOver(socket);
    tellResponses(socket);
    socket
      .on('error', () => {})
      .on('end', () => socket.destroy())
      .resume();
    refuse('method_not_allowed', socket);
  });
  server.on('clientError', (error, socket) => {
    const code = codeOfParserError(error);
    // A connection that was opened ahead of need and never used asked for nothing.
    const unused = 'bytesRead' in socket && socket.bytesRead === 0;
    if (code === undefined || unused) socket.destroy();
    else refuse(code, socket);
  });
  return { server, isBusy: (socket) => exchanges.get(socket)?.isClosed === false };
}
