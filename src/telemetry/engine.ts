import type { Attributes, Meter } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { InstrumentName } from './catalogue.ts';

/** Which temporality a destination prefers, as OTLP exporters name it. */
export type TemporalityPreference = 'cumulative' | 'delta' | 'low_memory';

/** @param name of the instrument. */
export type ObservationListener = (name: InstrumentName, attributes: Attributes | undefined) => void;

/** What one consumer got at one moment. */
export interface Collection {
  readonly resourceMetrics: ResourceMetrics;
  /** Of single callbacks and sources; what the others gave is in `resourceMetrics`. */
  readonly errors: readonly unknown[];
}

/** One consumer's view of all instruments. It keeps its own state: with delta temporality a point is given once. */
export interface Reader {
  /**
   * Collects now.
   *
   * @param timeoutMs for one callback; what is late is left out and reported.
   * @throws if nothing could be collected.
   */
  collect(timeoutMs: number): Promise<Collection>;
}

/** Who implements the `Meter` that everything records on. */
export interface Engine {
  readonly meter: Meter;
  /** To be told of every observation that a callback of our own instruments makes. */
  readonly observed: ObservationListener;
  /** Cumulative, for scrapes. */
  readonly pull: Reader;
  /** One per destination, by name. */
  readonly push: ReadonlyMap<string, Reader>;
  shutdown(): Promise<void>;
}

export interface EngineOptions {
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly version: string;
  /** Series of one metric; what is beyond is counted in one series with `otel.metric.overflow`. */
  readonly cardinalityLimit: number;
  readonly destinations: readonly { readonly name: string; readonly temporality: TemporalityPreference }[];
}
