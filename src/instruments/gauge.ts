import type { Attributes, Context } from '@opentelemetry/api';
import type { GaugeMetric } from '../metric/model.ts';
import { gathered, grown } from './columns.ts';
import { Exemplars } from './exemplars.ts';
import type { BindableGauge, BoundGauge } from './bindable.ts';
import { pointColumns, type Observed, type ViewState } from './instrument.ts';
import { Place } from './place.ts';
import { Refusals } from './refusals.ts';
import { Series } from './series.ts';
import type { Description, InstrumentSetup } from './setup.ts';

/** Gauges, synchronous and asynchronous ones. The last value counts, and may be any number: the next one takes its place. */
export class Gauge implements BindableGauge, Observed {
  readonly described: Description;
  readonly series: Series;
  readonly refusals = new Refusals();
  readonly #setup: InstrumentSetup;
  readonly #exemplars: Exemplars;
  #values: Float64Array;

  constructor(setup: InstrumentSetup) {
    this.#setup = setup;
    this.described = setup.described;
    this.#exemplars = new Exemplars(setup.sampler);
    this.series = new Series(setup, {
      yields: () => true,
      resize: (capacity) => (this.#values = grown(this.#values, capacity)),
      clear: (row) => {
        this.#values[row] = 0;
        this.#exemplars.clear(row);
      },
    });
    this.#values = new Float64Array(this.series.rows.capacity);
  }

  record(value: number, attributes?: Attributes, context?: Context): void {
    if (this.accepts(value)) this.recordAt(this.series.resolve(attributes), value, context);
  }

  bind(attributes: Attributes): BoundGauge {
    return new BoundRow(this, new Place(this.series, attributes));
  }

  remove(attributes: Attributes): boolean {
    return this.series.remove(attributes);
  }

  accepts(value: number): boolean {
    if (typeof value === 'number') return true;
    this.refusals.count(value);
    return false;
  }

  recordAt(row: number, value: number, context?: Context): void {
    this.observe(row, value);
    const { sampler } = this.#setup;
    if (context === undefined ? sampler.ambient : sampler.given) this.#exemplars.offer(row, value, context);
  }

  valueAt(row: number): number {
    return this.#values[row]!;
  }

  begin(nowMs: number): void {
    this.series.begin(nowMs);
  }

  observe(row: number, value: number): void {
    this.#values[row] = this.#setup.integer ? Math.trunc(value) : value;
    this.series.rows.touched[row] = 1;
  }

  addDeltaView(): void {} // A last value has no temporality.

  collect(_: ViewState, nowMs: number): GaugeMetric | undefined {
    const { asynchronous, integer } = this.#setup;
    const { rows } = this.series;
    const selection = asynchronous ? rows.observed() : rows.live();
    if (selection.rows.length === 0) return undefined;
    const exemplars = this.#exemplars.of(selection.rows, { sinceMs: 0 });
    const values = gathered(this.#values, selection.rows);
    return {
      ...this.described,
      kind: 'gauge',
      ...(integer ? { integer } : {}),
      points: { ...pointColumns(selection, nowMs), values, ...(exemplars === undefined ? {} : { exemplars }) },
    };
  }
}

class BoundRow implements BoundGauge {
  readonly #gauge: Gauge;
  readonly #place: Place;

  constructor(gauge: Gauge, place: Place) {
    this.#gauge = gauge;
    this.#place = place;
  }

  record(value: number, context?: Context): void {
    if (this.#gauge.accepts(value)) this.#gauge.recordAt(this.#place.row(), value, context);
  }

  add(value: number): void {
    // What is not finite could be recorded, but would stay in whatever is added afterwards.
    if (!Number.isFinite(value)) {
      this.#gauge.refusals.count(value);
      return;
    }
    const row = this.#place.row();
    this.#gauge.recordAt(row, this.#gauge.valueAt(row) + value);
  }
}
