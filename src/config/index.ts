export type {
  BoundsConfig,
  Config,
  HeaderAttributeConfig,
  HealthConfig,
  InstrumentConfig,
  LimitsConfig,
  MatchConfig,
  ModelConfig,
  ObservablesConfig,
  TelemetryConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from './config.ts';
export { takeOtelEnv, type OtelEnv } from './env.ts';
export { configJsonSchema, type JsonSchema } from './json-schema.ts';
export { loadConfig, parseConfig, type LoadResult, type ParseOptions } from './load.ts';
export { observablesOptions } from './observables-options.ts';
export { telemetryOptions } from './telemetry-options.ts';
export type { Address } from './values.ts';
