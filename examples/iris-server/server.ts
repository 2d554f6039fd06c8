import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { head, infer } from './infer.ts';
import { createLedger, type InferCounts } from './ledger.ts';
import { answerControl, parseModelPath } from './routes.ts';

export interface IrisServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Whether requests may ask for their connection to be destroyed (parameter `die`). Default false. */
  readonly faults?: boolean;
  /** How long an idle connection stays open; default as `node:http` has it. */
  readonly keepAliveTimeoutMs?: number;
}

export interface IrisServer {
  /** `http://host:port` */
  readonly url: string;
  /** The infer requests (POST to `infer` of any model) whose result is known, each once. */
  counts(): InferCounts;
  /** Breaks off what is under way (counted as aborted) and resolves when no socket is left. Idempotent. */
  close(): Promise<void>;
}

interface Connection {
  /** Aborted when the connection is closed. */
  readonly gone: AbortSignal;
  /** The infer requests under way: more than one if the downstream pipelines. */
  readonly exchanges: Set<Promise<void>>;
}

/** Serves the Iris classifier by the Open Inference Protocol over REST. Rejects if it cannot listen. */
export async function startIrisServer(options: IrisServerOptions = {}): Promise<IrisServer> {
  const { host = '127.0.0.1', port = 0, faults = false, keepAliveTimeoutMs } = options;
  const ledger = createLedger();
  const connections = new Map<Duplex, Connection>();
  const server = createServer(serve);
  if (keepAliveTimeoutMs !== undefined) server.keepAliveTimeout = keepAliveTimeoutMs;

  server.on('connection', (socket) => {
    const gone = new AbortController();
    connections.set(socket, { gone: gone.signal, exchanges: new Set() });
    socket.once('close', () => {
      connections.delete(socket);
      gone.abort();
    });
  });
  // A request that is under way has no other answer coming than its own: it ends with the connection.
  server.on('clientError', (_, socket) => {
    if (socket.writable && connections.get(socket)?.exchanges.size === 0) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    } else socket.destroy();
  });

  server.listen(port, host);
  await once(server, 'listening');
  let closed: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    counts: () => ledger.counts(),
    close: () => (closed ??= close()),
  };

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const connection = connections.get(request.socket);
    if (connection === undefined) return; // closed already
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    const model = parseModelPath(path);
    if (request.method !== 'POST' || model?.action !== 'infer') {
      response.end(
        head(
          response,
          answerControl(request.method ?? '', path, () => ledger.stats()),
        ),
      );
      return;
    }
    const startMs = performance.now();
    const { gone, exchanges } = connection;
    const toModel = model.served;
    const executed = (rows: number) => ledger.executed(rows);
    const exchange = infer({ request, response, gone, toModel, faults, executed }).then((result) => {
      ledger.settled(result, { durationMs: performance.now() - startMs, toModel });
      exchanges.delete(exchange);
    });
    exchanges.add(exchange);
  }

  async function close(): Promise<void> {
    const ended = once(server, 'close');
    server.close();
    const exchanges = [...connections.values()].flatMap((connection) => [...connection.exchanges]);
    for (const socket of connections.keys()) socket.destroy();
    await Promise.all([ended, ...exchanges]);
  }
}

function urlOf({ address, port }: AddressInfo): string {
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
