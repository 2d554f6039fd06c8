import { request as httpRequest, type ClientRequest, type IncomingMessage, type InformationEvent } from 'node:http';
import type { Socket } from 'node:net';
import { errors, type buildConnector, type Dispatcher } from 'undici';
import type { NodeDispatchHandler, NodeDispatchLimits, NodeDispatchOptions } from './node-dispatch.ts';
import { likeUndici } from './node-errors.ts';
import { fieldsOf, isWhole, nodeRequestHeaders, passedTrailers } from './node-fields.ts';
import { sendBody } from './node-request-body.ts';

export interface NodeRequestOptions extends NodeDispatchLimits {
  readonly options: NodeDispatchOptions;
  readonly handler: NodeDispatchHandler;
  readonly host: string;
  readonly connect: (done: buildConnector.Callback) => Socket;
  readonly onOver: () => void;
}

/** One request on a connection of its own, from connecting to the last event that its handler is told. */
export class NodeRequest implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly #with: NodeRequestOptions;
  readonly #handler: NodeDispatchHandler;
  #socket: Socket | undefined;
  #response: IncomingMessage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #continued = false;
  #isConnected = false;
  #over = false;

  constructor(options: NodeRequestOptions) {
    this.#with = options;
    this.#handler = options.handler;
  }

  start(): void {
    try {
      this.#socket = this.#with.connect((error, socket) => {
        if (error !== null) this.fail(error);
        else if (!this.#over) this.#onConnect(socket);
      });
    } catch (error) {
      this.fail(error as Error);
    }
  }

  pause(): void {
    this.paused = true;
    this.#response?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.#over) return;
    this.#timer?.refresh();
    this.#response?.resume();
  }

  abort(reason: Error): void {
    if (this.#over) return;
    this.aborted = true;
    this.reason = reason;
    this.fail(reason);
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#end();
    this.#socket?.destroy();
    this.#handler.onResponseError(this, error);
  }

  #onConnect(socket: Socket): void {
    const { options, host, headerBytesMax } = this.#with;
    this.#isConnected = true;
    this.#tell(() => this.#handler.onRequestStart(this, null));
    if (this.#over) return;
    this.#refusable(() => {
      const { headers, chunked } = nodeRequestHeaders({ ...options, host });
      const request = httpRequest({
        ...{ path: options.path, method: options.method, headers },
        ...{ maxHeaderSize: headerBytesMax, insecureHTTPParser: false },
        createConnection: () => socket,
      });
      // Beyond a number of lines Node drops what comes, in silence; the size of the head is limit enough.
      request.maxHeadersCount = 0;
      request.on('error', (error) => this.#onError(error));
      request.on('response', (response) => this.#onResponse(response));
      request.on('information', (interim) => this.#onInterim(interim));
      request.on('upgrade', (response, upgraded, head) => this.#onUpgrade(response, upgraded, head));
      this.#send(request, chunked);
    });
  }

  #send(request: ClientRequest, chunked: boolean): void {
    const { body, request: downstream, expectsContinue } = this.#with.options;
    const end = (rest?: Buffer | null): void => {
      if (chunked) request.addTrailers(passedTrailers(downstream));
      request.end(rest ?? undefined);
      this.#expect('upstream');
    };
    if (isWhole(body)) return end(body);
    request.flushHeaders();
    // The downstream may be waiting for a word of the upstream, too.
    if (expectsContinue) this.#expect('upstream');
    sendBody(request, body, {
      onTurn: (side) => this.#expect(side),
      onCut: (error) => this.fail(error),
      onEnd: () => this.#refusable(end),
    });
  }

  /** Node refuses a character in the path, a name or a value. */
  #refusable(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.fail(new errors.InvalidArgumentError((error as Error).message));
    }
  }

  /** Until there is a response, only the upstream is waited for here: for a word, or to take more of the request. */
  #expect(side: 'downstream' | 'upstream'): void {
    if (this.#response !== undefined || this.#over) return;
    clearTimeout(this.#timer);
    const late = (): void => this.fail(new errors.HeadersTimeoutError());
    this.#timer = side === 'upstream' ? setTimeout(late, this.#with.responseHeadersMs) : undefined;
  }

  #onInterim({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    if (this.#over) return;
    this.#timer?.refresh();
    if (statusCode !== 100) {
      return this.#tell(() => this.#handler.onResponseStart(this, statusCode, fieldsOf(rawHeaders), statusMessage));
    }
    if (!this.#with.options.expectsContinue || this.#continued) return;
    this.#continued = true;
    this.#expect('downstream');
    this.#tell(() => this.#handler.onContinue());
  }

  #onResponse(response: IncomingMessage): void {
    if (this.#over) return;
    this.#response = response;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.paused) this.#timer?.refresh();
      else this.fail(new errors.BodyTimeoutError());
    }, this.#with.idleMs);
    response.on('error', (error) => this.#onError(error));
    const { statusCode = 0, statusMessage, rawHeaders } = response;
    this.#tell(() => this.#handler.onResponseStart(this, statusCode, fieldsOf(rawHeaders), statusMessage));
    response.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      this.#timer?.refresh();
      this.#tell(() => this.#handler.onResponseData(this, chunk));
    });
    response.on('end', () => this.#onResponseEnd(response));
  }

  #onResponseEnd(response: IncomingMessage): void {
    if (this.#over) return;
    if (!response.complete) return this.fail(new errors.SocketError('other side closed'));
    this.#end();
    this.#socket?.destroy();
    this.#handler.onResponseEnd(this, fieldsOf(response.rawTrailers));
  }

  #onUpgrade(response: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#over) return;
    const isAsked = response.headers.upgrade?.toLowerCase() === this.#with.options.upgrade;
    if (!isAsked) return this.fail(new errors.HTTPParserError('bad upgrade'));
    this.#end();
    this.#handler.onRequestUpgrade(this, 101, fieldsOf(response.rawHeaders), socket, head);
  }

  #onError(error: Error): void {
    // What an upstream does behind the end of its response makes that no worse.
    if (this.#response?.complete !== true) this.fail(likeUndici(error));
  }

  /** What the handler throws is caught, as undici does, where the words of the upstream may be the reason. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    const { body } = this.#with.options;
    // Without a connection it was not touched, and can go elsewhere.
    if (this.#isConnected && !isWhole(body)) body.on('error', () => {}).destroy();
    this.#with.onOver();
  }
}
