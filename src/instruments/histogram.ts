import type { Attributes, Context } from '@opentelemetry/api';
import type { HistogramMetric, HistogramPoints, SummaryMetric } from '../metric/model.ts';
import { PlaceRecorder, type RowRecorder } from './bound-recorder.ts';
import { BucketIndex } from './bucket-index.ts';
import { gathered, grown, grownBy, owe, rowTotals } from './columns.ts';
import { Exemplars } from './exemplars.ts';
import type { BindableHistogram, BoundRecorder } from './bindable.ts';
import { pointColumns, type Instrument, type ViewState } from './instrument.ts';
import { MinMax } from './min-max.ts';
import { Place } from './place.ts';
import { Refusals } from './refusals.ts';
import { startingAt, type Rows, type Selection } from './rows.ts';
import { Series } from './series.ts';
import type { Description, InstrumentSetup } from './setup.ts';

interface Shown {
  buckets: Float64Array;
  sums: Float64Array;
}

/** Histograms with explicit bounds; a summary is one without bounds. */
export class Histogram implements BindableHistogram, Instrument, RowRecorder {
  readonly described: Description;
  readonly series: Series;
  readonly refusals = new Refusals();
  readonly #setup: InstrumentSetup;
  readonly #rows: Rows;
  readonly #kind: 'histogram' | 'summary';
  readonly #bounds: readonly number[];
  readonly #index: BucketIndex;
  /** Of a row: the buckets, the last being that above all bounds. */
  readonly #width: number;
  readonly #integer: boolean;
  readonly #sampler;
  readonly #exemplars: Exemplars;
  /** Counts are not kept: they are the sum of the buckets. */
  #buckets: Float64Array;
  #sums: Float64Array;
  #lasts: Float64Array;
  readonly #minMax: MinMax;
  readonly #shown: Shown[] = [];

  /** @param options.bounds ascending, finite. */
  constructor(setup: InstrumentSetup, { kind, bounds }: { kind: 'histogram' | 'summary'; bounds: readonly number[] }) {
    this.#setup = setup;
    this.#kind = kind;
    this.described = setup.described;
    this.#bounds = Object.freeze([...bounds]);
    this.#index = new BucketIndex(bounds);
    this.#width = bounds.length + 1;
    this.#integer = setup.integer;
    this.#sampler = setup.sampler;
    this.#exemplars = new Exemplars(setup.sampler);
    this.series = new Series(setup, {
      resize: (capacity) => this.#resize(capacity),
      clear: (row) => this.#clear(row),
      handOver: (from, to) => this.#handOver(from, to),
    });
    this.#rows = this.series.rows;
    const { capacity } = this.#rows;
    this.#buckets = new Float64Array(capacity * this.#width);
    this.#sums = new Float64Array(capacity);
    this.#lasts = new Float64Array(capacity);
    this.#minMax = new MinMax(capacity);
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
    const value = this.#integer ? Math.trunc(given) : given;
    const sum = this.#sums[row]! + value;
    if (sum - sum !== 0) {
      this.refusals.count(Infinity);
      return;
    }
    const bucket = row * this.#width + this.#index.of(value);
    this.#sums[row] = sum;
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
    this.#lasts[row] = value;
    this.#minMax.record(row, value);
    this.#rows.touched[row] = 1;
    if (context === undefined ? this.#sampler.ambient : this.#sampler.given) {
      this.#exemplars.offer(bucket, value, context);
    }
  }

  begin(nowMs: number): void {
    this.series.begin(nowMs, this.#fold);
  }

  addDeltaView(): void {
    if (this.#kind === 'summary') return; // It is always cumulative.
    this.#rows.fold(this.#setup.nowMs(), this.#fold);
    this.#rows.addDeltaView();
    this.#minMax.addDeltaView();
    const { capacity } = this.#rows;
    this.#shown.push({ buckets: new Float64Array(capacity * this.#width), sums: new Float64Array(capacity) });
  }

  collect(view: ViewState, nowMs: number): HistogramMetric | SummaryMetric | undefined {
    const delta = this.#kind === 'histogram' && view.preference !== 'cumulative';
    const selection = delta
      ? startingAt(this.series.deltaStartMs(view.sinceMs), this.#rows.unseenBy(view.delta))
      : this.#rows.live();
    if (selection.rows.length === 0) return undefined;
    const points = this.#points(selection, view, { delta, nowMs });
    if (delta) this.#rows.shown(view.delta);
    if (this.#kind === 'histogram') {
      return { ...this.described, kind: 'histogram', temporality: delta ? 'delta' : 'cumulative', points: [points] };
    }
    const { attributes, startTimesMs, timesMs, counts, sums } = points;
    const quantiles = { quantiles: [], quantileValues: new Float64Array(0) };
    return {
      ...this.described,
      kind: 'summary',
      points: [{ attributes, startTimesMs, timesMs, counts, sums, ...quantiles }],
    };
  }

  readonly #fold = (row: number): void => this.#minMax.fold(row);

  #points(selection: Selection, view: ViewState, { delta, nowMs }: { delta: boolean; nowMs: number }): HistogramPoints {
    const { rows } = selection;
    const width = this.#width;
    const shown = delta ? this.#shown[view.delta] : undefined;
    const bucketCounts = shown
      ? grownBy(this.#buckets, shown.buckets, rows, width)
      : gathered(this.#buckets, rows, width);
    const sums = shown ? grownBy(this.#sums, shown.sums, rows) : gathered(this.#sums, rows);
    const { mins, maxs } = this.#minMax.take(rows, delta ? view.delta : undefined);
    // A sum that has gone down would look as if it had begun anew: it is not told once there was a negative value.
    if (this.#kind === 'histogram') for (let i = 0; i < rows.length; i++) if (mins[i]! < 0) sums[i] = NaN;
    const exemplars = this.#exemplars.of(rows, { width, sinceMs: delta ? view.sinceMs : 0 });
    return {
      ...pointColumns(selection, nowMs),
      bounds: this.#bounds,
      bucketCounts,
      counts: rowTotals(bucketCounts, width),
      sums,
      mins,
      maxs,
      lasts: gathered(this.#lasts, rows),
      ...(exemplars === undefined ? {} : { exemplars }),
    };
  }

  #resize(capacity: number): void {
    this.#buckets = grown(this.#buckets, capacity * this.#width);
    this.#sums = grown(this.#sums, capacity);
    this.#lasts = grown(this.#lasts, capacity);
    this.#minMax.resize(capacity);
    for (const shown of this.#shown) {
      shown.buckets = grown(shown.buckets, capacity * this.#width);
      shown.sums = grown(shown.sums, capacity);
    }
  }

  #handOver(from: number, to: number): void {
    for (const { buckets, sums } of this.#shown) {
      owe(this.#buckets, buckets, { from, to, width: this.#width });
      owe(this.#sums, sums, { from, to });
    }
    this.#minMax.handOver(from, to);
  }

  #clear(row: number): void {
    const [from, to] = [row * this.#width, (row + 1) * this.#width];
    this.#buckets.fill(0, from, to);
    this.#sums[row] = 0;
    this.#lasts[row] = 0;
    this.#minMax.clear(row);
    this.#exemplars.clear(row, this.#width);
    for (const shown of this.#shown) {
      shown.buckets.fill(0, from, to);
      shown.sums[row] = 0;
    }
  }
}
