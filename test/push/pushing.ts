import type { Snapshot } from '../../src/metric/model.ts';
import type { DestinationOptions } from '../../src/push/destination.ts';
import { createPush } from '../../src/push/index.ts';
import type { Part } from '../../src/std/part.ts';
import type { TemporalityPreference } from '../../src/instruments/index.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import type { Instruments } from '../../src/telemetry/instruments.ts';
import { createRecordingLogger, type LogLine } from '../support/telemetry.ts';

/** Pushes only at shutdown, unless it says otherwise. */
export type TestDestination = Partial<DestinationOptions> & {
  readonly endpoint: string;
  readonly temporality?: TemporalityPreference;
};

export interface Pushing {
  readonly push: Part;
  readonly instruments: Instruments;
  readonly lines: readonly LogLine[];
  /** What a scrape would say now of a metric about one destination; 0 when there is nothing yet. */
  readonly pulled: (name: string, destination: string) => Promise<number>;
}

/** The real engine and the real exporters. The first destination is called `a`, the next `b` and so on. */
export function createPushing(...given: readonly TestDestination[]): Pushing {
  const destinations = given.map((destination, i) => ({
    name: String.fromCharCode('a'.charCodeAt(0) + i),
    intervalMs: 3_600_000,
    timeoutMs: 5_000,
    headers: {},
    compression: 'none' as const,
    temporality: 'cumulative' as const,
    ...destination,
  }));
  const { logger, lines } = createRecordingLogger();
  const { instruments, events, pull, push } = createTelemetry({
    engine: 'native',
    resource: { 'service.name': 'test' },
    version: '0.0.0',
    cardinalityLimit: 2_000,
    exemplarFilter: 'trace_based',
    destinations,
    logger,
  });
  return {
    push: createPush({ destinations, readers: push, instruments, events }),
    instruments,
    lines,
    pulled: async (name, destination) => {
      const { resourceMetrics } = await pull.collect(1_000);
      const metric = resourceMetrics()
        .scopeMetrics.flatMap(({ metrics }) => metrics)
        .find(({ descriptor }) => descriptor.name === name);
      const point = metric?.dataPoints.find(({ attributes }) => attributes['metergate.destination'] === destination);
      return typeof point?.value === 'number' ? point.value : 0;
    },
  };
}

/** The value of a sum, or the number of measurements of a histogram, by the values of the attributes; over all scopes. */
export function sent(snapshots: readonly Snapshot[], name: string): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  const metrics = snapshots.flatMap(({ scopes }) => scopes).flatMap((scope) => scope.metrics);
  for (const metric of metrics.filter((each) => each.name === name)) {
    if (metric.kind === 'exponential_histogram' || metric.kind === 'summary') continue;
    const blocks =
      metric.kind === 'histogram'
        ? metric.points.map(({ attributes, counts }) => ({ attributes, numbers: counts }))
        : [{ attributes: metric.points.attributes, numbers: metric.points.values }];
    for (const { attributes, numbers } of blocks) {
      for (const [row, each] of attributes.entries()) values[Object.values(each).join(' ')] = numbers[row] ?? NaN;
    }
  }
  return values;
}
