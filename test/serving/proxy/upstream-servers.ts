import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type ServerOptions } from 'node:http';
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

export interface HttpUpstream {
  readonly url: string;
  /** `METHOD path` of each request that came, in order. */
  readonly seen: readonly string[];
  /** Connections that were opened. */
  connections(): number;
}

export async function startUpstream(
  t: TestContext,
  answer: RequestListener,
  options: ServerOptions = {},
): Promise<HttpUpstream> {
  const seen: string[] = [];
  let connections = 0;
  const server = createHttpServer(options, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
    if (server.listening) await once(server, 'close');
  });
  return { url: urlOf(server.address() as AddressInfo), seen, connections: () => connections };
}

export interface RawUpstream {
  readonly url: string;
  /** All bytes that came, over all connections, as latin1. */
  received(): string;
  readonly sockets: readonly Socket[];
}

/** An upstream that says whatever the test has it say. @param onData called when bytes come, with all of that connection so far. */
export async function startRawUpstream(
  t: TestContext,
  onData: (socket: Socket, received: string) => void,
): Promise<RawUpstream> {
  const sockets: Socket[] = [];
  const parts: string[] = [];
  const server = createNetServer((socket) => {
    let received = '';
    sockets.push(socket);
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
      parts.push(chunk);
      onData(socket, received);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: urlOf(server.address() as AddressInfo), received: () => parts.join(''), sockets };
}

let closed = 0;

/** A URL at which nothing listens, another one each time: of a port that the system gives to nobody, so that no server of another test gets it. */
export function closedUrl(): Promise<string> {
  return Promise.resolve(`http://127.0.0.1:${++closed}`);
}

/** @returns the URL of an upstream that listens, but whose queue of connections is full: a thread that is stuck accepts none. */
export async function startStuckUpstream(t: TestContext): Promise<string> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true });
  // It is heard when the thread is stuck already: there is no turn in which it could accept one.
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  return `http://127.0.0.1:${port}`;
}

function urlOf({ address, port }: AddressInfo): string {
  return `http://${address}:${port}`;
}
