import type { Attributes, BatchObservableResult, ObservableResult } from '@opentelemetry/api';
import type { Observed } from './instrument.ts';
import { observedOf } from './native-observable.ts';

/** What one run of a callback has observed, in columns. Rows are looked up at once: the callback may use its object again. */
export class Observations {
  readonly #instruments: Observed[] = [];
  readonly #rows: number[] = [];
  readonly #sets: unknown[] = [];
  readonly #values: number[] = [];
  #closed = false;

  /** The callback has ended: what it still observes is of no collection. */
  close(): this {
    this.#closed = true;
    return this;
  }

  add(instrument: Observed, value: number, attributes: Attributes | undefined): void {
    if (this.#closed || !instrument.accepts(value)) return;
    const row = instrument.series.resolveObserved(attributes);
    this.#instruments.push(instrument);
    this.#rows.push(row);
    this.#sets.push(instrument.series.rows.sets[row]);
    this.#values.push(value);
  }

  /** Writes it into the columns of the instruments, to be read before anything else is collected. */
  apply(): void {
    for (const [i, instrument] of this.#instruments.entries()) {
      const row = this.#rows[i]!;
      const { series } = instrument;
      // Its series may have ended since, and the row be somebody else's.
      if (series.rows.sets[row] !== this.#sets[i]) continue;
      series.observed(row);
      instrument.observe(row, this.#values[i]!);
    }
  }

  resultFor(instrument: Observed): ObservableResult {
    return { observe: (value, attributes) => this.add(instrument, value, attributes) };
  }

  /** What is observed for other instruments is left out. */
  resultForAll(instruments: ReadonlySet<unknown>): BatchObservableResult {
    return {
      observe: (metric, value, attributes) => {
        const instrument = observedOf(metric);
        if (instrument !== undefined && instruments.has(instrument)) this.add(instrument, value, attributes);
      },
    };
  }
}
