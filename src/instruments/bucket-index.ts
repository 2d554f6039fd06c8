import { fromHighHalf, highHalf, MANTISSA_HIGH_BITS } from './double-bits.ts';

/** Cells in a power of two: 2 ** 4. */
const CELL_BITS = 4;
const SHIFT = MANTISSA_HIGH_BITS - CELL_BITS;

/**
 * Which bucket a value belongs to: the first bound that is not less. Cells of a sixteenth of a power of two, told by the first bits of
 * a double, say from which bound on to look, so that nearly no value needs more than one comparison, and none that cannot be foretold.
 */
export class BucketIndex {
  /** With an infinite one at the end. */
  readonly #edges: Float64Array;
  /** The bucket of the least value of each cell. */
  readonly #cells: Uint16Array;
  /** Of the first positive bound. */
  readonly #firstCell: number;
  /** Up to the first positive bound. */
  readonly #least: number;
  readonly #leastBucket: number;

  constructor(bounds: readonly number[]) {
    this.#edges = Float64Array.from([...bounds, Infinity]);
    const firstPositive = bounds.findIndex((bound) => bound > 0);
    this.#leastBucket = firstPositive < 0 ? bounds.length : firstPositive;
    this.#least = this.#edges[this.#leastBucket]!;
    this.#firstCell = cellOf(this.#least);
    const last = firstPositive < 0 ? this.#firstCell : cellOf(bounds.at(-1)!);
    this.#cells = new Uint16Array(last - this.#firstCell + 2);
    for (let cell = 0; cell < this.#cells.length; cell++) {
      this.#cells[cell] = this.#from(this.#leastBucket, fromHighHalf((this.#firstCell + cell) << SHIFT));
    }
  }

  of(value: number): number {
    if (value <= this.#least) return this.#leastBucket === 0 ? 0 : this.#from(0, value);
    const cell = cellOf(value) - this.#firstCell;
    const cells = this.#cells;
    return this.#from(cell < cells.length ? cells[cell]! : this.#edges.length - 1, value);
  }

  #from(bucket: number, value: number): number {
    const edges = this.#edges;
    let i = bucket;
    while (value > edges[i]!) i++;
    return i;
  }
}

function cellOf(value: number): number {
  return highHalf(value) >>> SHIFT;
}
