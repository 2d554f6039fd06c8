import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { tellResponses } from './let-go.ts';

/**
 * Requests whose `Upgrade` we ignore are ordinary requests (RFC 9110 section 7.8), but Node does not treat them so: with an `upgrade`
 * listener it hands over the bare connection, and when it ignores an upgrade itself, which is what happens without a listener or when
 * `shouldUpgradeCallback` says no, it drops what came in one read behind the request and takes the middle of the next request for the
 * start of one (seen in Node 22, 24 and 26). So every upgrade goes to the listener, and the ones to ignore are read a second time,
 * without the header.
 */

/** What Node keeps of a head when `maxHeadersCount` is not set: 1000 names and as many values. */
const RAW_HEADERS_MAX = 2_000;

/**
 * Has the server hand over every upgrade before it reads anything behind the head. Node 22 and 24 do that; Node 26 reads the body of the
 * request, and then there is nothing to read again. It is to call before the server listens.
 */
export function stopBehindUpgradeHeads(server: Server): void {
  server.on('connection', (socket: Socket & { parser?: Parser }) => {
    const { parser } = socket;
    const onIncoming = parser?.onIncoming;
    if (parser === undefined || onIncoming === undefined) return;
    parser.onIncoming = (request, keepAlive) => {
      const next = onIncoming(request, keepAlive);
      return request.upgrade === true ? SKIP_BODY : next;
    };
  });
}

interface Parser {
  onIncoming?: (request: IncomingMessage & { upgrade?: boolean | null }, keepAlive: boolean) => number;
}
/** To llhttp: no body follows, the rest of the connection is another protocol. */
const SKIP_BODY = 2;

export interface ReadAgainOptions {
  readonly server: Server;
  /** What came with the `upgrade` event. */
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The last response on this connection before the request (pipelining), if there was one: it goes out first. */
  readonly previous?: ServerResponse | undefined;
}

/**
 * Gives a request back to the server it came from, to be read once more as one without `Upgrade`. To be called from within the `upgrade`
 * event. Emits `connection` for the same socket again, so its listeners must bear that.
 *
 * @returns false if it could not be, and the connection was closed: there is no telling where the next request begins.
 */
export function readAgain({ server, request, socket, head, previous }: ReadAgainOptions): boolean {
  const plainHead = plainHeadOf(server, request);
  if (socket !== request.socket || plainHead === undefined) {
    socket.on('error', () => {}).destroy();
    return false;
  }
  request.socket.pause();
  request.socket.unshift(Buffer.concat([plainHead, head]));
  if (previous === undefined || previous.closed) handOver(server, request.socket);
  else handOverBehind(previous, server, request.socket);
  return true;
}

function handOver(server: Server, socket: Socket): void {
  // Node may have begun to count how long the connection is idle, and a new parser knows nothing of it.
  socket.setTimeout(server.timeout);
  // Behind an answer that closes the connection nothing is answered any more, and what is still to go out of that one must not be cut.
  if (socket.writable) server.emit('connection', socket);
  else socket.on('error', () => {});
  socket.resume();
}

/**
 * Node keeps answers in order only for what one parser has read. The new one does not exist before the last answer of the old one is
 * out: for a parser without a request the time of `headersTimeout` runs.
 */
function handOverBehind(previous: ServerResponse, server: Server, socket: Socket): void {
  const onError = (): void => {};
  socket.on('error', onError);
  const stop = tellResponses(socket);
  previous.once('close', () => {
    stop();
    if (socket.destroyed) return;
    handOver(server, socket);
    socket.off('error', onError);
  });
}

/** Byte for byte what was read, less what asks for the upgrade; undefined if Node has not kept all of it. */
function plainHeadOf(server: Server, { method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer | undefined {
  const rawMax = server.maxHeadersCount === null ? RAW_HEADERS_MAX : server.maxHeadersCount * 2;
  if (rawMax > 0 && rawHeaders.length >= rawMax) return undefined;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = withoutUpgrade(name.toLowerCase(), rawHeaders[i + 1] ?? '');
    if (value !== undefined) lines.push(`${name}: ${value}`);
  }
  // Only a lenient parser (`--insecure-http-parser`) lets these in; here they would begin a line of their own.
  if (lines.some((line) => /[\r\n]/.test(line))) return undefined;
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** @returns undefined for a header that says nothing without the upgrade. */
function withoutUpgrade(name: string, value: string): string | undefined {
  if (name === 'upgrade' || name === 'http2-settings') return undefined;
  if (name !== 'connection') return value;
  const options = value.split(',').filter((option) => !/^\s*(?:upgrade|http2-settings)?\s*$/i.test(option));
  return options.length === 0 ? undefined : options.join(',').trim();
}
