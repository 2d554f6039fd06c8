import type { Attributes } from '@opentelemetry/api';
import { toAttributeSet } from './attribute-set.ts';
import { NONE } from './key-set.ts';
import type { Rows } from './rows.ts';
import type { Series } from './series.ts';

/** The row of one attribute set, looked up when it is first needed and again when its series has ended. */
export class Place {
  readonly #series: Series;
  readonly #rows: Rows;
  /** Arguments of `resolve`. */
  readonly #given: [Attributes];
  #row = NONE;
  #epoch = NONE;

  constructor(series: Series, attributes: Attributes = {}) {
    this.#series = series;
    this.#rows = series.rows;
    // The caller's object may change later, the attributes that were bound may not: nor lists in them.
    this.#given = [toAttributeSet(attributes)];
  }

  /** No getter: V8 does not know how often what a getter calls is called, and inlines `#resolve` before what is hot. */
  row(): number {
    return this.#rows.epoch === this.#epoch ? this.#row : this.#resolve();
  }

  #resolve(): number {
    // With its arguments in a list, it is not inlined. Else V8 would inline all of it wherever a measurement is recorded, and then not
    // `record` into its caller, who would have to make a box for each number.
    const row = this.#series.resolve(...this.#given);
    // There may be room for it later, so it does not stay with the overflow.
    if (row === this.#series.overflow) return row;
    this.#row = row;
    this.#epoch = this.#rows.epoch;
    return row;
  }
}
