import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Turns {
  /**
   * One request of a connection is answered at a time: whoever sends many without waiting for an answer is not to have many answers made
   * and kept. Must be called for each request, when it is read.
   *
   * @returns when the answers before it are out; false if the connection has ended by then, or is closed because too many wait on it.
   */
  readonly wait: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** Whether a request of the connection is being answered, or waits. */
  readonly isBusy: (socket: Socket) => boolean;
}

interface Line {
  /** Requests that have no whole answer yet. */
  open: number;
  /** Ends when all answers that were asked for are out. */
  last: Promise<void>;
  readonly closed: Promise<void>;
}

/** @param waitingMax requests that may wait on one connection for an answer. */
export function createTurns(waitingMax: number): Turns {
  const lines = new WeakMap<Socket, Line>();

  const lineOf = (socket: Socket): Line => {
    const known = lines.get(socket);
    if (known !== undefined) return known;
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    const line = { open: 0, last: Promise.resolve(), closed };
    lines.set(socket, line);
    return line;
  };

  return {
    wait: async ({ socket }, response) => {
      const line = lineOf(socket);
      if (line.open > waitingMax) {
        socket.destroy();
        return false;
      }
      line.open++;
      const before = line.last;
      const answered = new Promise<void>((resolve) => {
        response.once('close', () => resolve());
      });
      // Node.js 22 tells a response nothing that was still waiting when its connection ended.
      line.last = Promise.race([answered, line.closed]).then(() => {
        line.open--;
      });
      await before;
      return !socket.destroyed;
    },
    isBusy: (socket) => (lines.get(socket)?.open ?? 0) > 0,
  };
}
