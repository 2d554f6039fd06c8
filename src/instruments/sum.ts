import type { Attributes, Context } from '@opentelemetry/api';
import type { SumMetric } from '../metric/model.ts';
import type { BindableCounter, BoundCounter } from './bindable.ts';
import { gathered, grown, grownBy, owe } from './columns.ts';
import { Exemplars, type ExemplarSampler } from './exemplars.ts';
import { pointColumns, type Instrument, type ViewState } from './instrument.ts';
import { Place } from './place.ts';
import { Refusals } from './refusals.ts';
import { startingAt, type Rows } from './rows.ts';
import { Series } from './series.ts';
import type { Description, InstrumentSetup } from './setup.ts';

/** Counters and up-down counters. */
export class Sum implements BindableCounter, Instrument {
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
      handOver: (from, to) => {
        for (const shown of this.#shown) owe(this.#values, shown, { from, to });
      },
      // What went up and is still to go down must not be forgotten: it would be negative for ever.
      mayExpire: (row) => monotonic || this.#values[row] === 0,
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
    return this.series.remove(attributes);
  }

  /** Whether a value can be added; if not, it is counted as refused. */
  accepts(value: number): boolean {
    if (typeof value === 'number' && value >= this.#least && value - value === 0) return true;
    this.refusals.count(value);
    return false;
  }

  /** @param value that `accepts` has let through. */
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
  }

  addDeltaView(): void {
    if (!this.#monotonic) return; // What goes up and down is shown as it is.
    this.#rows.fold(this.#setup.nowMs());
    this.#rows.addDeltaView();
    this.#shown.push(new Float64Array(this.#rows.capacity));
  }

  collect({ preference, delta: view, sinceMs }: ViewState, nowMs: number): SumMetric | undefined {
    const { integer } = this.#setup;
    const delta = this.#monotonic && preference !== 'cumulative';
    const selection = delta
      ? startingAt(this.series.deltaStartMs(sinceMs), this.#rows.unseenBy(view))
      : this.#rows.live();
    const { rows } = selection;
    if (rows.length === 0) return undefined;
    const values = delta ? grownBy(this.#values, this.#shown[view]!, rows) : gathered(this.#values, rows);
    const exemplars = this.#exemplars.of(rows, { sinceMs: delta ? sinceMs : 0 });
    if (delta) this.#rows.shown(view);
    return {
      ...this.described,
      kind: 'sum',
      monotonic: this.#monotonic,
      ...(integer ? { integer } : {}),
      temporality: delta ? 'delta' : 'cumulative',
      points: { ...pointColumns(selection, nowMs), values, ...(exemplars === undefined ? {} : { exemplars }) },
    };
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
