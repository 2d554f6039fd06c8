import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export interface RequestBodyOptions {
  /** The longest pause between two parts of the body; waiting for the upstream to take one does not count. */
  readonly idleMs: number;
  readonly onIdle: () => void;
}

/**
 * The body of a request on its way to the upstream, with back-pressure and a count of its bytes.
 *
 * It stands between the two because undici destroys a body stream when the upstream answers early or breaks: destroying the
 * request itself would take the downstream's connection, and with it our answer, along. What is left of the body then is read
 * and thrown away: see `discardRest`.
 */
export class RequestBody extends Readable {
  bytes = 0;
  readonly #request: IncomingMessage;
  readonly #idle: NodeJS.Timeout;

  constructor(request: IncomingMessage, { idleMs, onIdle }: RequestBodyOptions) {
    super();
    this.#request = request;
    this.#idle = setTimeout(() => {
      if (request.isPaused()) this.#idle.refresh();
      else onIdle();
    }, idleMs);
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  override _read(): void {
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#request.resume();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#idle.refresh();
    this.bytes += chunk.length;
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    clearTimeout(this.#idle);
    this.push(null);
  };

  /** Also comes after a whole body; only without one is it a cut. */
  readonly #onClose = (): void => {
    if (!this.#request.complete)
      this.destroy(new Error('the downstream closed the connection within the request body'));
  };
}

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

/** @returns null if the request comes without a body; one of length zero counts as none. */
export function requestBody(request: IncomingMessage, options: RequestBodyOptions): RequestBody | null {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return null;
  // undici reports a broken body as an error of the request; before it listens, a break must not be an unhandled error.
  return new RequestBody(request, options).on('error', () => {});
}
