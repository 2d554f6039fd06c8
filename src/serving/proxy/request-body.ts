import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

export interface RequestBodyOptions {
  readonly bytesMax: number;
  readonly onTooLarge: () => void;
  /** The downstream waits for the word to go on. */
  readonly isHeldBack: boolean;
  /** The longest pause between two parts of the body; waiting for the upstream to take one, or for a word of it, does not count. */
  readonly idleMs: number;
  readonly onIdle: () => void;
}

/** Of a body that came with its head, and of the beginning of any other that is looked into. */
const BEGINNING_BYTES = 64 * 1024;

/**
 * The body of a request on its way to the upstream, with back-pressure and a count of its bytes.
 *
 * It stands between the two because undici destroys a body stream when the upstream answers early or breaks: destroying the
 * request itself would take the downstream's connection, and with it our answer, along. What is left of the body then is read
 * and thrown away: see `linger.ts`. It is as much of a `Readable` as senders use, and keeps only what comes before it is asked for: a
 * buffer that fills and empties with every chunk made large bodies half as fast.
 */
export class RequestBody extends EventEmitter {
  bytes = 0;
  destroyed = false;
  errored: Error | null = null;
  readableEnded = false;
  readonly #request: IncomingMessage;
  readonly #options: RequestBodyOptions;
  readonly #idle: NodeJS.Timeout;
  /** Of its beginning, what came before anybody asked for it. */
  #held: Buffer[] = [];
  #look: ((chunk: Buffer | undefined) => void) | undefined;
  /** Asked for, so that what comes is given at once. */
  #isGiven = false;
  #isWanted = true;
  #isOver = false;
  #isHeldBack: boolean;

  constructor(request: IncomingMessage, options: RequestBodyOptions) {
    super();
    this.#request = request;
    this.#options = options;
    this.#isHeldBack = options.isHeldBack;
    this.#idle = setTimeout(() => {
      if (this.#isWanted && !this.#isHeldBack) options.onIdle();
      else this.#idle.refresh();
    }, options.idleMs);
    // Senders report a broken body as an error of the request; before they listen, a break must not be an unhandled error.
    this.on('error', () => {});
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  /** For senders, which ask for no more of it than there is. */
  get stream(): Readable {
    return this as unknown as Readable;
  }

  /**
   * Before it is read: shows the beginning of the body as it comes, without taking it away.
   *
   * @param look returns true when it has seen enough.
   * @param done called once, at the latest at the end of the beginning or of the body; not if the body breaks.
   */
  peek(look: (chunk: Buffer) => boolean, done: () => void): void {
    let left = BEGINNING_BYTES;
    this.#look = (chunk) => {
      const part = chunk?.subarray(0, left);
      left -= part?.length ?? left;
      if (part !== undefined && !look(part) && left > 0) return;
      this.#look = undefined;
      done();
    };
  }

  /** What undici knows a stream by. */
  pipe(): never {
    throw new Error('a request body is read by its events');
  }

  /** The downstream has been told to go on. */
  continue(): void {
    this.#isHeldBack = false;
    this.#idle.refresh();
  }

  pause(): this {
    this.#isWanted = false;
    this.#request.pause();
    return this;
  }

  resume(): this {
    if (this.destroyed) return this;
    if (this.#isGiven) this.#read();
    // Not from within: who asks may not listen to all of it yet.
    else process.nextTick(this.#giveHeld);
    return this;
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.errored = error ?? null;
    clearTimeout(this.#idle);
    this.#held = [];
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).resume();
    process.nextTick(() => {
      if (error) this.emit('error', error);
      this.emit('close');
    });
    return this;
  }

  #read(): void {
    this.#isWanted = true;
    this.#idle.refresh();
    this.#request.resume();
  }

  readonly #giveHeld = (): void => {
    if (this.#isGiven || this.destroyed) return;
    this.#isGiven = true;
    // Before the sender gets anything, since it may pause at that.
    if (!this.#isOver) this.#read();
    for (const chunk of this.#held) this.emit('data', chunk);
    this.#held = [];
    if (this.#isOver) this.#end();
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#isHeldBack = false;
    this.#idle.refresh();
    this.bytes += chunk.length;
    if (this.bytes > this.#options.bytesMax) return this.#options.onTooLarge();
    if (this.#isGiven) return void this.emit('data', chunk);
    this.#held.push(chunk);
    if (this.bytes >= BEGINNING_BYTES) this.pause();
    this.#look?.(chunk);
  };

  readonly #onEnd = (): void => {
    clearTimeout(this.#idle);
    this.#isOver = true;
    this.#look?.(undefined);
    if (this.#isGiven) this.#end();
  };

  #end(): void {
    if (this.readableEnded || this.destroyed) return;
    this.readableEnded = true;
    this.emit('end');
  }

  /** Also comes after a whole body; only without one is it a cut. */
  readonly #onClose = (): void => {
    if (!this.#request.complete)
      this.destroy(new Error('the downstream closed the connection within the request body'));
  };
}

/** One of length zero counts as none. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Whether its body may have come with its head: then there is nothing to stream. */
export function mayBeWhole({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return length !== undefined && Number(length) <= BEGINNING_BYTES;
}

/** Whether all of a body whose length was said is there, and not yet read. */
export function isThere({ headers, readableLength }: IncomingMessage): boolean {
  return readableLength > 0 && readableLength === Number(headers['content-length']);
}
