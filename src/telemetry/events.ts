import type { Attributes } from '@opentelemetry/api';
import type { CounterName, Instruments } from './instruments.ts';
import type { LogFields, Logger } from './logger.ts';

/** Each event of the gateway's own is a log line and a counter under one name, so that the two cannot drift apart. */
const events = {
  'connection rejected': { level: 'warn', counter: 'metergate.connections.rejected' },
  'answer timed out': { level: 'warn', counter: 'metergate.answers.timed_out' },
  'model not admitted': { level: 'warn', counter: 'metergate.serving.models.overflow' },
  'header value not admitted': { level: 'warn', counter: 'metergate.serving.header_values.overflow' },
  'replica unhealthy': { level: 'warn', counter: 'metergate.serving.replica.failures' },
  'request retried': { level: 'warn', counter: 'metergate.serving.requests.retried' },
  'access log lines dropped': { level: 'warn', counter: 'metergate.access_log.lines.dropped' },
  'measurement failed': { level: 'error', counter: 'metergate.serving.measurement.errors' },
  'custom metric refused': { level: 'warn', counter: 'metergate.custom_metrics.refused' },
  'sample failed': { level: 'warn', counter: 'metergate.observable.errors' },
  'source failed': { level: 'warn', counter: 'metergate.scrape.source.errors' },
  'scrape failed': { level: 'error', counter: 'metergate.pull.scrape.errors' },
  'scrape rejected': { level: 'warn', counter: 'metergate.pull.scrapes.rejected' },
  'family dropped': { level: 'warn', counter: 'metergate.pull.families.dropped' },
  'export failed': { level: 'warn', counter: 'metergate.push.points.send_failed' },
  'batch not queued': { level: 'error', counter: 'metergate.push.points.enqueue_failed' },
  'batch not on disk': { level: 'error', counter: 'metergate.push.batches.not_persisted' },
  'batches dropped': { level: 'error', counter: 'metergate.push.points.dropped' },
} as const satisfies Record<string, { level: 'warn' | 'error'; counter: CounterName }>;

export type EventName = keyof typeof events;

export interface Events {
  /**
   * Counts always; logs the first of a kind at once and then at most one line per `quietMs`, with the number of those kept silent.
   *
   * @param options.attributes of the counter's series, also logged; events that differ in them are of different kinds.
   * @param options.amount what the counter grows by, 1 if not given.
   * @param options.fields logged only.
   * @param options.silent counts only.
   * @returns whether it was logged.
   */
  emit(event: EventName, options?: EmitOptions): boolean;
}

export interface EmitOptions {
  readonly attributes?: Attributes;
  readonly amount?: number;
  readonly fields?: LogFields;
  readonly silent?: boolean;
}

/** Kinds of which it is known when they were logged last. */
const KINDS_MAX = 1_000;

/** @param quietMs the least time between two log lines of one kind. */
export function createEvents(instruments: Instruments, logger: Logger, quietMs = 10_000): Events {
  const lines = new Map<string, { atMs: number; suppressed: number }>();

  return {
    emit: (event, { attributes = {}, amount = 1, fields = {}, silent = false } = {}) => {
      const { level, counter } = events[event];
      instruments.counter(counter).add(amount, attributes);
      if (silent) return false;

      const kind = `${event} ${JSON.stringify(attributes)}`;
      const line = lines.get(kind);
      const nowMs = performance.now();
      if (line !== undefined && nowMs - line.atMs < quietMs) {
        line.suppressed++;
        return false;
      }
      // Nearly all attributes are of closed sets (destinations, reasons); only a program that names its sources anew each time gets here.
      const oldest = line === undefined && lines.size >= KINDS_MAX ? lines.entries().next().value : undefined;
      if (oldest !== undefined && nowMs - oldest[1].atMs < quietMs) return false;
      lines.delete(oldest?.[0] ?? kind);
      lines.set(kind, { atMs: nowMs, suppressed: 0 });
      logger[level](event, { ...attributes, ...fields, ...(line?.suppressed ? { suppressed: line.suppressed } : {}) });
      return true;
    },
  };
}
