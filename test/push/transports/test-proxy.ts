import { once } from 'node:events';
import { createServer, request as sendOn, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSafeServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';

/**
 * `open`: whatever the name of the receiver is, it is taken to 127.0.0.1. `hang`: there is no answer. `stall`: it says that there is a tunnel, and
 * there is none. `reset`: the connection is. A status: it refuses, and repeats the credentials.
 */
export type ProxyBehaviour = 'open' | 'hang' | 'stall' | 'reset' | number;

export interface TestProxy {
  /** With the credentials of `user`. */
  readonly url: string;
  readonly host: string;
  /** `CONNECT host:port`, `POST http://host:port/path`, and the credentials as they came. */
  readonly asked: readonly { readonly line: string; readonly authorization: string | undefined }[];
  /** How many connections were made with a certificate of the other side. */
  readonly certificates: number;
  /** Open now. */
  readonly connections: number;
  behaviour: ProxyBehaviour;
  /** Nobody listens there any more, and every connection is reset. */
  close(): Promise<void>;
}

/** What the proxy is to be told, and nobody else. */
export const user = { name: 'gate', password: 'pass:w@rd', url: 'gate:pass%3Aw%40rd', basic: btoa('gate:pass:w@rd') };

/** An HTTP proxy of the kind that companies have, for as long as the test runs. @param tls for one that is spoken to over TLS. */
export async function startProxy(t: TestContext, tls?: { cert: string; key: string }): Promise<TestProxy> {
  const asked: { line: string; authorization: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const proxy = { behaviour: 'open' as ProxyBehaviour };
  const server = tls ? createSafeServer({ ...tls, requestCert: true, rejectUnauthorized: false }) : createServer();
  let certificates = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const note = ({ method, url, headers }: IncomingMessage): void => {
    asked.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'] });
  };

  server.on('connection', keep);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.getPeerX509Certificate() !== undefined) certificates++;
  });
  server.on('connect', (request, socket: Socket) => {
    note(request);
    // Those of HTTP stay half open.
    socket.on('end', () => socket.end()).on('error', () => {});
    const { behaviour } = proxy;
    if (behaviour === 'open') void tunnel(request.url ?? '', socket, keep);
    else if (behaviour === 'reset') socket.resetAndDestroy();
    else if (behaviour === 'stall') socket.resume().write('HTTP/1.1 200 OK\r\n\r\n');
    else if (behaviour === 'hang') socket.resume();
    else socket.resume().end(`HTTP/1.1 ${behaviour} No\r\n\r\nnot with ${request.headers['proxy-authorization']}`);
  });
  server.on('request', (request, response) => {
    note(request);
    const { behaviour } = proxy;
    if (behaviour === 'open') forward(request, response);
    else if (behaviour === 'reset') request.socket.resetAndDestroy();
    else if (typeof behaviour === 'number') {
      const text = `not with ${request.headers['proxy-authorization']}`;
      request.resume().on('end', () => response.writeHead(behaviour, { 'content-type': 'text/plain' }).end(text));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // There are no names for TLS among addresses.
  const host = `${tls ? 'localhost' : '127.0.0.1'}:${(server.address() as AddressInfo).port}`;
  const fixed = {
    url: `${tls ? 'https' : 'http'}://${user.url}@${host}`,
    host,
    asked,
    get certificates() {
      return certificates;
    },
    get connections() {
      return sockets.size;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
  };
  t.after(() => fixed.close());
  Object.defineProperties(proxy, Object.getOwnPropertyDescriptors(fixed));
  return proxy as typeof proxy & typeof fixed;
}

async function tunnel(target: string, socket: Socket, keep: (socket: Socket) => void): Promise<void> {
  const receiver = connect(Number(target.split(':').at(-1)), '127.0.0.1');
  keep(receiver);
  receiver.on('close', () => socket.destroy());
  socket.on('close', () => receiver.destroy());
  await once(receiver, 'connect');
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  receiver.pipe(socket).pipe(receiver);
}

/** One connection for each request. */
function forward(request: IncomingMessage, response: ServerResponse): void {
  const { port, pathname } = new URL(request.url ?? '');
  const headers = { ...request.headers, connection: 'close' };
  delete headers['proxy-authorization'];
  const onward = sendOn({ host: '127.0.0.1', port, path: pathname, method: request.method, headers, agent: false });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}
