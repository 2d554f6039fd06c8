import type { Attributes } from '@opentelemetry/api';
import type { InstrumentStats } from '../instruments/index.ts';
import type { Instruments, ObserveSeries } from './instruments.ts';
import type { Logger } from './logger.ts';

export interface EngineStatsOptions {
  readonly stats: () => readonly InstrumentStats[];
  readonly instruments: Instruments;
  readonly logger: Logger;
}

/**
 * What an engine could not record as it was meant to: measurements beyond a cardinality limit, and values that no series can take. The
 * engine counts them where they happen; here they are shown in each collection, and the first of a kind is logged.
 */
export function observeEngine({ stats, instruments, logger }: EngineStatsOptions): void {
  const logged = new Set<string>();
  const logOnce = (message: string, fields: Attributes): void => {
    const line = JSON.stringify([message, fields]);
    if (logged.has(line)) return;
    logged.add(line);
    logger.warn(message, fields);
  };
  const observeEach = (
    observe: ObserveSeries,
    { counts, key, name }: { counts: ReadonlyMap<string, number>; key: string; name: string },
  ): Attributes[] =>
    Array.from(counts, ([value, count]) => {
      const attributes = { 'metergate.instrument': name, [key]: value };
      observe(count, attributes);
      return attributes;
    });

  instruments.observe('metergate.cardinality.overflow', (observe) => {
    for (const { name, limit, overflowed } of stats()) {
      const each = observeEach(observe, { name, counts: overflowed, key: 'metergate.attribute.key' });
      for (const attributes of each) logOnce('cardinality limit reached', { ...attributes, limit });
    }
  });
  instruments.observe('metergate.measurements.refused', (observe) => {
    for (const { name, refused } of stats()) {
      const each = observeEach(observe, { name, counts: refused, key: 'metergate.reason' });
      for (const attributes of each) logOnce('measurements refused', attributes);
    }
  });
}
