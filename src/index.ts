/** metergate as a library: its telemetry without the gateway. */
export { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry/index.ts';
export type { CustomMetrics, ModelIdentity } from './telemetry/custom-metrics.ts';
export type { CustomMetricKind, CustomMetricOptions } from './telemetry/custom-metric-options.ts';
export type { CustomCounter, CustomDistribution, CustomGauge, CustomMetric } from './telemetry/custom-metric.ts';
export type { Collection, Reader, SourceError } from './telemetry/engine.ts';
export { createLogger, silentLogger, type Logger } from './telemetry/logger.ts';
export {
  fromPrometheusRegistry,
  type PrometheusRegistry,
  type PrometheusRegistryOptions,
} from './telemetry/prometheus-registry.ts';
export type { Source } from './telemetry/source.ts';
export type {
  BindableCounter,
  BindableGauge,
  BindableHistogram,
  BindableMeter,
  BindableUpDownCounter,
  BoundCounter,
  BoundGauge,
  BoundRecorder,
  ExemplarFilter,
  HistogramOptions,
  InstrumentOptions,
  TemporalityPreference,
} from './instruments/index.ts';
/** What a source gives and a collection holds. `Attributes` are those of the data, not those that the API of OpenTelemetry records with. */
export type {
  Attributes,
  AttributeValue,
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogram,
  ExponentialHistogramMetric,
  ExponentialHistogramPoints,
  GaugeMetric,
  HistogramMetric,
  HistogramPoints,
  Metric,
  NumberPoints,
  Scope,
  ScopeMetrics,
  Snapshot,
  SumMetric,
  SummaryMetric,
  SummaryPoints,
  Temporality,
} from './metric/model.ts';
