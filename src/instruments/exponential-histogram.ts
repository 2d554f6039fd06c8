import type { Attributes, Context } from '@opentelemetry/api';
import type { Exemplar, ExponentialHistogramMetric } from '../metric/model.ts';
import { Exemplars } from './exemplars.ts';
import { Exponential } from './exponential.ts';
import type { BindableHistogram, BoundRecorder } from './bindable.ts';
import { PlaceRecorder, type RowRecorder } from './bound-recorder.ts';
import { pointColumns, type Instrument, type ViewState } from './instrument.ts';
import { Place } from './place.ts';
import { Refusals } from './refusals.ts';
import { startingAt, type Rows } from './rows.ts';
import { Series } from './series.ts';
import type { Description, InstrumentSetup } from './setup.ts';

/** The size that the specification gives. */
const SIZE = 160;
/** Exemplars of one series: values of powers of two that are so many apart share one. */
const EXEMPLARS = 20;

/**
 * Histograms with exponential buckets. What was recorded since the last fold is held apart and merged into the whole and into what
 * each delta view has not seen, so that the delta of a short time has the scale that its own values allow.
 */
export class ExponentialHistogramInstrument implements BindableHistogram, Instrument, RowRecorder {
  readonly described: Description;
  readonly series: Series;
  readonly refusals = new Refusals();
  readonly #setup: InstrumentSetup;
  readonly #rows: Rows;
  readonly #exemplars: Exemplars;
  /** By row; made when they are first needed. */
  readonly #whole: (Exponential | undefined)[] = [];
  /** The whole itself as long as there is no delta view. */
  #since = this.#whole;
  readonly #unseen: (Exponential | undefined)[][] = [];

  constructor(setup: InstrumentSetup) {
    this.#setup = setup;
    this.described = setup.described;
    this.#exemplars = new Exemplars(setup.sampler);
    this.series = new Series(setup, {
      resize: () => {},
      clear: (row) => {
        for (const column of [this.#since, this.#whole, ...this.#unseen]) column[row] = undefined;
        this.#exemplars.clear(row, EXEMPLARS);
      },
      handOver: (from, to) => {
        for (const column of this.#unseen) {
          if (column[from] !== undefined) (column[to] ??= new Exponential(SIZE)).merge(column[from]);
        }
      },
    });
    this.#rows = this.series.rows;
  }

  record(value: number, attributes?: Attributes, context?: Context): void {
    if (this.accepts(value)) this.recordAt(this.series.resolve(attributes), value, context);
  }

  bind(attributes: Attributes): BoundRecorder {
    return new PlaceRecorder(this, new Place(this.series, attributes));
  }

  remove(attributes: Attributes): boolean {
    return this.series.remove(attributes, this.#fold);
  }

  accepts(value: number): boolean {
    if (typeof value === 'number' && value - value === 0) return true;
    this.refusals.count(value);
    return false;
  }

  recordAt(row: number, given: number, context: Context | undefined): void {
    const value = this.#setup.integer ? Math.trunc(given) : given;
    if (!(this.#since[row] ??= new Exponential(SIZE)).record(value)) {
      this.refusals.count(Infinity);
      return;
    }
    this.#rows.touched[row] = 1;
    const { sampler } = this.#setup;
    if (context === undefined ? !sampler.ambient : !sampler.given) return;
    const power = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value)));
    this.#exemplars.offer(row * EXEMPLARS + (((power % EXEMPLARS) + EXEMPLARS) % EXEMPLARS), value, context);
  }

  begin(nowMs: number): void {
    this.series.begin(nowMs, this.#fold);
  }

  addDeltaView(): void {
    this.#rows.fold(this.#setup.nowMs(), this.#fold);
    this.#rows.addDeltaView();
    const unseen: (Exponential | undefined)[] = [];
    this.#whole.forEach((whole, row) => {
      if (whole !== undefined) (unseen[row] = new Exponential(SIZE)).merge(whole);
    });
    this.#unseen.push(unseen);
    if (this.#since === this.#whole) this.#since = [];
  }

  collect(view: ViewState, nowMs: number): ExponentialHistogramMetric | undefined {
    const delta = view.preference !== 'cumulative';
    const selection = delta
      ? startingAt(this.series.deltaStartMs(view.sinceMs), this.#rows.unseenBy(view.delta))
      : this.#rows.live();
    if (selection.rows.length === 0) return undefined;
    const source = delta ? this.#unseen[view.delta]! : this.#whole;
    const histograms = Array.from(selection.rows, (row) => (source[row] ?? new Exponential(SIZE)).toModel());
    const exemplars = this.#exemplarsOf(selection.rows, delta ? view.sinceMs : 0);
    if (delta) {
      for (const row of selection.rows) source[row]?.clear();
      this.#rows.shown(view.delta);
    }
    return {
      ...this.described,
      kind: 'exponential_histogram',
      temporality: delta ? 'delta' : 'cumulative',
      points: { ...pointColumns(selection, nowMs), histograms, ...(exemplars === undefined ? {} : { exemplars }) },
    };
  }

  readonly #fold = (row: number): void => {
    const since = this.#since[row];
    if (since === undefined || this.#since === this.#whole) return;
    for (const column of [this.#whole, ...this.#unseen]) (column[row] ??= new Exponential(SIZE)).merge(since);
    since.clear();
  };

  #exemplarsOf(rows: Int32Array, sinceMs: number): Exemplar[][] | undefined {
    const slots = this.#exemplars.of(rows, { width: EXEMPLARS, sinceMs });
    if (slots === undefined) return undefined;
    return Array.from(rows, (_, i) =>
      slots.slice(i * EXEMPLARS, (i + 1) * EXEMPLARS).filter((exemplar) => exemplar !== undefined),
    );
  }
}
