import { ServerResponse, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ProxyErrorCode } from './errors.ts';
import { responseHeaders } from './headers.ts';
import { tellResponses } from './let-go.ts';
import { hasBody } from './request-body.ts';
import { tunnel, type Tunnel, type TunnelEnd } from './tunnel.ts';

/** The connection to the upstream, which is no longer one of HTTP. */
export interface Upgraded {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Duplex;
  /** What came behind the head of the response. */
  readonly head: Buffer;
}

/** Other upgrades (HTTP/2 in plain text) may be ignored, and are; in HTTP/1.0 there are none. */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const { method, httpVersionMinor, headers } = request;
  return (
    method === 'GET' && httpVersionMinor > 0 && headers.upgrade?.toLowerCase() === 'websocket' && !hasBody(request)
  );
}

export interface UpgradeOptions {
  /** What came with the event. */
  readonly request: IncomingMessage;
  readonly head: Buffer;
  /** The last response on the connection before this one (pipelining), which goes out first. */
  readonly previous: ServerResponse | undefined;
}

export interface JoinOptions {
  /** Towards the downstream. */
  readonly onBytes: (bytes: number) => void;
  /** Called once, when both connections are closed, or when the downstream can still be answered; undefined = nothing was cut. */
  readonly onEnd: (code: ProxyErrorCode | undefined) => void;
}

/** What a downstream may say before it is told that it has its upgrade; then it has to wait. */
const EARLY_BYTES_MAX = 64 * 1024;

/** The downstream's side of an upgrade: a connection that Node's server has let go of. */
export class Upgrade {
  /** An ordinary answer, where there is one, goes out here. It closes when the connection does. */
  readonly response: ServerResponse;
  readonly #socket: Socket;
  readonly #early: Buffer[];
  #earlyBytes: number;
  readonly #stopTelling: () => void;

  constructor({ request, head, previous }: UpgradeOptions) {
    const { socket } = request;
    const response = new ServerResponse(request);
    this.response = response;
    this.#socket = socket;
    this.#early = [head];
    this.#earlyBytes = head.length;
    response.shouldKeepAlive = false;
    // Behind an answer that closes the connection nothing is answered any more.
    if (previous === undefined || (previous.closed && socket.writable)) response.assignSocket(socket);
    else previous.once('close', () => socket.writable && response.assignSocket(socket));
    response.once('finish', () => socket.destroySoon());
    // Nobody else hears of its errors, and it closes after each.
    socket.on('error', () => {}).once('close', () => response.emit('close'));
    this.#stopTelling = tellResponses(socket);
    // Who leaves is only noticed by who reads.
    socket.on('data', this.#onData).on('end', this.#onLeave).resume();
  }

  /** Tells the downstream that it has its upgrade, as soon as it is its turn, and makes one connection of the two. @returns what cuts it. */
  join(upgraded: Upgraded, { onBytes, onEnd }: JoinOptions): () => void {
    const { headers, socket: upstream, head: upstreamHead } = upgraded;
    const downstream = this.#socket;
    let joined: Tunnel | undefined;
    let isOver = false;
    const cut = (code: ProxyErrorCode): void => {
      if (isOver) return;
      isOver = true;
      upstream.destroy();
      downstream.off('close', onLeave).destroy();
      onEnd(code);
    };
    const onLeave = (): void => cut('downstream_closed');
    upstream.on('error', () => {});
    const begin = (): void => {
      if (isOver) return;
      downstream.off('close', onLeave);
      const fault = upstream.destroyed
        ? 'upstream_closed'
        : this.#switch(headers)
          ? undefined
          : 'upstream_malformed_response';
      if (fault !== undefined) {
        isOver = true;
        upstream.destroy();
        return onEnd(fault);
      }
      joined = tunnel({
        downstream,
        downstreamHead: Buffer.concat(this.#early),
        upstream,
        upstreamHead,
        onBytes: (from, bytes) => {
          if (from === 'upstream') onBytes(bytes);
        },
        onEnd: (end) => onEnd(codeOf(end)),
      });
      downstream.resume();
    };
    if (this.response.socket !== null) begin();
    else {
      downstream.once('close', onLeave);
      this.response.once('socket', begin);
    }
    return () => (joined ? joined.destroy() : onLeave());
  }

  /** @returns false if the head is none that Node can send. */
  #switch(headers: IncomingHttpHeaders): boolean {
    const { response } = this;
    try {
      const passed = { ...responseHeaders(headers), connection: 'Upgrade', upgrade: 'websocket' };
      // It has neither body nor trailers.
      delete passed.trailer;
      delete passed['content-length'];
      response.writeHead(101, passed);
    } catch {
      return false;
    }
    response.flushHeaders();
    response.detachSocket(this.#socket);
    this.#stopTelling();
    this.#socket.off('data', this.#onData).off('end', this.#onLeave).pause();
    return true;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > EARLY_BYTES_MAX) this.#socket.pause();
  };

  readonly #onLeave = (): void => void this.#socket.destroy();
}

function codeOf(end: TunnelEnd): ProxyErrorCode | undefined {
  return end === 'ended' ? undefined : end;
}
