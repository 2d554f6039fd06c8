import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Delivery } from './delivery.ts';
import { codeOfUpstreamError, type ProxyErrorCode, type Reached } from './errors.ts';
import { isPlainlyFramed } from './headers.ts';
import type { Replica } from './replicas.ts';
import type { Upgraded } from './upgrade.ts';

/** Whom an attempt is made for. */
export interface AttemptOwner {
  /** The exchange has its outcome: nothing that still comes matters. */
  readonly isSettled: boolean;
  readonly delivery: Delivery;
  /** The upstream wants the body. */
  continue(): void;
  fail(code: ProxyErrorCode): void;
  /** The response has come to its end. */
  completed(trailers: IncomingHttpHeaders): void;
  broken(code: ProxyErrorCode): void;
  upgraded(upgraded: Upgraded): void;
}

/** What says that something is wrong with a replica, and not with the request. */
const FAULTS: ReadonlySet<ProxyErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_connect_timeout',
  'upstream_response_timeout',
  'upstream_closed',
]);

/** One try of one request at one replica: undici tells it what happens, and it tells the exchange. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #owner: AttemptOwner;
  readonly #replica: Replica;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #isBroughtWhole = false;
  #over = false;

  constructor(owner: AttemptOwner, replica: Replica) {
    this.#owner = owner;
    this.#replica = replica;
    replica.inFlight++;
  }

  /** One that has no connection yet is ended as soon as it has. */
  abort(code: ProxyErrorCode): void {
    this.#controller?.abort(new Error(code));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#owner.isSettled) controller.abort(new Error('the exchange is over'));
  }

  onContinue(): void {
    if (!this.#owner.isSettled) this.#owner.continue();
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    _status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
    head: Buffer = Buffer.alloc(0),
  ): void {
    this.#replica.health.answered();
    this.#owner.upgraded({ headers, socket, head });
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    const owner = this.#owner;
    if (owner.isSettled) return;
    if (status < 200) return owner.delivery.hint(status, headers);
    this.#status = status;
    // That it answers at all is enough to be back; that it is well shows at the end.
    if (!this.#replica.health.healthy) this.#replica.health.answered();
    if (!isPlainlyFramed(headers)) return owner.fail('upstream_malformed_response');
    owner.delivery.head({ controller, status, headers, statusText });
  }

  /**
   * Servers that run on uvicorn close a connection some time after they have answered for an exception that nobody caught, and do not say
   * so: whoever is next on it gets nothing. So nobody is.
   */
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#owner.isSettled) return;
    this.#owner.delivery.data(chunk);
    if (this.#status !== 500 || !this.#owner.delivery.isWhole) return;
    this.#isBroughtWhole = true;
    controller.abort(new Error('the connection is not used again'));
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    // Interim answers alone are no response.
    if (this.#status === 0) return this.#break('upstream_malformed_response');
    this.#replica.health.answered();
    this.end();
    this.#owner.completed(trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isBroughtWhole && controller) return this.onResponseEnd(controller, {});
    this.#break(codeOfUpstreamError(error, this.#reached));
  }

  get #reached(): Reached {
    if (this.#status > 0) return 'response';
    return this.#controller === undefined ? 'nobody' : 'connection';
  }

  #break(code: ProxyErrorCode): void {
    if (!this.#owner.isSettled && FAULTS.has(code)) this.#replica.health.failed(performance.now());
    this.end();
    this.#owner.broken(code);
  }

  /** The replica is done with it. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#replica.inFlight--;
  }
}
