import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

export interface NodeDispatchOptions {
  readonly path: string;
  readonly method: string;
  /** Flat, and cleaned of what is about one connection. With a content-length, that many bytes come in the body. */
  readonly headers: readonly string[];
  readonly body: Readable | Buffer | null;
  /** The downstream's, for its trailers. */
  readonly request: IncomingMessage;
  readonly expectsContinue: boolean;
  /** The protocol to ask for. */
  readonly upgrade?: string | undefined;
}

/** What undici's handler is told, in undici's order, and two things more. Every dispatch ends with exactly one of the last three. */
export interface NodeDispatchHandler {
  /** There is a connection, and nothing has been sent on it. */
  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void;
  /** The upstream said `100 Continue`: at most once, and only if it was asked for. */
  onContinue(): void;
  /** Also for interim responses other than 100, as undici does. */
  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void;
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void;
  /** The connection now belongs to the handler: neither `controller` nor `destroy` reach it. */
  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
    head: Buffer,
  ): void;
  /** Also after `controller.abort`. The errors are those that undici would report. */
  onResponseError(controller: Dispatcher.DispatchController, error: Error): void;
}

export interface NodeDispatchLimits {
  /** From the end of the request to the head of the response, and the longest that the upstream takes nothing of the request. */
  readonly responseHeadersMs: number;
  /** Between two parts of the response; waiting for the downstream to take one does not count. */
  readonly idleMs: number;
  /** Of a response. */
  readonly headerBytesMax: number;
}
