import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { createEvents, type Events } from '../../src/telemetry/events.ts';
import { createInstruments, type Instruments } from '../../src/telemetry/instruments.ts';
import type { Logger } from '../../src/telemetry/logger.ts';

export interface Telemetry {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** `level message attribute-of-the-observable`, in order. */
  readonly lines: readonly string[];
  /** One collection: metric name to values by the values of their attributes ('' when there is none). */
  collect(): Promise<Record<string, Record<string, number>>>;
}

/**
 * The real SDK. With delta temporality a gauge that is no longer observed is not exported; with cumulative temporality the SDK
 * exports its last value for ever.
 */
export function createTelemetry(temporality: 'cumulative' | 'delta'): Telemetry {
  const reader = new TestReader({
    aggregationTemporalitySelector: () =>
      temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  });
  const provider = new MeterProvider({ readers: [reader] });
  const instruments = createInstruments(provider.getMeter('test'));
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push(`${level} ${message} ${String(fields['metergate.observable'])}`);
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

  return {
    instruments,
    events: createEvents(instruments, logger),
    logger,
    lines,
    collect: async () => {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors);
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
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

class TestReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}
