import { isDeepStrictEqual } from 'node:util';
import type { Attributes } from '@opentelemetry/api';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { createTelemetry, type Telemetry } from '../../src/telemetry/index.ts';
import type { InstrumentName } from '../../src/telemetry/catalogue.ts';
import type { Logger, LogFields, LogLevel } from '../../src/telemetry/logger.ts';

export interface LogLine {
  readonly level: Exclude<LogLevel, 'silent'>;
  readonly message: string;
  readonly fields: LogFields;
}

/** A histogram's value is its number of measurements. */
export interface Series {
  readonly attributes: Attributes;
  readonly value: number;
}

export interface TestTelemetry extends Telemetry {
  readonly logger: Logger;
  /** What was logged, in order. */
  readonly lines: readonly LogLine[];
  /** The series of one metric in a collection made now, those that have all of `where`'s attributes. */
  readonly series: (name: InstrumentName, where?: Attributes) => Promise<Series[]>;
  /** The sum over these series. */
  readonly value: (name: InstrumentName, where?: Attributes) => Promise<number>;
}

/** The telemetry that the gateway has, collected as a scrape collects it. */
export function createTestTelemetry(): TestTelemetry {
  const { logger, lines } = createRecordingLogger();
  const telemetry = createTelemetry({
    engine: 'native',
    resource: {},
    version: '0.0.0',
    cardinalityLimit: 2_000,
    exemplarFilter: 'trace_based',
    logger,
  });

  const series = async (name: InstrumentName, where: Attributes = {}): Promise<Series[]> => {
    const { resourceMetrics, errors } = await telemetry.pull.collect(1_000);
    if (errors.length > 0) throw new AggregateError(errors.map(({ error }) => error));
    const metrics = resourceMetrics().scopeMetrics.flatMap((scope) => scope.metrics);
    return metrics
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }): { attributes: Attributes; value: number | object }[] => dataPoints)
      .filter(({ attributes }) =>
        Object.entries(where).every(([key, value]) => isDeepStrictEqual(attributes[key], value)),
      )
      .map(({ attributes, value }) => ({
        attributes,
        value: typeof value === 'number' ? value : (value as Histogram).count,
      }));
  };
  return {
    ...telemetry,
    logger,
    lines,
    series,
    value: async (name, where) => (await series(name, where)).reduce((sum, { value }) => sum + value, 0),
  };
}

export function createRecordingLogger(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  return { lines, logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') } };
}
