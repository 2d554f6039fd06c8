import type { Events } from '../../telemetry/events.ts';
import type { HeaderAttributes } from './header-attributes.ts';
import type { HttpSeries } from './http-series.ts';
import type { KnownModels, ModelSeries } from './known-models.ts';
import type { Measured } from './measured.ts';
import { traceContext } from './trace-context.ts';

export interface EndingsOptions {
  readonly models: KnownModels;
  readonly headerAttributes: HeaderAttributes;
  readonly http: HttpSeries;
  readonly events: Events;
}

/** What measures a request that is over. */
export interface Endings {
  /** As an inference request, if it is one. */
  readonly inference: (exchange: Measured) => void;
  /** As an HTTP request. */
  readonly httpServer: (exchange: Measured) => void;
}

export function createEndings({ models, headerAttributes, http, events }: EndingsOptions): Endings {
  /** What a 2xx makes known. @returns the series that it is counted in, then. */
  const admit = (
    { upstream, recognition, response, errorCode, request }: Measured,
    found: ModelSeries,
  ): ModelSeries => {
    const { statusCode } = response;
    if (!upstream || !recognition || errorCode || statusCode < 200 || statusCode > 299) return found;
    const { name } = upstream.options;
    const { model, version, inference } = recognition;
    for (const attribute of inference ? headerAttributes.admit(request.headers) : [])
      events.emit('header value not admitted', { attributes: { 'metergate.attribute.key': attribute } });
    if (model === undefined || found.model === model) return found;
    if (models.admit(name, model, version)) return models.of({ upstream, recognition });
    events.emit('model not admitted', { attributes: { 'inference.upstream.name': name } });
    return found;
  };

  return {
    inference: (exchange) => {
      const { request, upstream, recognition, outcome = 'aborted' } = exchange;
      exchange.activeIn?.active.add(-1);
      const found = admit(exchange, models.of(exchange));
      exchange.countedIn = found;
      // Where nothing was recognised because nothing could be, the request may have been an inference request: it counts.
      if (recognition?.inference !== true && upstream !== undefined) return;
      const context = traceContext(request.headers.traceparent);
      const series = found.ended(headerAttributes.values(request.headers));
      series.requests[outcome].add(1, context);
      if (outcome !== 'rejected') series.duration(outcome, errorTypeOf(exchange)).record(secondsOf(exchange), context);
    },
    httpServer: (exchange) => {
      const { request, upstream, recognition } = exchange;
      const method = request.method ?? '';
      http.active(method).add(-1);
      if (recognition?.unmeasured) return;
      const context = traceContext(request.headers.traceparent);
      const finished = http.finished({
        method,
        route: recognition?.route,
        status: statusOf(exchange),
        errorType: errorTypeOf(exchange),
        upstream: upstream?.options.name,
      });
      finished.duration.record(secondsOf(exchange), context);
      finished.requestSize.record(exchange.requestBytes, context);
      finished.responseSize.record(exchange.responseBytes, context);
    },
  };
}

function secondsOf({ startMs, endMs }: Measured): number {
  return (endMs - startMs) / 1000;
}

/** Undefined = none was sent. */
function statusOf({ response }: Measured): number | undefined {
  return response.headersSent ? response.statusCode : undefined;
}

function errorTypeOf(exchange: Measured): string | undefined {
  const status = statusOf(exchange);
  return exchange.errorCode ?? (status !== undefined && status >= 400 ? String(status) : undefined);
}
