import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex, PassThrough } from 'node:stream';
import type { TestContext } from 'node:test';
import type { Dispatcher } from 'undici';
import { codeOfUpstreamError, type ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import type { NodeDispatchHandler, NodeDispatchOptions } from '../../../src/serving/proxy/node-dispatch.ts';
import { createNodeDispatcher, type NodeDispatcherOptions } from '../../../src/serving/proxy/node-dispatcher.ts';
import { until } from '../../support/until.ts';
import { startRawUpstream } from './upstream-servers.ts';

/** Writes down what it is told, and does what the test says when it is. */
export class Recorder implements NodeDispatchHandler {
  readonly told: string[] = [];
  controller: Dispatcher.DispatchController | undefined;
  body = '';
  error: Error | undefined;
  upgraded: { socket: Duplex; head: string } | undefined;
  readonly #react: (event: string, controller: Dispatcher.DispatchController) => void;
  #started = false;

  constructor(react: (event: string, controller: Dispatcher.DispatchController) => void = () => {}) {
    this.#react = react;
  }

  get isOver(): boolean {
    return (
      this.error !== undefined || this.upgraded !== undefined || this.told.some((event) => event.startsWith('end'))
    );
  }

  get code(): ProxyErrorCode | undefined {
    return this.error && codeOfUpstreamError(this.error, this.#started ? 'connection' : 'nobody');
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#started = true;
    this.controller = controller;
    this.#tell('start', controller);
  }

  onContinue(): void {
    this.told.push('continue');
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: object, text?: string): void {
    this.#tell(`head ${status} ${text}`, controller, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.body += chunk.toString('latin1');
    this.#react('data', controller);
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: object): void {
    this.#tell('end', controller, trailers);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: object,
    socket: Duplex,
    head: Buffer,
  ): void {
    this.upgraded = { socket, head: head.toString('latin1') };
    this.#tell(`upgrade ${status}`, controller, headers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.error = error;
    this.#tell('error', controller);
  }

  #tell(event: string, controller: Dispatcher.DispatchController, fields?: object): void {
    const shown = Object.keys(fields ?? {}).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    this.told.push(event + shown);
    this.#react(event, controller);
  }
}

export type Changes = Partial<Omit<NodeDispatchOptions, 'body'>> & {
  readonly body?: PassThrough | Buffer | null;
  readonly limits?: Partial<NodeDispatcherOptions>;
  readonly react?: (event: string, controller: Dispatcher.DispatchController) => void;
};

export function dispatch(t: TestContext, url: string, { limits, react, ...changes }: Changes = {}): Recorder {
  const origin = new URL(url);
  const times = { connectMs: 60_000, responseHeadersMs: 60_000, idleMs: 60_000 };
  const dispatcher = createNodeDispatcher({ origin, headerBytesMax: 16_384, ...times, ...limits });
  t.after(() => dispatcher.destroy());
  const recorder = new Recorder(react);
  const request = new IncomingMessage(new Socket());
  dispatcher.dispatch(
    { path: '/', method: 'GET', headers: [], body: null, request, expectsContinue: false, ...changes },
    recorder,
  );
  return recorder;
}

export const over = (recorder: Recorder): Promise<void> => until('the dispatch is over', () => recorder.isOver);
export const closed = (sockets: readonly Socket[]): Promise<void> =>
  until('the connections are closed', () => sockets.length > 0 && sockets.every((socket) => socket.closed));
/** An upstream that says this when a request has come, whole or not, and does what is said `then`, once that was `seen`. */
export const saying =
  (text: string, then?: (socket: Socket) => void) =>
  async (t: TestContext, seen: () => boolean = () => true): Promise<string> => {
    const { url } = await startRawUpstream(t, (socket, received) => {
      if (!received.includes('\r\n\r\n')) return;
      socket.write(text, 'latin1');
      if (then)
        void until('it is seen', seen).then(
          () => then(socket),
          () => {},
        );
    });
    return url;
  };
