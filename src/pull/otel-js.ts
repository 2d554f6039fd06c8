import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Answer } from '../http/routes.ts';

/** The same collection as OpenTelemetry's own JavaScript exporter prints it: for comparison, and for those who want it so. */
export async function serializeOtelJs(resourceMetrics: ResourceMetrics): Promise<Answer> {
  const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  return {
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: new PrometheusSerializer().serialize(resourceMetrics),
  };
}
