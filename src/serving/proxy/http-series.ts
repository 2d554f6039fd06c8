import type { BoundCounter, BoundRecorder } from '../../instruments/index.ts';
import type { Instruments } from '../../telemetry/instruments.ts';

/** The `http.server.*` series, bound once per combination of attributes, all of which come from closed sets. */
export interface HttpSeries {
  active(method: string): BoundCounter;
  finished(attributes: FinishedAttributes): FinishedSeries;
}

export interface FinishedSeries {
  readonly duration: BoundRecorder;
  readonly requestSize: BoundRecorder;
  readonly responseSize: BoundRecorder;
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
  const finished = new Map<string, FinishedSeries>();
  /** Requests come in runs of one kind, and a key for the map costs more than all three recordings. */
  let last: { readonly attributes: FinishedAttributes; readonly series: FinishedSeries } | undefined;
  const activeRequests = instruments.counter('http.server.active_requests');
  const duration = instruments.histogram('http.server.request.duration');
  const requestSize = instruments.histogram('http.server.request.body.size');
  const responseSize = instruments.histogram('http.server.response.body.size');

  const bindFinished = ({
    method,
    route = '_other',
    status,
    errorType,
    upstream,
  }: FinishedAttributes): FinishedSeries => {
    const attributes = {
      'http.request.method': knownMethod(method),
      'http.route': route,
      'url.scheme': scheme,
      ...(status === undefined ? {} : { 'http.response.status_code': status }),
      ...(errorType === undefined ? {} : { 'error.type': errorType }),
      ...(upstream === undefined ? {} : { 'inference.upstream.name': upstream }),
    };
    return {
      duration: duration.bind(attributes),
      requestSize: requestSize.bind(attributes),
      responseSize: responseSize.bind(attributes),
    };
  };

  return {
    active: (method) => {
      let series = active.get(method);
      if (series === undefined) {
        series = activeRequests.bind({ 'http.request.method': knownMethod(method), 'url.scheme': scheme });
        active.set(method, series);
      }
      return series;
    },
    finished: (asked) => {
      if (last !== undefined && isSame(last.attributes, asked)) return last.series;
      const key = keyOf(asked);
      const series = finished.get(key) ?? bindFinished(asked);
      finished.set(key, series);
      last = { attributes: asked, series };
      return series;
    },
  };
}

function keyOf({ method, route, status, errorType, upstream }: FinishedAttributes): string {
  return `${method} ${route ?? ''} ${status ?? ''} ${errorType ?? ''} ${upstream ?? ''}`;
}

function isSame(a: FinishedAttributes, b: FinishedAttributes): boolean {
  return (
    a.route === b.route &&
    a.status === b.status &&
    a.method === b.method &&
    a.errorType === b.errorType &&
    a.upstream === b.upstream
  );
}

/** The methods that the semantic conventions know, and their word for all others. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);

export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
