import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { BindableMeter, TemporalityPreference } from '../../src/instruments/index.ts';
import { SCOPE, type Engine, type EngineOptions, type Reader } from '../../src/telemetry/engine.ts';
import { createNativeEngine } from '../../src/telemetry/native-engine.ts';
import { createSdkEngine } from '../../src/telemetry/sdk-engine.ts';

/** Both engines, for what holds for both. */
export const engines = { native: createNativeEngine, sdk: createSdkEngine } as const;

export type EngineName = keyof typeof engines;

export interface TestEngine extends Engine {
  /** Of our scope. */
  readonly meter: BindableMeter;
}

/** @param destinations name -> temporality. */
export function createTestEngine(
  name: EngineName,
  destinations: Readonly<Record<string, TemporalityPreference>> = {},
  options: Partial<EngineOptions> = {},
): TestEngine {
  const engine = engines[name]({
    resource: { 'service.name': 'test' },
    version: '1.2.3',
    cardinalityLimit: 2_000,
    exemplarFilter: 'trace_based',
    destinations: Object.entries(destinations).map(([name, temporality]) => ({ name, temporality })),
    ...options,
  });
  return { ...engine, meter: engine.getMeter({ name: SCOPE, version: '1.2.3' }) };
}

/** One point: attributes as `key=value,...`, and a number or a histogram's count. */
export type Points = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Metric name -> attributes -> value. */
export async function pointsOf(reader: Reader): Promise<Points> {
  return toPoints((await reader.collect(1_000)).resourceMetrics());
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
