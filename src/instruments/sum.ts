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
  /** Of observed counters: what was last observed, and when they were last collected, Unix ms. */
  #before = new Float64Array(0);
  #collectedMs = 0;

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
        if (setup.asynchronous) this.#before = grown(this.#before, capacity);
      },
      clear: (row) => {
        this.#values[row] = 0;
        if (setup.asynchronous) this.#before[row] = 0;
        for (const column of this.#shown) column[row] = 0;
        this.#exemplars.clear(row);
      },
    });
    this.#rows = this.series.rows;
    this.#values = new Float64Array(this.#rows.capacity);
    if (setup.asynchronous) this.#before = this.#values.slice();
  }

  add(value: number, attributes?: Attributes, context?: Context): void {
    if (this.accepts(value)) this.addAt(this.series.resolve(attributes), value, context);
  }

  bind(attributes: Attributes): BoundCounter {
    return new BoundSum(this, new Place(this.series, attributes));
  }

  remove(attributes: Attributes): boolean {
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
    const sum = row === this.series.overflow ? this.#values[row]! + observed : observed;
    if (sum - sum !== 0) {
      this.refusals.count(Infinity);
      return;
    }
    this.#values[row] = sum;
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
    if (asynchronous && this.#monotonic) this.#restartFallen(nowMs);
    const delta = this.#monotonic && (preference === 'delta' || (preference === 'low_memory' && !asynchronous));
    const selection = asynchronous
      ? this.#rows.observed(delta ? sinceMs : 0)
      : delta
        ? this.#rows.unseenBy(view, sinceMs)
        : this.#rows.live();
    const { rows } = selection;
    if (rows.length === 0) return undefined;
    const values = delta ? grownBy(this.#values, this.#shown[view]!, rows) : gathered(this.#values, rows);
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

  /** An observed total that has become less began anew after the last collection. What a delta view has not seen is owed to it. */
  #restartFallen(nowMs: number): void {
    const { touched } = this.#rows;
    for (let row = 0; row < touched.length; row++) {
      if (touched[row] === 0) continue;
      const before = this.#before[row]!;
      this.#before[row] = this.#values[row]!;
      if (this.#values[row]! >= before) continue;
      this.#rows.restart(row, this.#collectedMs);
      for (const shown of this.#shown) shown[row] = shown[row]! - before;
    }
    this.#collectedMs = nowMs;
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
    if (this.#sum.accepts(value)) this.#sum.addAt(this.#place.row(), value, context);
  }
}
