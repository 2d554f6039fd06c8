import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/*
 * Connections that Node's server has let go of, at an upgrade or at CONNECT, though answers may still be going out on them: what Node would have
 * done for those is done here.
 */

/**
 * When Node lets go of a connection, it does not tell responses on it any more that they can be written to again, or that nothing was taken
 * of them for the time that was set: neither those that are on their way out nor those that come to it by `assignSocket`.
 *
 * @returns what ends it.
 */
export function tellResponses(socket: Socket & { _httpMessage?: ServerResponse | null }): () => void {
  const onDrain = (): void => {
    if (socket._httpMessage?.writableNeedDrain) socket._httpMessage.emit('drain');
  };
  const onTimeout = (): void => void socket._httpMessage?.emit('timeout', socket);
  socket.on('drain', onDrain).on('timeout', onTimeout);
  return () => socket.off('drain', onDrain).off('timeout', onTimeout);
}

/**
 * A connection that Node has let go of while it had paused it (answers that wait to be read) stays paused to Node, and what it resumes later,
 * when nobody listens yet, is lost. To be called as soon as it is let go of.
 */
export function takeOver(socket: Socket & { _paused?: boolean; _handle?: { reading?: boolean } | null }): void {
  socket._paused = false;
  // Reads on.
  if (socket._handle?.reading === false) socket.push(Buffer.alloc(0));
}
