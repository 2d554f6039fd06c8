import type { Attributes, Context } from '@opentelemetry/api';
import type { SumMetric } from '../metric/model.ts';
import type { BindableCounter, BoundCounter } from './bindable.ts';
import { gathered, grown, grownBy } from './columns.ts';
import { Exemplars, type ExemplarSampler } from './exemplars.ts';
import { pointColumns, type Observed, type ViewState } from './instrument.ts';
import type { Description, InstrumentSetup } from './setup.ts';
import { Place } from './place.ts';
import { Refusals } from './refusals.ts';
import type { Rows } from './rows.ts';
import { Series } from './series.ts';

/** Counters and up-down counters, synchronous and asynchronous ones. */
export class Sum implements BindableCounter, Observed {
  readonly described: Description;
  readonly series: Series;
  readonly refusals = new Refusals();
  readonly #setup: InstrumentSetup;
  readonly #monotonic: boolean;
  /** What is less is refused. */
  readonly #least: number;
  readonly #integer: boolean;
  readonly #sampler: ExemplarSampler;
  readonly #exemplars: Exemplars;
  readonly #rows: Rows;
  #values: Float64Array;
  /** What each delta view has been shown of each row. */
  readonly #shown: Float64Array[] = [];

  constructor(setup: InstrumentSetup, { monotonic }: { monotonic: boolean }) {
    this.#setup = setup;
    this.described = setup.described;
    this.#monotonic = monotonic;
    this.#least = monotonic ? 0 : -Infinity;
    this.#integer = setup.integer;
    this.#sampler = setup.sampler;
    this.#exemplars = new Exemplars(setup.sampler);
    this.series = new Series(setup, {
      resize: (capacity) => {
        this.#values = grown(this.#values, capacity);
        this.#shown.forEach((column, view) => (this.#shown[view] = grown(column, capacity)));
      },
      clear: (row) => {
        this.#values[row] = 0;
        for (const column of this.#shown) column[row] = 0;
        this.#exemplars.clear(row);
      },
    });
    this.#rows = this.series.rows;
    this.#values = new Float64Array(this.#rows.capacity);
  }

  add(value: number, attributes?: Attributes, context?: Context): void {
    if (this.accepts(value)) this.addAt(this.series.resolve(attributes), value, context);
  }

  bind(attributes: Attributes): BoundCounter {
    return new BoundSum(this, new Place(this.series, attributes));
  }

  remove(attributes: Attributes): boolean {
    this.#rows.fold(this.#setup.nowMs());
    return this.series.remove(attributes);
  }

  accepts(value: number): boolean {
    if (typeof value === 'number' && value >= this.#least && value - value === 0) return true;
    this.refusals.count(value);
    return false;
  }

  addAt(row: number, value: number, context: Context | undefined): void {
    const added = this.#integer ? Math.trunc(value) : value;
    const sum = this.#values[row]! + added;
    if (sum - sum !== 0) {
      this.refusals.count(Infinity);
      return;
    }
    this.#values[row] = sum;
    this.#rows.touched[row] = 1;
    if (context === undefined ? this.#sampler.ambient : this.#sampler.given) this.#exemplars.offer(row, added, context);
  }

  begin(nowMs: number): void {
    this.series.begin(nowMs);
    // The overflow of a collection is the sum of what found no room in it.
    if (this.#setup.asynchronous && this.series.overflow >= 0) this.#values[this.series.overflow] = 0;
  }

  observe(row: number, value: number): void {
    const observed = this.#integer ? Math.trunc(value) : value;
    this.#values[row] = row === this.series.overflow ? this.#values[row]! + observed : observed;
    this.#rows.touched[row] = 1;
  }

  addDeltaView(): void {
    if (!this.#monotonic) return; // What goes up and down is shown as it is.
    if (!this.#setup.asynchronous) {
      this.#rows.fold(this.#setup.nowMs());
      this.#rows.addDeltaView();
    }
    this.#shown.push(new Float64Array(this.#rows.capacity));
  }

  collect({ preference, delta: view, sinceMs }: ViewState, nowMs: number): SumMetric | undefined {
    const { asynchronous, integer } = this.#setup;
    const delta = this.#monotonic && (preference === 'delta' || (preference === 'low_memory' && !asynchronous));
    const selection = asynchronous
      ? this.#rows.observed(delta ? sinceMs : 0)
      : delta
        ? this.#rows.unseenBy(view, sinceMs)
        : this.#rows.live();
    const { rows } = selection;
    if (rows.length === 0) return undefined;
    const values = delta ? this.#growth(rows, view) : gathered(this.#values, rows);
    const exemplars = this.#exemplars.of(rows, { sinceMs: delta ? sinceMs : 0 });
    if (delta && !asynchronous) this.#rows.shown(view);
    return {
      ...this.described,
      kind: 'sum',
      monotonic: this.#monotonic,
      ...(integer ? { integer } : {}),
      temporality: delta ? 'delta' : 'cumulative',
      points: { ...pointColumns(selection, nowMs), values, ...(exemplars === undefined ? {} : { exemplars }) },
    };
  }

  #growth(rows: Int32Array, view: number): Float64Array {
    const growth = grownBy(this.#values, this.#shown[view]!, rows);
    // An observed total that has become less began anew.
    for (let i = 0; i < rows.length; i++) if (growth[i]! < 0) growth[i] = this.#values[rows[i]!]!;
    return growth;
  }
}

class BoundSum implements BoundCounter {
  readonly #sum: Sum;
  readonly #place: Place;

  constructor(sum: Sum, place: Place) {
    this.#sum = sum;
    this.#place = place;
  }

  add(value: number, context?: Context): void {
    if (this.#sum.accepts(value)) this.#sum.addAt(this.#place.row, value, context);
  }
}
