import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { reset } from '../../http/reset.ts';
import { errorBody, errorHeaders, proxyErrors, type ProxyErrorCode } from './errors.ts';
import { reasonPhrase } from './headers.ts';

/** Answers a request ourselves. @returns the bytes of the body that was sent. */
export function answerError(response: ServerResponse, code: ProxyErrorCode): number {
  const { status } = proxyErrors[code];
  // After these two nobody knows where the next request begins.
  if (code === 'request_body_timeout' || code === 'unsupported_transfer_coding') response.shouldKeepAlive = false;
  const body = errorBody(code);
  try {
    response.writeHead(status, reasonPhrase(status), errorHeaders(code, body));
    response.end(body);
  } catch {
    // The upstream's head has left something in the response that Node refuses to send; the code says what was wrong with it.
    breakOff(response);
    return 0;
  }
  return response.req.method === 'HEAD' ? 0 : Buffer.byteLength(body);
}

/**
 * Cuts a response off, and its connection with it: when it is its turn (pipelining), since those before it are to be whole. To HTTP/1.0 the
 * end of the connection is the end of the response, so only a reset tells that it is not whole.
 */
export function breakOff(response: ServerResponse): void {
  const cut = (socket: Socket): unknown => (response.req.httpVersionMinor === 0 ? reset(socket) : response.destroy());
  if (response.socket === null) response.once('socket', cut);
  else cut(response.socket);
}
