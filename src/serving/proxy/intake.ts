import type { IncomingMessage } from 'node:http';
import { createBodyModelScanner } from '../protocols/body-model.ts';
import type { Recognition } from '../protocols/protocol.ts';
import type { ProxyErrorCode } from './errors.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { headerFault } from './headers.ts';
import { hasBody, isThere, mayBeWhole, RequestBody } from './request-body.ts';
import type { RoutedRequest } from './routing.ts';
import { parseTarget, type Target } from './target.ts';
import type { Upstream } from './upstreams.ts';

export interface IntakeOptions {
  readonly context: Pick<ExchangeContext, 'route' | 'requestBodyBytesMax' | 'bodyIdleMs' | 'onTapError'>;
  readonly request: IncomingMessage;
  /** `100 Continue` has to come before the body, which has therefore not come with the head. */
  readonly expectsContinue: boolean;
  /** The downstream is to be told to go on. */
  readonly onContinue: (said: () => void) => void;
  readonly onFault: (code: ProxyErrorCode) => void;
}

/** A request as it comes in: where it wants to go, to whom that leads, and its body. */
export class Intake {
  target: Target | undefined;
  upstream: Upstream | undefined;
  recognition: Recognition | undefined;
  /** Whole, or as it comes. */
  body: Buffer | RequestBody | null = null;
  /** Still to be said by the upstream. */
  expectsContinue: boolean;
  readonly #options: IntakeOptions;
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.expectsContinue = options.expectsContinue;
  }

  /** That was asked for. */
  get host(): string | undefined {
    return this.target?.authority ?? this.#options.request.headers.host;
  }

  /** Whether it can still be sent whole. */
  get isSendable(): boolean {
    return !(this.body instanceof RequestBody) || !this.body.destroyed;
  }

  get bytes(): number {
    if (this.body === null) return 0;
    return this.body instanceof RequestBody ? this.body.bytes : this.body.length;
  }

  /** @returns what is wrong with the head. If nothing is, `upstream` is known, unless it depends on the body. */
  readHead(): ProxyErrorCode | undefined {
    const { context, request } = this.#options;
    const fault = headerFault(request);
    if (fault !== undefined) return fault;
    this.target = parseTarget(request.url ?? '');
    if (this.target === undefined) return 'malformed_path';
    if (!this.#findWay(this.target)) return 'no_route';
    const length = Number(request.headers['content-length'] ?? 0);
    return length > context.requestBodyBytesMax ? 'request_body_too_large' : undefined;
  }

  /** @param onReady called once when `upstream` and `body` are there; not if there is a fault. */
  readBody(onReady: () => void): void {
    const { request } = this.#options;
    if (!hasBody(request)) return this.#lookIntoBody(onReady);
    const take = (): void => {
      if (this.#isClosed) return;
      this.body = isThere(request) ? (request.read(request.readableLength) as Buffer) : this.#stream();
      this.#lookIntoBody(onReady);
    };
    // What came in one read with the head is there a tick later, and needs no stream.
    if (mayBeWhole(request) && !this.expectsContinue) process.nextTick(take);
    else take();
  }

  /** The body may come. */
  continue(): void {
    this.#options.onContinue(() => {
      if (this.body instanceof RequestBody) this.body.continue();
    });
  }

  /** Takes nothing in any more. */
  close(): void {
    this.#isClosed = true;
    if (this.body instanceof RequestBody) this.body.destroy();
  }

  #stream(): RequestBody {
    const { context, request, onFault } = this.#options;
    return new RequestBody(request, {
      bytesMax: context.requestBodyBytesMax,
      isHeldBack: this.expectsContinue,
      onTooLarge: () => onFault('request_body_too_large'),
      idleMs: this.upstream?.options.timeouts.idleMs ?? context.bodyIdleMs,
      onIdle: () => onFault('request_body_timeout'),
    });
  }

  #lookIntoBody(onReady: () => void): void {
    const { target, body } = this;
    if (this.upstream !== undefined || target === undefined) return onReady();
    const scanner = createBodyModelScanner();
    const look = (chunk: Buffer): boolean => {
      try {
        scanner.write(chunk);
        return scanner.done;
      } catch (error) {
        this.#options.context.onTapError(error);
        return true;
      }
    };
    const done = (): void => {
      if (this.#isClosed) return;
      if (this.#findWay(target, { model: scanner.model })) onReady();
      else this.#options.onFault('no_route');
    };
    if (body instanceof RequestBody) {
      // The body comes only now, and what the upstream thinks of it cannot be waited for.
      if (this.expectsContinue) this.continue();
      this.expectsContinue = false;
      return body.peek(look, done);
    }
    if (body !== null) look(body);
    done();
  }

  /** @param body what was found in it; not there = not looked for. @returns false if it leads nowhere. */
  #findWay(target: Target, body?: RoutedRequest['body']): boolean {
    const { context, request } = this.#options;
    const { method = '' } = request;
    const routed = context.route({ method, target, host: this.host, ...(body && { body }) });
    if (routed === undefined) return false;
    if (routed === 'body') return true;
    this.upstream = routed.upstream;
    this.recognition = routed.recognition;
    return true;
  }
}
