import type { ServerResponse } from 'node:http';

/** Sends a body whose parts may share memory: each has left, or is copied nowhere any more, before the next one is asked for. */
export async function sendParts(response: ServerResponse, parts: AsyncIterable<Uint8Array>): Promise<void> {
  // Of the connection itself: Node.js 22 does not tell a response that was still waiting for its turn on it.
  const { socket } = response.req;
  const closing = Promise.withResolvers<undefined>();
  const onClose = (): void => closing.resolve(undefined);
  // One for each request that was sent on it without waiting for an answer.
  socket.setMaxListeners(Infinity);
  socket.once('close', onClose);
  try {
    for await (const part of parts) {
      if (socket.destroyed) break;
      // What is not written when the connection closes is told nothing else.
      if (part.length > 0) await Promise.race([written(response, part), closing.promise]);
    }
    response.end();
  } catch {
    // The head was sent, and what is missing must not look like the end. Answers before it on the connection are let out first.
    if (response.socket) response.destroy();
    else response.once('socket', () => response.destroy());
  } finally {
    socket.off('close', onClose);
  }
}

function written(response: ServerResponse, part: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    response.write(part, () => resolve());
  });
}
