import type { Attributes as GivenAttributes } from '@opentelemetry/api';
import { AttributeIndex, UNSURE } from './attribute-index.ts';
import { OVERFLOW, toAttributeSet } from './attribute-set.ts';
import { NONE } from './key-set.ts';
import { Rows, type RowsOptions } from './rows.ts';
import type { InstrumentSetup } from './setup.ts';

const NO_ATTRIBUTES: GivenAttributes = Object.freeze({});
/** Values and key sets of series that are gone are forgotten when they are more than this and many more than the series. */
const STALE_MIN = 1024;

/** Which series an instrument has, under a limit: what finds no room goes to the series of the overflow. */
export class Series {
  readonly rows: Rows;
  /** Of series, the overflow not counted. */
  readonly limit: number;
  /** Measurements that went to the overflow, by the attribute key that had most values then. */
  readonly overflowed = new Map<string, number>();
  /** The row of the overflow, or NONE. */
  overflow = NONE;
  readonly #setup: InstrumentSetup;
  readonly #index = new AttributeIndex();
  #size = 0;
  /** Since the index was rebuilt. */
  #ended = 0;
  /** Of an asynchronous instrument: how often it has been collected. */
  #collection = 0;
  #madeRoomIn = NONE;

  constructor(setup: InstrumentSetup, columns: Pick<RowsOptions, 'resize' | 'clear'>) {
    this.#setup = setup;
    this.limit = setup.limit;
    const keepsSeen = setup.asynchronous || setup.expireAfterMs !== undefined;
    this.rows = new Rows({ retiredMax: setup.limit, nowMs: setup.nowMs, keepsSeen, ...columns });
  }

  /** The overflow not counted. */
  get size(): number {
    return this.#size;
  }

  /** @returns the row of an attribute set; a new one if there is room, else that of the overflow. */
  resolve(given: GivenAttributes = NO_ATTRIBUTES): number {
    let row = UNSURE;
    try {
      row = this.#index.find(given);
    } catch {
      // The caller's object throws when it is read: what can be read of it is its attribute set.
    }
    if (row >= 0) return row;
    if (row === NONE && !this.#hasRoom()) return this.#overflowing();
    const set = toAttributeSet(given);
    let known = this.#index.findSet(set);
    if (known < 0) {
      if (!this.#hasRoom()) return this.#overflowing();
      known = this.rows.give(set);
      this.#index.insert(set, known);
      this.#size++;
    }
    this.#index.learn(given, set);
    return known;
  }

  /** As `resolve`, for a set that a callback observes. */
  resolveObserved(given: GivenAttributes | undefined): number {
    const row = this.resolve(given);
    this.observed(row);
    return row;
  }

  /** It does not make room before another collection has gone by without it. */
  observed(row: number): void {
    this.rows.seen[row] = this.#collection;
  }

  /**
   * Recorded again, it is a new series with a start time of its own.
   *
   * @param fold as in `begin`.
   * @returns whether there was such a series.
   */
  remove(given: GivenAttributes, fold?: (row: number) => void): boolean {
    const row = this.#index.findSet(toAttributeSet(given));
    if (row < 0) return false;
    this.rows.foldRow(row, this.#setup.nowMs(), fold);
    this.#end(row);
    return true;
  }

  /**
   * Before a collection: of synchronous instruments, what has been recorded is noted and idle series end; of asynchronous ones nothing
   * has been observed yet.
   *
   * @param fold is called with rows that have been recorded on since the last time.
   */
  begin(nowMs: number, fold?: (row: number) => void): void {
    const { asynchronous, expireAfterMs } = this.#setup;
    if (asynchronous) {
      this.#collection++;
      this.rows.touched.fill(0);
      return;
    }
    this.rows.fold(nowMs, fold);
    if (expireAfterMs !== undefined) this.#endUnseenSince(nowMs - expireAfterMs);
  }

  #end(row: number): void {
    this.#index.remove(this.rows.sets[row]!);
    if (row === this.overflow) this.overflow = NONE;
    else this.#size--;
    this.rows.end(row);
    // Not at each end: it costs as much as all series that are left.
    if (++this.#ended <= this.#size || this.#index.held <= STALE_MIN + 4 * this.#size) return;
    this.#ended = 0;
    this.#index.rebuild(this.rows.live());
  }

  #endUnseenSince(time: number): void {
    for (const row of this.rows.live().rows) if (this.rows.seen[row]! < time) this.#end(row);
  }

  /** Where an asynchronous instrument is full, sets that are no longer observed make room, once in a collection. */
  #hasRoom(): boolean {
    if (this.#size >= this.limit && this.#setup.asynchronous && this.#madeRoomIn !== this.#collection) {
      this.#madeRoomIn = this.#collection;
      this.#endUnseenSince(this.#collection);
    }
    return this.#size < this.limit;
  }

  #overflowing(): number {
    const key = this.#index.widestKey;
    this.overflowed.set(key, (this.overflowed.get(key) ?? 0) + 1);
    if (this.overflow !== NONE) return this.overflow;
    const known = this.#index.findSet(OVERFLOW);
    if (known >= 0) this.#size--;
    else this.#index.insert(OVERFLOW, this.rows.give(OVERFLOW));
    return (this.overflow = this.#index.findSet(OVERFLOW));
  }
}
