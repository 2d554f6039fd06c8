import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { BindableMeter, ExemplarFilter, InstrumentStats, TemporalityPreference } from '../instruments/index.ts';
import type { Scope, Snapshot } from '../metric/model.ts';

/** What one callback or source failed with. */
export interface SourceError {
  /**
   * The names of the instruments that the callback observes, or that of the source; with the engine `sdk`, which does not tell,
   * `callback` for every callback.
   */
  readonly source: string;
  readonly error: unknown;
}

/** What one consumer got at one moment. */
export interface Collection {
  readonly snapshot: Snapshot;
  /** The same, as the official exporters take it; made when it is asked for. */
  readonly resourceMetrics: () => ResourceMetrics;
  /** Of single callbacks and sources; what the others gave is in `snapshot`. */
  readonly errors: readonly SourceError[];
}

/** A callback or source that takes longer than this loses its own readings, not the collection. */
export const COLLECT_TIMEOUT_MS = 1_000;

/** One consumer's view of all instruments. It keeps its own state: with delta temporality a point is given once. */
export interface Reader {
  /**
   * Collects now.
   *
   * @param timeoutMs for one callback or source, 1000 if not given; what is late is left out and reported.
   * @throws if nothing could be collected.
   */
  collect(timeoutMs?: number): Promise<Collection>;
}

/** Who implements the `Meter` that everything records on. */
export interface Engine {
  /** One meter per scope. */
  getMeter(scope: Pick<Scope, 'name'> & Partial<Scope>): BindableMeter;
  /** Cumulative, for scrapes. */
  readonly pull: Reader;
  /** One per destination, by name. */
  readonly push: ReadonlyMap<string, Reader>;
  /** @throws with the engine `sdk`: the SDK's readers are there from the start. */
  createReader(preference: TemporalityPreference): Reader;
  /** Empty with the engine `sdk`, which does not tell. */
  stats(): readonly InstrumentStats[];
  shutdown(): Promise<void>;
}

export interface EngineOptions {
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  /** Of metergate; empty if it is not known. */
  readonly version: string;
  /** Series of one instrument; what is beyond is counted in one series with `otel.metric.overflow`. */
  readonly cardinalityLimit: number;
  readonly exemplarFilter: ExemplarFilter;
  readonly destinations: readonly { readonly name: string; readonly temporality: TemporalityPreference }[];
}

/** Our instruments' scope; its families win where two want one Prometheus name. */
export const SCOPE = 'metergate';
