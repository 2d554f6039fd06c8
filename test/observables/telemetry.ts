import { createTestTelemetry } from '../support/telemetry.ts';
import type { Events } from '../../src/telemetry/events.ts';
import type { Instruments } from '../../src/telemetry/instruments.ts';
import type { Logger } from '../../src/telemetry/logger.ts';

export interface Telemetry {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** `level message attribute-of-the-observable`, in order. */
  lines(): readonly string[];
  /** One collection, as a scrape makes it: metric name to values by the values of their attributes ('' when there is none). */
  collect(): Promise<Record<string, Record<string, number>>>;
}

/** The gateway's telemetry, less what it says about itself. */
export function createTelemetry(): Telemetry {
  const { instruments, events, logger, lines, pull } = createTestTelemetry();
  return {
    instruments,
    events,
    logger,
    lines: () =>
      lines.map(({ level, message, fields }) => `${level} ${message} ${String(fields['metergate.observable'])}`),
    collect: async () => {
      const { resourceMetrics, errors } = await pull.collect(1_000);
      if (errors.length > 0) throw new AggregateError(errors.map(({ error }) => error));
      const metrics = resourceMetrics()
        .scopeMetrics.flatMap((scope) => scope.metrics)
        .filter(({ descriptor }) => descriptor.name !== 'metergate.build_info');
      return Object.fromEntries(
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          Object.fromEntries(
            dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(' '), value as number]),
          ),
        ]),
      );
    },
  };
}
