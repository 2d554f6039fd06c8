import type { Attributes } from '@opentelemetry/api';
import { NONE } from './key-set.ts';
import type { Rows } from './rows.ts';
import type { Series } from './series.ts';

/** The row of one attribute set, looked up when it is first needed and again when its series has ended. */
export class Place {
  readonly #series: Series;
  readonly #rows: Rows;
  readonly #attributes: Attributes;
  #row = NONE;
  #epoch = NONE;

  constructor(series: Series, attributes: Attributes = {}) {
    this.#series = series;
    this.#rows = series.rows;
    // The caller's object may change later, the attributes that were bound may not.
    this.#attributes = { ...attributes };
  }

  get row(): number {
    return this.#rows.epoch === this.#epoch ? this.#row : this.#resolve();
  }

  #resolve(): number {
    const row = this.#series.resolve(this.#attributes);
    // There may be room for it later, so it does not stay with the overflow.
    if (row === this.#series.overflow) return row;
    this.#row = row;
    this.#epoch = this.#rows.epoch;
    return row;
  }
}
