import type { ServerResponse } from 'node:http';
import { reset } from './reset.ts';

export interface PartsOptions {
  /** Writes the head: before the first byte, so that what fails sooner can have another one. */
  readonly writeHead: () => void;
  /** A reader who has not taken all of it by then is left: he may take a little now and then, and hold its place for ever. */
  readonly timeoutMs: number;
  readonly onTimeout: () => void;
}

/**
 * Sends a body whose parts may share memory: each has left, or is copied nowhere any more, before the next one is asked for.
 *
 * @throws what the body throws before its first byte; later the connection is cut off.
 */
export async function sendParts(
  response: ServerResponse,
  parts: AsyncIterable<Uint8Array>,
  { writeHead, timeoutMs, onTimeout }: PartsOptions,
): Promise<void> {
  const { socket } = response.req;
  const closing = Promise.withResolvers<undefined>();
  const onClose = (): void => closing.resolve(undefined);
  socket.once('close', onClose);
  const timer = setTimeout(() => {
    onTimeout();
    cutOff(response);
  }, timeoutMs);
  try {
    for await (const part of parts) {
      if (socket.destroyed) break;
      if (part.length === 0) continue;
      if (!response.headersSent) writeHead();
      // What is not written when the connection closes is told nothing else.
      await Promise.race([written(response, part), closing.promise]);
    }
    if (!response.headersSent) writeHead();
    response.end();
  } catch (error) {
    if (!response.headersSent) throw error;
    cutOff(response);
  } finally {
    clearTimeout(timer);
    socket.off('close', onClose);
  }
}

function written(response: ServerResponse, part: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    response.write(part, () => resolve());
  });
}

/** What is missing must not look like the end. */
function cutOff(response: ServerResponse): void {
  // Without chunks only an end that is no end tells; Node.js 22 cannot do that.
  if (response.req.httpVersionMinor === 0) reset(response.req.socket);
  else response.destroy();
}
