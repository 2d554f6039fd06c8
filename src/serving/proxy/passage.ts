import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import { Attempt, type AttemptOwner } from './attempt.ts';
import type { Delivery } from './delivery.ts';
import type { ProxyErrorCode } from './errors.ts';
import { requestHeaders } from './headers.ts';
import type { Intake } from './intake.ts';
import type { Waiter } from './places.ts';
import type { Replica } from './replicas.ts';
import { RequestBody } from './request-body.ts';
import type { Upgraded } from './upgrade.ts';

/** It waits for a place; it has one, or has given up; it goes to a replica; it went to a second one. */
export type PassageEvent = 'waiting' | 'waited' | 'dispatched' | 'retried';

/** The exchange that passes. */
export interface PassageOwner {
  readonly request: IncomingMessage;
  readonly intake: Intake;
  readonly delivery: Delivery;
  /** It has its outcome: nothing that still comes matters. */
  readonly isSettled: boolean;
  /** It asks for a WebSocket. */
  readonly isUpgrade: boolean;
  /** To be told to the upstream, where there is one. */
  readonly requestId: string | undefined;
  fail(code: ProxyErrorCode): void;
  /** The response has come to its end. */
  completed(trailers: IncomingHttpHeaders): void;
  /** @param left to be called when the connections are closed. */
  upgraded(upgraded: Upgraded, left: () => void): void;
  measure(event: PassageEvent): void;
  /** The upstream side is done with it. */
  onLeft(): void;
}

/** Nothing was sent: another replica can be asked. */
const UNSENT: ReadonlySet<ProxyErrorCode> = new Set(['upstream_unreachable', 'upstream_connect_timeout']);

/** The way of a request through its upstream: a place, for which it may have to wait, and one replica or two. */
export class Passage implements AttemptOwner, Waiter {
  replica: Replica | undefined;
  /** How long it waited for a place, if it did. */
  waitMs: number | undefined;
  /** From the choice of a replica until that one is done with it. */
  isUnderWay = false;
  readonly #owner: PassageOwner;
  #attempt: Attempt | undefined;
  #isRetried = false;
  #hasPlace = false;
  #wait: { readonly startMs: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(owner: PassageOwner) {
    this.#owner = owner;
  }

  get isSettled(): boolean {
    return this.#owner.isSettled;
  }

  get delivery(): Delivery {
    return this.#owner.delivery;
  }

  /** The limit of an upstream is for what models have to do: health and control requests pass it by. */
  start(): void {
    const { upstream, recognition } = this.#owner.intake;
    if (this.isSettled || upstream === undefined) return;
    if (recognition?.inference === false) return this.#dispatch();
    const entry = upstream.places.take(this);
    if (entry === 'full') return this.fail('queue_full');
    this.#hasPlace = entry === 'taken';
    if (this.#hasPlace) return this.#dispatch();
    const timer = setTimeout(() => this.fail('queue_timeout'), upstream.options.queue.timeoutMs);
    this.#wait = { startMs: performance.now(), timer };
    this.#owner.measure('waiting');
  }

  proceed(): void {
    this.#hasPlace = true;
    this.#endWait();
    this.#dispatch();
  }

  /** The exchange is settled. A request that has no connection yet is ended as soon as it has. */
  abort(code: ProxyErrorCode): void {
    if (this.#owner.intake.upstream?.places.leave(this)) this.#endWait();
    this.#attempt?.abort(code);
  }

  fail(code: ProxyErrorCode): void {
    this.#owner.fail(code);
  }

  continue(): void {
    this.#owner.intake.continue();
  }

  completed(trailers: IncomingHttpHeaders): void {
    this.#leave();
    if (!this.isSettled) this.#owner.completed(trailers);
  }

  upgraded(upgraded: Upgraded): void {
    this.#owner.upgraded(upgraded, () => {
      this.#attempt?.end();
      this.#leave();
    });
  }

  broken(code: ProxyErrorCode): void {
    if (!this.isSettled && !this.#isRetried && UNSENT.has(code) && this.#owner.intake.isSendable) {
      this.#isRetried = true;
      if (this.#tryNext()) return this.#owner.measure('retried');
    }
    this.#leave();
    this.fail(code);
  }

  #endWait(): void {
    if (this.#wait === undefined) return;
    clearTimeout(this.#wait.timer);
    this.waitMs = performance.now() - this.#wait.startMs;
    this.#wait = undefined;
    this.#owner.measure('waited');
  }

  #dispatch(): void {
    const { delivery, intake } = this.#owner;
    this.isUnderWay = true;
    delivery.idleMs = intake.upstream?.options.timeouts.idleMs ?? 0;
    this.#owner.measure('dispatched');
    this.#tryNext();
  }

  /** @returns false if there is no replica left to try. */
  #tryNext(): boolean {
    const { request, isUpgrade, requestId } = this.#owner;
    const { upstream, target, host, body, expectsContinue } = this.#owner.intake;
    const replica = upstream?.replicas.pick(this.replica);
    if (upstream === undefined || replica === undefined || target === undefined) return false;
    this.replica = replica;
    this.#attempt = new Attempt(this, replica);
    const asked = {
      path: upstream.path(replica, target),
      method: request.method as Dispatcher.HttpMethod,
      headers: requestHeaders(request, { host, requestId }),
      body: body instanceof RequestBody ? body.stream : body,
    };
    const isPlain = !expectsContinue && !isUpgrade && request.headers.trailer === undefined;
    if (isPlain) replica.dispatcher.dispatch(asked, this.#attempt);
    else
      replica.nodeDispatcher.dispatch(
        { ...asked, request, expectsContinue, ...(isUpgrade && { upgrade: 'websocket' }) },
        this.#attempt,
      );
    return true;
  }

  #leave(): void {
    this.isUnderWay = false;
    if (this.#hasPlace) this.#owner.intake.upstream?.places.release();
    this.#hasPlace = false;
    this.#owner.onLeft();
  }
}
