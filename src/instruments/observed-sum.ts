import type { SumMetric } from '../metric/model.ts';
import { gathered, grown, grownBy } from './columns.ts';
import { pointColumns, type Observed, type ViewState } from './instrument.ts';
import { Refusals } from './refusals.ts';
import { startingAt, type Rows } from './rows.ts';
import { Series } from './series.ts';
import type { Description, InstrumentSetup } from './setup.ts';

/** Observable counters and up-down counters: their callbacks say the totals. */
export class ObservedSum implements Observed {
  readonly described: Description;
  readonly series: Series;
  readonly refusals = new Refusals();
  readonly #monotonic: boolean;
  readonly #integer: boolean;
  readonly #rows: Rows;
  #values: Float64Array;
  /** What was observed last before this collection. */
  #before: Float64Array;
  /** What each delta view has been shown of each row. */
  readonly #shown: Float64Array[] = [];

  constructor(setup: InstrumentSetup, { monotonic }: { monotonic: boolean }) {
    this.described = setup.described;
    this.#monotonic = monotonic;
    this.#integer = setup.integer;
    this.series = new Series(setup, {
      resize: (capacity) => {
        this.#values = grown(this.#values, capacity);
        this.#before = grown(this.#before, capacity);
        this.#shown.forEach((column, view) => (this.#shown[view] = grown(column, capacity)));
      },
      clear: (row) => {
        for (const column of [this.#values, this.#before, ...this.#shown]) column[row] = 0;
      },
      // A set that lost its row would be shown to a delta view a second time when it comes back.
      yields: () => this.#shown.length === 0,
    });
    this.#rows = this.series.rows;
    this.#values = new Float64Array(this.#rows.capacity);
    this.#before = new Float64Array(this.#rows.capacity);
  }

  accepts(value: number): boolean {
    if (typeof value === 'number' && (value >= 0 || !this.#monotonic) && value - value === 0) return true;
    this.refusals.count(value);
    return false;
  }

  begin(nowMs: number): void {
    this.series.begin(nowMs);
    // The overflow of a collection is the sum of what found no room in it.
    if (this.series.overflow >= 0) this.#values[this.series.overflow] = 0;
  }

  observe(row: number, value: number): void {
    const observed = this.#integer ? Math.trunc(value) : value;
    const sum = row === this.series.overflow ? this.#values[row]! + observed : observed;
    if (sum - sum !== 0) {
      this.refusals.count(Infinity);
      return;
    }
    this.#values[row] = sum;
    this.#rows.touched[row] = 1;
  }

  addDeltaView(): void {
    if (this.#monotonic) this.#shown.push(new Float64Array(this.#rows.capacity));
  }

  collect({ preference, delta: view, sinceMs }: ViewState, nowMs: number): SumMetric | undefined {
    if (this.#monotonic) this.#restartFallen();
    const delta = this.#monotonic && preference === 'delta';
    const observed = this.#rows.observed();
    const selection = delta ? startingAt(this.series.deltaStartMs(sinceMs), observed) : observed;
    const { rows } = selection;
    if (rows.length === 0) return undefined;
    const values = delta ? grownBy(this.#values, this.#shown[view]!, rows) : gathered(this.#values, rows);
    return {
      ...this.described,
      kind: 'sum',
      monotonic: this.#monotonic,
      ...(this.#integer ? { integer: true } : {}),
      temporality: delta ? 'delta' : 'cumulative',
      points: { ...pointColumns(selection, nowMs), values },
    };
  }

  /** A total that has become less began anew after the collection before. What a delta view has not seen is owed to it. */
  #restartFallen(): void {
    const { touched } = this.#rows;
    for (let row = 0; row < touched.length; row++) {
      if (touched[row] === 0) continue;
      const before = this.#before[row]!;
      const value = (this.#before[row] = this.#values[row]!);
      if (value >= before) continue;
      this.#rows.restart(row, this.series.previousMs);
      for (const shown of this.#shown) {
        // The overflow has become less because a set has gone, and has not begun anew.
        shown[row] = row === this.series.overflow ? Math.min(shown[row]!, value) : shown[row]! - before;
      }
    }
  }
}
