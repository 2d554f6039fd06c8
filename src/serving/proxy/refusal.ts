import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody, errorHeaders, proxyErrors, type ProxyErrorCode } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Measurements } from './measurements.ts';

/** Ends a connection on which something came that never becomes a request, with an answer where one can be given. */
export type Refuse = (code: ProxyErrorCode, socket: Duplex) => void;

export interface RefuseOptions {
  /** The last request that came on a connection, whether or not it is over. */
  readonly lastExchange: (socket: Duplex) => Exchange | undefined;
  readonly measurements: Measurements;
}

/** What Node's parser cannot read gets no `ServerResponse`: it is answered here, on the bare socket, when it is its turn. */
export function createRefuse({ lastExchange, measurements }: RefuseOptions): Refuse {
  const refused = new WeakSet<Duplex>();
  return (code, socket) => {
    // The parser reports every further part of what it could not read.
    if (refused.has(socket)) return;
    refused.add(socket);

    const last = lastExchange(socket);
    if (last?.request.complete === false) {
      // It is that one's body that cannot be read, so that one's own close measures it.
      const { response } = last;
      last.leave(code);
      const end = (): void => (response.headersSent ? void socket.destroy() : answerAndClose(code, socket));
      // Its own answer goes out first, if it has one already, and so do those to the requests before it.
      if (response.closed || response.writableFinished) socket.destroy();
      else if (response.writableEnded) response.once('finish', () => socket.destroy());
      else if (response.socket === null) response.once('socket', end);
      else end();
      return;
    }
    measurements.unreadable();
    if (last === undefined || last.response.closed) answerAndClose(code, socket);
    else last.response.once('close', () => answerAndClose(code, socket));
  };
}

/** Closing at once, with input unread, would reset the connection and could take the answer with it. */
const LINGER_MS = 500;

function answerAndClose(code: ProxyErrorCode, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const { status } = proxyErrors[code];
  const body = errorBody(code);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  const headers = [...errorHeaders(code, body), 'connection', 'close'];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);

  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}
