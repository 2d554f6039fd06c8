import { gathered, grown } from './columns.ts';

interface Extremes {
  mins: Float64Array;
  maxs: Float64Array;
}

/**
 * The least and the greatest value of each row. They cannot be had by subtraction as sums can: what was recorded since the last fold is
 * held apart, and merged into the whole and into what each delta view has not seen.
 */
export class MinMax {
  readonly #since: Extremes;
  readonly #whole: Extremes;
  readonly #unseen: Extremes[] = [];

  constructor(capacity: number) {
    this.#since = none(capacity);
    this.#whole = none(capacity);
  }

  record(row: number, value: number): void {
    const { mins, maxs } = this.#since;
    if (value < mins[row]!) mins[row] = value;
    if (value > maxs[row]!) maxs[row] = value;
  }

  fold(row: number): void {
    merge(this.#whole, this.#since, row);
    for (const unseen of this.#unseen) merge(unseen, this.#since, row);
    reset(this.#since, row);
  }

  /** What was folded so far is new to it. */
  addDeltaView(): void {
    this.#unseen.push({ mins: this.#whole.mins.slice(), maxs: this.#whole.maxs.slice() });
  }

  /** @returns the extremes of the rows; those that a delta view has not seen, and then it has. NaN where nothing was recorded. */
  take(rows: Int32Array, view?: number): Extremes {
    const source = view === undefined ? this.#whole : this.#unseen[view]!;
    const taken = { mins: gathered(source.mins, rows), maxs: gathered(source.maxs, rows) };
    for (let i = 0; i < rows.length; i++) {
      if (taken.mins[i]! > taken.maxs[i]!) taken.mins[i] = taken.maxs[i] = NaN;
      if (view !== undefined) reset(source, rows[i]!);
    }
    return taken;
  }

  /** What delta views have not seen of one row is to be seen of the other. */
  handOver(from: number, to: number): void {
    for (const unseen of this.#unseen) merge(unseen, unseen, to, from);
  }

  resize(capacity: number): void {
    for (const extremes of this.#all()) {
      extremes.mins = grown(extremes.mins, capacity, Infinity);
      extremes.maxs = grown(extremes.maxs, capacity, -Infinity);
    }
  }

  clear(row: number): void {
    for (const extremes of this.#all()) reset(extremes, row);
  }

  #all(): Extremes[] {
    return [this.#since, this.#whole, ...this.#unseen];
  }
}

function none(capacity: number): Extremes {
  return { mins: new Float64Array(capacity).fill(Infinity), maxs: new Float64Array(capacity).fill(-Infinity) };
}

function reset({ mins, maxs }: Extremes, row: number): void {
  mins[row] = Infinity;
  maxs[row] = -Infinity;
}

function merge(into: Extremes, from: Extremes, row: number, fromRow = row): void {
  into.mins[row] = Math.min(into.mins[row]!, from.mins[fromRow]!);
  into.maxs[row] = Math.max(into.maxs[row]!, from.maxs[fromRow]!);
}
