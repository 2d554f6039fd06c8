import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import type { Events } from '../telemetry/events.ts';

/** Where to listen. Port 0 = one that is free. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A listener that could not be opened; the message names the key and the address. */
export class ListenError extends Error {}

/**
 * @param options.key the configuration key to name when it fails.
 * @returns the URL that reaches it.
 * @throws ListenError
 */
export async function listen(server: Server, { address, key }: { address: Address; key: string }): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(new ListenError(`${key}: ${formatAddress(address)} ${reasonOf(error)}`, { cause: error }));
    };
    server.once('error', onError);
    server.listen({ ...address, backlog: 511 }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return `http://${formatAddress({ host: address.host, port })}`;
}

export interface Connections {
  /**
   * Accepts no new connection and waits for what is in flight; at the deadline `cutOff` is called, then every connection is closed.
   * Idempotent, and safe on a server that never listened.
   */
  close(deadline: Deadline, options?: { cutOff?: () => void }): Promise<void>;
}

export interface ConnectionsOptions {
  /** Of the listener. */
  readonly name: string;
  /** Beyond it a connection is closed at once and counted. */
  readonly connectionsMax: number;
  readonly events: Events;
  /** Whether a request of the connection is being answered. */
  readonly isBusy: (socket: Socket) => boolean;
}

const CLOSE_IDLE_EVERY_MS = 20;
/** What a connection without a request may still need: to let the rest of its last answer out, or the head of a request in. */
const LINGER_MS = 500;

/** The connections of a server that has not been started yet. */
export function createConnections(
  server: Server,
  { name, connectionsMax, events, isBusy }: ConnectionsOptions,
): Connections {
  const sockets = new Set<Socket>();
  server.maxConnections = connectionsMax;
  server.on('drop', () => events.emit('connection rejected', { attributes: { 'metergate.listener': name } }));
  server.on('connection', (socket) => {
    // One that is given back to the server (an upgrade that was ignored) comes twice.
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  // A response that has begun may have promised to keep its connection: it is idle only when that is over. One that was opened
  // ahead of need is idle, too; Node 22 does not see it so.
  const closeIdle = (lingered: boolean): void => {
    server.closeIdleConnections();
    for (const socket of sockets) {
      if (socket.bytesRead === 0 || (lingered && !isBusy(socket))) socket.destroy();
    }
  };
  return {
    close: async (deadline, { cutOff } = {}) => {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const linger = deadlineIn(LINGER_MS);
      const timer = setInterval(() => closeIdle(linger.remainingMs() === 0), CLOSE_IDLE_EVERY_MS);
      const { done } = await within(deadline, closed);
      clearInterval(timer);
      if (done) return;
      cutOff?.();
      // One turn for what was just written to leave.
      await new Promise(setImmediate);
      server.closeAllConnections();
      // Those that Node's server has let go of, too.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'is in use by another program';
    case 'EACCES':
      return 'needs privileges that this process does not have';
    case 'EADDRNOTAVAIL':
      return 'is not an address of this machine';
    default:
      return `cannot be listened on: ${error.message}`;
  }
}
