import { randomBytes } from 'node:crypto';
import { trace } from '@opentelemetry/api';
import type { Deadline } from '../../std/deadline.ts';
import { errorText } from '../../std/error-text.ts';
import type { Events } from '../../telemetry/events.ts';
import { knownMethod } from './http-series.ts';
import { openLineWriter, type LineWriter, type LineWriterOptions } from './line-writer.ts';
import type { Measured } from './measured.ts';
import { traceContext } from './trace-context.ts';

/** One JSON line for each request that is over: who, what, how and how long, and nothing of what was said. */
export interface AccessLog {
  /** @returns an id that no other request of this or another gateway has. */
  nextRequestId(): string;
  /** Never waits and never throws: lines that are taken too slowly are dropped and counted. */
  write(exchange: Logged): void;
  /** Resolves when what was written has been taken, or at the deadline. */
  close(deadline: Deadline): Promise<void>;
}

export type Logged = Measured & { readonly requestId: string | undefined };

export interface AccessLogOptions {
  /** `-` is standard output, anything else a file that is appended to. */
  readonly path: string;
  readonly events: Events;
}

/** @throws if it cannot be opened. */
export function openAccessLog({ path, events }: AccessLogOptions): AccessLog {
  const onDropped = (amount: number, error?: unknown): void => {
    events.emit('access log lines dropped', { amount, fields: error === undefined ? {} : { error: errorText(error) } });
  };
  const writer = open(path, onDropped);
  const gateway = randomBytes(6).toString('hex');
  let requests = 0;
  return {
    nextRequestId: () => `${gateway}-${(requests++).toString(36)}`,
    write: (exchange) => {
      try {
        writer.write(`${JSON.stringify(lineOf(exchange))}\n`);
      } catch (error) {
        onDropped(1, error);
      }
    },
    close: (deadline) => writer.close(deadline),
  };
}

function open(path: string, onDropped: LineWriterOptions['onDropped']): LineWriter {
  try {
    return openLineWriter({ path, onDropped });
  } catch (error) {
    throw new Error(`access_log.path: ${path} cannot be opened: ${errorText(error)}`, { cause: error });
  }
}

/** Names and values of attributes, as the metrics have them: a model that is not known is `_other` here, too. */
function lineOf(exchange: Logged): Readonly<Record<string, unknown>> {
  const { request, response, upstream, replica, recognition, countedIn, waitMs } = exchange;
  const context = traceContext(request.headers.traceparent);
  return {
    time: new Date().toISOString(),
    request_id: exchange.requestId,
    trace_id: context && trace.getSpanContext(context)?.traceId,
    method: knownMethod(request.method ?? ''),
    route: recognition?.route ?? '_other',
    status: response.headersSent ? response.statusCode : undefined,
    outcome: exchange.outcome,
    error_type: exchange.errorCode,
    upstream: upstream?.options.name,
    replica: replica?.url.host,
    protocol: upstream?.options.protocol.name,
    model: recognition?.inference ? countedIn?.model : undefined,
    version: recognition?.inference ? countedIn?.version : undefined,
    duration_seconds: secondsOf(exchange.endMs - exchange.startMs),
    queue_seconds: waitMs === undefined ? undefined : secondsOf(waitMs),
    request_bytes: exchange.requestBytes,
    response_bytes: exchange.responseBytes,
  };
}

/** To the microsecond. */
function secondsOf(ms: number): number {
  return Math.round(ms * 1000) / 1e6;
}
