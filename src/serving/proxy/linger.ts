import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** As nginx's `lingering_time` has it. */
const DISCARD_MS = 30_000;

/**
 * After an answer that did not wait for the whole request: what still comes is read and thrown away, for a while, and the
 * connection closed if that was not enough. Closing at once, with input unread, would reset the connection, and the downstream,
 * which may read only when it has sent everything, could lose the answer.
 */
export function discardRest(request: IncomingMessage, discardMs = DISCARD_MS): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  const limit = setTimeout(() => socket.destroy(), discardMs);
  const over = (): void => {
    clearTimeout(limit);
    socket.off('close', over);
  };
  socket.once('close', over);
  request.once('end', over).resume();
}

/**
 * To a request that waits for `100 Continue` and gets its answer without, Node closes the connection right behind the answer. The downstream
 * may have sent its body all the same: that is discarded first.
 */
export function closeBehindBody(request: IncomingMessage): void {
  const { socket } = request;
  const destroySoon = socket.destroySoon.bind(socket);
  const closeLater = (): void => {
    if (request.complete || socket.destroyed) return destroySoon();
    socket.end();
    request.once('end', destroySoon);
    discardRest(request);
  };
  socket.destroySoon = closeLater;
  // The connection may have many of them.
  request.once('end', () => {
    if (socket.destroySoon === closeLater) delete (socket as Partial<Socket>).destroySoon;
  });
}
