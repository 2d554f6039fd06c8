import type { Metric } from '../metric/model.ts';
import type { Refusals } from './refusals.ts';
import type { Selection } from './rows.ts';
import type { Series } from './series.ts';
import type { Description } from './setup.ts';

/** Which temporality a consumer prefers, as OTLP exporters name it. */
export type TemporalityPreference = 'cumulative' | 'delta' | 'low_memory';

/** What one consumer has been shown so far. */
export interface ViewState {
  readonly preference: TemporalityPreference;
  /** Its place among those that prefer delta; NONE for the others. */
  readonly delta: number;
  /** When it collected last, Unix ms; 0 = never. */
  sinceMs: number;
}

/** What a collection needs to know of an instrument. */
export interface Instrument {
  readonly described: Description;
  readonly series: Series;
  readonly refusals: Refusals;
  /** A collection begins, for whichever consumer. */
  begin(nowMs: number): void;
  /** @returns undefined if it has nothing to show. */
  collect(view: ViewState, nowMs: number): Metric | undefined;
  addDeltaView(): void;
}

/** An instrument that is set by what callbacks observe. */
export interface Observed extends Instrument {
  /** Whether a value can be observed; if not, it is counted as refused. */
  accepts(value: number): boolean;
  /** @param row that was found when it was observed. @param value that `accepts` has let through. */
  observe(row: number, value: number): void;
}

/** The columns that all kinds of points have. */
export function pointColumns({ rows, attributes, startTimesMs }: Selection, nowMs: number) {
  return { attributes, startTimesMs, timesMs: new Float64Array(rows.length).fill(nowMs) };
}
