/** metergate as a library: its telemetry without the gateway. */
export { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry/index.ts';
export type { CustomMetrics, ModelIdentity } from './telemetry/custom-metrics.ts';
export type {
  CustomCounter,
  CustomDistribution,
  CustomGauge,
  CustomMetric,
  CustomMetricKind,
  CustomMetricOptions,
} from './telemetry/custom-metric.ts';
export { createLogger, silentLogger, type Logger } from './telemetry/logger.ts';
export { fromPrometheusRegistry, type PrometheusRegistry } from './telemetry/prometheus-registry.ts';
export type { Source } from './telemetry/source.ts';
