/*
 * The native engine: the `Meter` of the OpenTelemetry API, extended with `bind` and `remove`.
 *
 * A measurement is written into columns at once and never fails: what cannot be recorded (NaN, an infinity, a negative increment of a
 * counter, what is no number) is counted in `stats` and leaves the series as it was. Attributes are copied, and may be changed after
 * the call. One instrument has at most `cardinalityLimit` series; what finds no room is recorded under `otel.metric.overflow`, so that
 * totals stay exact. A series that was removed or has expired and is recorded again starts at 0 with a new start time; whatever was
 * bound to it stays valid.
 */
export { createMeters, type InstrumentStats, type Meters, type MetersOptions, type View } from './meters.ts';
export type { ExemplarFilter } from './exemplars.ts';
export type { TemporalityPreference } from './instrument.ts';
export type {
  BindableCounter,
  BindableGauge,
  BindableHistogram,
  BindableMeter,
  BindableUpDownCounter,
  BoundCounter,
  BoundGauge,
  BoundRecorder,
  HistogramOptions,
  InstrumentOptions,
} from './bindable.ts';
