import { errorText } from '../../std/error-text.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { Recognition } from '../protocols/protocol.ts';
import type { ProxyErrorCode } from './errors.ts';
import { createHttpSeries } from './http-series.ts';
import { createKnownModels, type ModelSeries } from './known-models.ts';
import type { Measured } from './measured.ts';
import type { Target } from './target.ts';
import { traceContext } from './trace-context.ts';
import type { Upstream, UpstreamOptions } from './upstreams.ts';

/** Records what happens to requests. No call throws: a failure of telemetry is an event, never a failed request. */
export interface Measurements {
  /** What the upstream's protocol says the request is. */
  recognise(upstream: Upstream, method: string, target: Target): Recognition | undefined;
  /** The head of a request has been read. */
  received(exchange: Measured): void;
  /** It goes to its upstream. */
  dispatched(exchange: Measured): void;
  /** Its response is closed; the outcome is settled. */
  ended(exchange: Measured): void;
  /** A connection asked for something that is not HTTP, so there was no exchange. */
  unreadable(code: ProxyErrorCode): void;
}

export interface MeasurementsOptions {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly upstreams: readonly UpstreamOptions[];
  readonly knownModelsMax: number;
}

export function createMeasurements({
  instruments,
  events,
  upstreams,
  knownModelsMax,
}: MeasurementsOptions): Measurements {
  const http = createHttpSeries(instruments, 'http');
  const models = createKnownModels({ instruments, upstreams, knownModelsMax });
  /** Series in which a request was counted as in flight: it may have become known by another name since. */
  const dispatchedTo = new WeakMap<Measured, ModelSeries>();

  const guarded =
    <A extends unknown[], R>(measure: (...args: A) => R) =>
    (...args: A): R | undefined => {
      try {
        return measure(...args);
      } catch (error) {
        events.emit('measurement failed', { fields: { error: errorText(error) } });
        return undefined;
      }
    };

  const find = ({ upstream, recognition }: Measured): ModelSeries =>
    upstream === undefined
      ? models.unrouted
      : models.find(upstream.options.name, recognition?.model, recognition?.version);

  const admit = ({ upstream, recognition, response, errorCode }: Measured): void => {
    const { statusCode } = response;
    if (!upstream || recognition?.model === undefined || errorCode || statusCode < 200 || statusCode > 299) return;
    const name = upstream.options.name;
    if (models.admit(name, recognition.model, recognition.version)) return;
    events.emit('model not admitted', { attributes: { 'inference.upstream.name': name } });
  };

  return {
    recognise: guarded((upstream, method, target) =>
      upstream.options.protocol.recognise(method, upstream.segments(target), target.query),
    ),

    received: guarded(({ request }) => http.active(request.method ?? '').add(1)),

    dispatched: guarded((exchange) => {
      if (exchange.recognition?.inference !== true) return;
      const series = find(exchange);
      dispatchedTo.set(exchange, series);
      series.active.add(1);
    }),

    ended: guarded((exchange) => {
      const { request, response, upstream, recognition, outcome = 'aborted', errorCode } = exchange;
      const seconds = (performance.now() - exchange.startMs) / 1000;
      const status = response.headersSent ? response.statusCode : undefined;
      const errorType = errorCode ?? (status !== undefined && status >= 400 ? String(status) : undefined);

      const context = traceContext(request.headers.traceparent);

      admit(exchange);
      // Where nothing was recognised because nothing could be, the request may have been an inference request: it counts.
      if (recognition?.inference === true || upstream === undefined) {
        const series = find(exchange);
        series.requests[outcome].add(1, context);
        if (outcome !== 'rejected') series.duration(outcome, errorType).record(seconds, context);
      }
      dispatchedTo.get(exchange)?.active.add(-1);

      http.active(request.method ?? '').add(-1);
      if (recognition?.unmeasured) return;
      const finished = http.finished({
        method: request.method ?? '',
        route: recognition?.route,
        status,
        errorType,
        upstream: upstream?.options.name,
      });
      finished.duration.record(seconds, context);
      finished.requestSize.record(exchange.requestBytes, context);
      finished.responseSize.record(exchange.responseBytes, context);
    }),

    unreadable: guarded(() => models.unrouted.requests.rejected.add(1)),
  };
}
