import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Engine, Reader, TemporalityPreference } from '../../src/telemetry/engine.ts';
import { createSdkEngine } from '../../src/telemetry/sdk-engine.ts';

/** @param destinations name -> temporality. */
export function sdkEngine(
  destinations: Readonly<Record<string, TemporalityPreference>> = {},
  cardinalityLimit = 2_000,
): Engine {
  return createSdkEngine({
    resource: { 'service.name': 'test' },
    version: '1.2.3',
    cardinalityLimit,
    destinations: Object.entries(destinations).map(([name, temporality]) => ({ name, temporality })),
  });
}

/** One point: attributes as `key=value,...`, and a number or a histogram's count. */
export type Points = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Metric name -> attributes -> value. */
export async function pointsOf(reader: Reader): Promise<Points> {
  return toPoints((await reader.collect(1_000)).resourceMetrics);
}

export function toPoints({ scopeMetrics }: ResourceMetrics): Points {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return Object.fromEntries(
    metrics.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      Object.fromEntries(
        (dataPoints as DataPoint<number | Histogram>[]).map((point) => [keyOf(point), valueOf(point)]),
      ),
    ]),
  );
}

function keyOf({ attributes }: DataPoint<unknown>): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
}

function valueOf({ value }: DataPoint<number | Histogram>): number {
  return typeof value === 'number' ? value : value.count;
}
