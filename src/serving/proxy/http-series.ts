import type { BoundCounter, BoundRecorder } from '../../instruments/index.ts';
import type { Instruments } from '../../telemetry/instruments.ts';

/** The `http.server.*` series, bound once per combination of attributes, all of which come from closed sets. */
export interface HttpSeries {
  active(method: string): BoundCounter;
  finished(attributes: FinishedAttributes): {
    duration: BoundRecorder;
    requestSize: BoundRecorder;
    responseSize: BoundRecorder;
  };
}

export interface FinishedAttributes {
  readonly method: string;
  /** A template; undefined = none that we know, shown as `_other`. */
  readonly route: string | undefined;
  /** The status that was sent; undefined = none was. */
  readonly status: number | undefined;
  readonly errorType: string | undefined;
  readonly upstream: string | undefined;
}

/** @param scheme of the listener that the requests come in on. */
export function createHttpSeries(instruments: Instruments, scheme: 'http' | 'https'): HttpSeries {
  const active = new Map<string, BoundCounter>();
  const finished = new Map<string, ReturnType<HttpSeries['finished']>>();
  const activeRequests = instruments.counter('http.server.active_requests');
  const duration = instruments.histogram('http.server.request.duration');
  const requestSize = instruments.histogram('http.server.request.body.size');
  const responseSize = instruments.histogram('http.server.response.body.size');

  return {
    active: (method) => {
      let series = active.get(method);
      if (series === undefined) {
        series = activeRequests.bind({ 'http.request.method': knownMethod(method), 'url.scheme': scheme });
        active.set(method, series);
      }
      return series;
    },
    finished: ({ method, route = '_other', status, errorType, upstream }) => {
      const key = `${method} ${route} ${status ?? ''} ${errorType ?? ''} ${upstream ?? ''}`;
      let series = finished.get(key);
      if (series === undefined) {
        const attributes = {
          'http.request.method': knownMethod(method),
          'http.route': route,
          'url.scheme': scheme,
          ...(status === undefined ? {} : { 'http.response.status_code': status }),
          ...(errorType === undefined ? {} : { 'error.type': errorType }),
          ...(upstream === undefined ? {} : { 'inference.upstream.name': upstream }),
        };
        series = {
          duration: duration.bind(attributes),
          requestSize: requestSize.bind(attributes),
          responseSize: responseSize.bind(attributes),
        };
        finished.set(key, series);
      }
      return series;
    },
  };
}

/** The methods that the semantic conventions know, and their word for all others. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);

function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
