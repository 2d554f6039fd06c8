import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { reset } from '../../http/reset.ts';

export type TunnelSide = 'downstream' | 'upstream';

/**
 * - `ended`: the upstream closed, with or without the downstream, and all that it said was passed on.
 * - `downstream_closed`, `upstream_closed`: that side broke its connection, or left and the other one did not follow.
 */
export type TunnelEnd = 'ended' | 'downstream_closed' | 'upstream_closed';

export interface TunnelOptions {
  readonly downstream: Duplex;
  /** What was read from the connection behind the head that made it a tunnel. */
  readonly downstreamHead: Buffer;
  readonly upstream: Duplex;
  readonly upstreamHead: Buffer;
  /** How long nothing may come or go when one side has closed its half. */
  readonly halfClosedMs?: number;
  readonly onBytes?: (from: TunnelSide, bytes: number) => void;
  /** Called once, when both connections are destroyed. */
  readonly onEnd: (end: TunnelEnd) => void;
}

export interface Tunnel {
  /** Cuts both connections, as if the downstream had: `onEnd` is told so. */
  readonly destroy: () => void;
}

const HALF_CLOSED_MS = 30_000;
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * Joins two connections, of which it takes over all: bytes pass in both directions as they come, whoever reads slowly makes the other
 * side wait, a half that is closed on one side is closed on the other, and a reset is passed on as one. Open on both sides it may be
 * silent for as long as it likes, as WebSockets are; TCP keep-alive finds out who is dead.
 */
export function tunnel(options: TunnelOptions): Tunnel {
  const { downstream, upstream, halfClosedMs = HALF_CLOSED_MS } = options;
  const ended = { downstream: false, upstream: false };
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  const endOfDownstream = (): TunnelEnd =>
    ended.upstream && downstream.writableFinished ? 'ended' : 'downstream_closed';
  const finish = (end: TunnelEnd): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    for (const undo of undos) undo();
    for (const side of [downstream, upstream]) {
      if (end === 'ended') side.destroy();
      else breakOff(side);
    }
    options.onEnd(end);
  };
  const check = (): void => {
    if (upstream.closed && !ended.upstream) finish('upstream_closed');
    else if (downstream.closed) finish(endOfDownstream());
    else if (upstream.closed && downstream.writableFinished) finish('ended');
  };
  const join = (side: TunnelSide, from: Duplex, to: Duplex): (() => void)[] => [
    listen(from, 'data', (chunk: Buffer) => {
      timer?.refresh();
      options.onBytes?.(side, chunk.length);
      if (!to.write(chunk)) from.pause();
    }),
    listen(to, 'drain', () => {
      timer?.refresh();
      from.resume();
    }),
    listen(from, 'end', () => {
      ended[side] = true;
      clearTimeout(timer);
      timer = setTimeout(() => finish(endOfDownstream()), halfClosedMs);
      to.end();
    }),
    listen(from, 'finish', check),
    listen(from, 'close', check),
  ];

  prepare(downstream, options.downstreamHead);
  prepare(upstream, options.upstreamHead);
  const undos = [...join('downstream', downstream, upstream), ...join('upstream', upstream, downstream)];
  // One can have closed while the other was being opened.
  process.nextTick(check);
  return { destroy: () => finish('downstream_closed') };
}

/** @returns what takes the listener off. */
function listen(emitter: Duplex, event: string, listener: (chunk: Buffer) => void): () => void {
  emitter.on(event, listener);
  return () => emitter.off(event, listener);
}

function prepare(side: Duplex, head: Buffer): void {
  // Stays when all else is taken off: a connection can report an error while it is being destroyed. What it says is in `closed`.
  side.on('error', () => {});
  side.allowHalfOpen = true;
  if (head.length > 0 && !side.destroyed) side.unshift(head);
  if (side instanceof Socket) side.setTimeout(0).setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);
}

/** An end would say that nothing is missing. TLS has no way to say it. */
function breakOff(side: Duplex): void {
  if (side instanceof Socket && !(side instanceof TLSSocket)) reset(side);
  else side.destroy();
}
