import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

export const OTEL_JS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The same collection as OpenTelemetry's own JavaScript exporter prints it: for comparison, and for those who want it so. */
export async function serializeOtelJs(resourceMetrics: ResourceMetrics): Promise<string> {
  const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  return new PrometheusSerializer().serialize(resourceMetrics);
}
