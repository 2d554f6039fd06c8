import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Recognition } from '../protocols/protocol.ts';
import { answerError, breakOff } from './answer.ts';
import { Delivery } from './delivery.ts';
import { proxyErrors, type ProxyErrorCode } from './errors.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { Intake } from './intake.ts';
import { closeBehindBody, discardRest } from './linger.ts';
import type { ModelSeries } from './known-models.ts';
import type { Measured } from './measured.ts';
import type { Outcome } from './outcome.ts';
import { Passage, type PassageEvent, type PassageOwner } from './passage.ts';
import type { Replica } from './replicas.ts';
import type { Upgrade, Upgraded } from './upgrade.ts';
import type { Upstream } from './upstreams.ts';

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** It waits for `100 Continue`. */
  readonly expectsContinue?: boolean;
  /** It asks for a WebSocket. */
  readonly upgrade?: Upgrade;
}

/**
 * One request on its way: request -> upstream -> response -> measure. Bodies pass in both directions as they come, and whoever
 * reads slowly makes the other side wait. Whatever happens, it ends with the close of the downstream response, and there
 * everything is measured, once.
 */
export class Exchange implements PassageOwner, Measured {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly intake: Intake;
  readonly delivery: Delivery;
  readonly startMs = performance.now();
  endMs = 0;
  readonly requestId: string | undefined;
  /** Settled by whoever ends the exchange first; what comes after changes nothing. */
  outcome: Outcome | undefined;
  errorCode: ProxyErrorCode | undefined;
  waitsIn: ModelSeries | undefined;
  activeIn: ModelSeries | undefined;
  countedIn: ModelSeries | undefined;
  inFlightAt = -1;
  /** The downstream is done with it. */
  isClosed = false;
  readonly #context: ExchangeContext;
  readonly #passage: Passage;
  readonly #upgrade: Upgrade | undefined;
  #isBehind = false;
  #closeTunnel: (() => void) | undefined;

  constructor(context: ExchangeContext, { request, response, expectsContinue = false, upgrade }: ExchangeOptions) {
    this.#context = context;
    this.request = request;
    this.response = response;
    this.requestId = context.accessLog?.nextRequestId();
    this.#upgrade = upgrade;
    this.intake = new Intake({
      context,
      request,
      expectsContinue,
      onContinue: (said) => this.delivery.continue(said),
      onFault: (code) => this.fail(code),
    });
    this.#passage = new Passage(this);
    this.delivery = new Delivery(response, this);
  }

  get isSettled(): boolean {
    return this.outcome !== undefined;
  }

  get isUpgrade(): boolean {
    return this.#upgrade !== undefined;
  }

  /** On its connection. */
  get isLast(): boolean {
    return this.#context.draining;
  }

  get upstream(): Upstream | undefined {
    return this.intake.upstream;
  }

  get recognition(): Recognition | undefined {
    return this.intake.recognition;
  }

  get replica(): Replica | undefined {
    return this.#passage.replica;
  }

  get waitMs(): number | undefined {
    return this.#passage.waitMs;
  }

  get requestBytes(): number {
    return this.intake.bytes;
  }

  get responseBytes(): number {
    return this.delivery.bytes;
  }

  start(): void {
    const { request, response } = this;
    const { measurements, inFlight, requestsInFlightMax } = this.#context;
    response.on('close', this.#onClose);
    // One that waits for its turn behind another (pipelining) has no connection yet, and Node 22 does not close it with it.
    this.#isBehind = response.socket === null;
    if (this.#isBehind) request.socket.setMaxListeners(0).once('close', this.#onClose);
    if (this.intake.expectsContinue) closeBehindBody(request);
    measurements.received(this);

    const fault = this.intake.readHead();
    if (fault !== undefined) return this.fail(fault);
    if (inFlight.size >= requestsInFlightMax) return this.fail('requests_in_flight');
    inFlight.add(this);
    this.intake.readBody(() => this.#passage.start());
  }

  completed(trailers: IncomingHttpHeaders): void {
    this.outcome = this.response.statusCode < 400 ? 'success' : 'failure';
    this.delivery.end(trailers);
  }

  upgraded(upgraded: Upgraded, left: () => void): void {
    const onEnd = (code: ProxyErrorCode | undefined): void => {
      this.#closeTunnel = undefined;
      left();
      if (code !== undefined && !this.response.headersSent && !this.request.socket.destroyed) return this.fail(code);
      if (code === undefined) this.outcome ??= 'success';
      else this.leave(code, proxyErrors[code].outcome);
      this.#onClose();
    };
    this.#closeTunnel = this.#upgrade?.join(upgraded, { onBytes: (bytes) => (this.delivery.bytes += bytes), onEnd });
    if (this.isSettled) this.#closeTunnel?.();
  }

  /** Ends the exchange with an answer of our own, or, where the upstream's has begun, by cutting the connection. */
  fail(code: ProxyErrorCode): void {
    if (this.isSettled) return;
    const { response } = this;
    this.#settle(code, proxyErrors[code].outcome);
    if (response.headersSent) return this.#cut();
    if (this.isLast) response.shouldKeepAlive = false;
    this.delivery.bytes = answerError(response, code);
  }

  /** Gives the request up without an answer from here: its downstream is gone, or has said what cannot be read. */
  leave(code: ProxyErrorCode, outcome: Outcome = 'aborted'): void {
    if (!this.isSettled) this.#settle(code, outcome);
  }

  #settle(code: ProxyErrorCode, outcome: Outcome): void {
    this.outcome = outcome;
    this.errorCode = code;
    this.#passage.abort(code);
  }

  #cut(): void {
    if (this.#closeTunnel) this.#closeTunnel();
    else breakOff(this.response);
  }

  measure(event: PassageEvent): void {
    this.#context.measurements[event](this);
  }

  /**
   * It is in flight until both sides are done with it: one that the downstream has left can still be connecting to the upstream, and
   * impatient downstreams must not make more connections than the limit allows.
   */
  onLeft(): void {
    if (this.isClosed && !this.#passage.isUnderWay) this.#context.inFlight.remove(this);
  }

  readonly #onClose = (): void => {
    // How a tunnel ends is not for one of its sides to say.
    if (this.isClosed || (this.#closeTunnel && !this.isSettled)) return;
    this.isClosed = true;
    if (this.#isBehind) this.request.socket.off('close', this.#onClose);
    this.endMs = performance.now();
    this.leave('downstream_closed');
    this.intake.close();
    discardRest(this.request);
    this.onLeft();
    this.#context.measurements.ended(this);
    this.#context.accessLog?.write(this);
  };
}
