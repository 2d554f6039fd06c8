import type { Context } from '@opentelemetry/api';
import type { BoundRecorder } from './bindable.ts';
import type { Place } from './place.ts';

/** What records on a row. */
export interface RowRecorder {
  /** Whether a value can be recorded; if not, it is counted as refused. */
  accepts(value: number): boolean;
  /** @param value that `accepts` has let through. */
  recordAt(row: number, value: number, context: Context | undefined): void;
}

/** A histogram of one of its kinds, bound to a place. */
export class PlaceRecorder implements BoundRecorder {
  readonly #histogram: RowRecorder;
  readonly #place: Place;

  constructor(histogram: RowRecorder, place: Place) {
    this.#histogram = histogram;
    this.#place = place;
  }

  record(value: number, context?: Context): void {
    if (this.#histogram.accepts(value)) this.#histogram.recordAt(this.#place.row(), value, context);
  }
}
