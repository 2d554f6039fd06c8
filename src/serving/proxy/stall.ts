import type { ServerResponse } from 'node:http';

export interface StallOptions {
  readonly idleMs: number;
  /** Called before the connection is destroyed. */
  readonly onStall: () => void;
}

/** From now until `endStall`: a downstream that takes nothing for `idleMs` has stalled; one that reads slowly, but reads, has not. */
export function limitStall(response: ServerResponse, { idleMs, onStall }: StallOptions): void {
  if (response.socket === null) {
    // It is not its turn: the connection is busy with a response before it (pipelining).
    response.once('socket', () => limitStall(response, { idleMs, onStall }));
    return;
  }
  response.socket.setTimeout(idleMs);
  if (response.listenerCount('timeout') > 0) return;
  // Before Node has the connection wait for the next request, or has the next response on it.
  response.prependOnceListener('finish', () => endStall(response));
  response.on('timeout', () => {
    onStall();
    response.destroy();
  });
}

export function endStall(response: ServerResponse): void {
  response.socket?.setTimeout(0);
}
