import type { Socket } from 'node:net';

/**
 * Ends a connection by a reset, which tells the other side that something is missing.
 *
 * One that is just telling its end, and has nothing left to write, is closed: the system refuses to reset it then (EINVAL), after which
 * Node.js 22, 24 and 26 never let go of it.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) socket.destroy();
  else socket.resetAndDestroy();
}
