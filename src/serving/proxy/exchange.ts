import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Recognition } from '../protocols/protocol.ts';
import { answerError } from './answer.ts';
import { codeOfUpstreamError, proxyErrors, type ProxyErrorCode } from './errors.ts';
import { headerFault, isPlainlyFramed, reasonPhrase, requestHeaders, responseHeaders } from './headers.ts';
import type { Measured } from './measured.ts';
import type { Measurements } from './measurements.ts';
import type { Outcome } from './outcome.ts';
import { discardRest, requestBody, type RequestBody } from './request-body.ts';
import { endStall, limitStall } from './stall.ts';
import { parseTarget, type Target } from './target.ts';
import type { FindUpstream, Upstream } from './upstreams.ts';

export interface ExchangeContext {
  readonly findUpstream: FindUpstream;
  readonly measurements: Measurements;
  readonly requestsInFlightMax: number;
  /** Exchanges that have been sent to an upstream and are not over. */
  readonly inFlight: Set<Exchange>;
  /** While true, every response closes its connection. */
  draining: boolean;
}

/**
 * One request on its way: request -> upstream -> response -> measure. Bodies pass in both directions as they come, and whoever
 * reads slowly makes the other side wait. Whatever happens, it ends with the close of the downstream response, and there
 * everything is measured, once.
 */
export class Exchange implements Dispatcher.DispatchHandler, Measured {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startMs = performance.now();
  upstream: Upstream | undefined;
  recognition: Recognition | undefined;
  /** Settled by whoever ends the exchange first; what comes after changes nothing. */
  outcome: Outcome | undefined;
  errorCode: ProxyErrorCode | undefined;
  responseBytes = 0;
  readonly #context: ExchangeContext;
  #body: RequestBody | null = null;
  #controller: Dispatcher.DispatchController | undefined;
  #headFlushed = false;
  #over = false;
  readonly #holds = new Set<'downstream' | 'upstream'>(['downstream']);

  constructor(context: ExchangeContext, request: IncomingMessage, response: ServerResponse) {
    this.#context = context;
    this.request = request;
    this.response = response;
  }

  get requestBytes(): number {
    return this.#body?.bytes ?? 0;
  }

  start(): void {
    const { request, response } = this;
    const { measurements, findUpstream, inFlight, requestsInFlightMax } = this.#context;
    response.on('close', this.#onClose);
    // One that waits for its turn behind another (pipelining) has no connection yet, and Node 22 does not close it with it.
    if (response.socket === null) request.socket.setMaxListeners(0).once('close', this.#onClose);
    measurements.received(this);

    const fault = headerFault(request);
    if (fault !== undefined) return this.fail(fault);
    const target = parseTarget(request.url ?? '');
    if (target === undefined) return this.fail('malformed_path');
    this.upstream = findUpstream(target);
    if (this.upstream === undefined) return this.fail('no_route');
    this.recognition = measurements.recognise(this.upstream, request.method ?? '', target);
    if (inFlight.size >= requestsInFlightMax) return this.fail('requests_in_flight');

    inFlight.add(this);
    this.#holds.add('upstream');
    measurements.dispatched(this);
    this.#dispatch(this.upstream, target);
  }

  #dispatch(upstream: Upstream, target: Target): void {
    const { request } = this;
    const { idleMs } = upstream.options.timeouts;
    this.#body = requestBody(request, { idleMs, onIdle: () => this.fail('request_body_timeout') });
    upstream.dispatcher.dispatch(
      {
        path: upstream.path(target),
        method: request.method as Dispatcher.HttpMethod,
        headers: requestHeaders(request),
        body: this.#body,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.outcome !== undefined) controller.abort(new Error('the exchange is over'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (status < 200 || this.outcome !== undefined) return;
    if (!isPlainlyFramed(headers)) return this.fail('upstream_malformed_response');
    const { response } = this;
    if (this.#context.draining) response.shouldKeepAlive = false;
    response.on('drain', () => {
      endStall(response);
      controller.resume();
    });
    response.writeHead(status, reasonPhrase(status, statusText), responseHeaders(headers));
    // Head and body of a small response arrive in one read and should leave in one write; a head that comes alone must
    // not wait for its body.
    process.nextTick(() => this.#flushHead());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.outcome !== undefined) return;
    this.#headFlushed = true;
    this.responseBytes += chunk.length;
    if (this.response.write(chunk)) return;
    controller.pause();
    this.#limitStall();
  }

  onResponseEnd(): void {
    this.#release('upstream');
    if (this.outcome !== undefined) return;
    this.#headFlushed = true;
    this.outcome = this.response.statusCode < 400 ? 'success' : 'failure';
    this.response.end();
    if (this.response.writableLength > 0) this.#limitStall();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#release('upstream');
    this.fail(codeOfUpstreamError(error, this.#controller !== undefined));
  }

  /** Ends the exchange with an answer of our own, or, where the upstream's has begun, by cutting the connection. */
  fail(code: ProxyErrorCode): void {
    if (this.outcome !== undefined) return;
    this.outcome = proxyErrors[code].outcome;
    this.errorCode = code;
    this.#controller?.abort(new Error(code));
    const { response } = this;
    if (response.headersSent) return this.#cut();
    if (this.#context.draining) response.shouldKeepAlive = false;
    this.responseBytes = answerError(response, code);
  }

  /** Gives the request up without an answer from here: its downstream is gone, or has said what cannot be read. */
  leave(code: ProxyErrorCode): void {
    if (this.outcome !== undefined) return;
    this.outcome = 'aborted';
    this.errorCode = code;
    this.#controller?.abort(new Error(code));
  }

  /** To HTTP/1.0 the end of the connection is the end of the response, so only a reset tells that it is not whole. */
  #cut(): void {
    const { request, response } = this;
    if (request.httpVersionMinor === 0) request.socket.resetAndDestroy();
    else response.destroy();
  }

  #limitStall(): void {
    const idleMs = this.upstream?.options.timeouts.idleMs ?? 0;
    limitStall(this.response, { idleMs, onStall: () => this.fail('downstream_timeout') });
  }

  /**
   * Its place is free when both sides are done with it: one that the downstream has left can still be connecting to the upstream, and
   * impatient downstreams must not make more connections than the limit allows.
   */
  #release(side: 'downstream' | 'upstream'): void {
    this.#holds.delete(side);
    if (this.#holds.size === 0) this.#context.inFlight.delete(this);
  }

  #flushHead(): void {
    if (this.#headFlushed || this.outcome !== undefined) return;
    this.#headFlushed = true;
    this.response.flushHeaders();
  }

  readonly #onClose = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.leave('downstream_closed');
    this.#body?.destroy();
    discardRest(this.request);
    this.#release('downstream');
    this.#context.measurements.ended(this);
  };
}
