import type { Attributes as GivenAttributes } from '@opentelemetry/api';
import type { Attributes } from '../metric/model.ts';
import { AttributeIndex, UNSURE } from './attribute-index.ts';
import { OVERFLOW, toAttributeSet } from './attribute-set.ts';
import { NONE } from './key-set.ts';
import { Rows, type RowsOptions } from './rows.ts';
import type { InstrumentSetup } from './setup.ts';

const NO_ATTRIBUTES: GivenAttributes = Object.freeze({});
/** Values and key sets of series that are gone are forgotten when they are more than this and many more than the series. */
const STALE_MIN = 1024;

export interface SeriesOptions extends Pick<RowsOptions, 'resize' | 'clear'> {
  /** As in `RowsOptions`; not needed where there are no delta views. */
  readonly handOver?: RowsOptions['handOver'];
  /** Whether an idle series may end; any, if not given. */
  readonly mayExpire?: (row: number) => boolean;
  /** Of asynchronous instruments: whether sets that are no longer observed make room for others; no, if not given. */
  readonly yields?: () => boolean;
}

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
  readonly #options: SeriesOptions;
  readonly #index = new AttributeIndex();
  #size = 0;
  /** Since the index was rebuilt. */
  #ended = 0;
  /** Of an asynchronous instrument: how often it has been collected. */
  #collection = 0;
  #madeRoomIn = NONE;
  /** When the instrument was created, Unix ms. */
  readonly #createdMs: number;
  /** When it was last collected, whoever did it, or else created; and the time before that. */
  #collectedMs: number;
  #previousMs: number;

  constructor(setup: InstrumentSetup, options: SeriesOptions) {
    this.#setup = setup;
    this.#options = options;
    this.limit = setup.limit;
    this.#createdMs = this.#collectedMs = this.#previousMs = setup.nowMs();
    const { resize, clear, handOver = () => {} } = options;
    const keepsSeen = setup.asynchronous || setup.expireAfterMs !== undefined;
    this.rows = new Rows({ keepsSeen, resize, clear, handOver });
  }

  /** Of what a delta view is shown that was last shown something at `sinceMs`, 0 = never. */
  deltaStartMs(sinceMs: number): number {
    return Math.max(sinceMs, this.#createdMs);
  }

  /** Within a collection: when the one before was, or when the instrument was created. */
  get previousMs(): number {
    return this.#previousMs;
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
      known = this.#give(set);
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
      this.#previousMs = this.#collectedMs;
      this.#collectedMs = nowMs;
      this.rows.touched.fill(0);
      return;
    }
    this.rows.fold(nowMs, fold);
    if (expireAfterMs !== undefined) this.#endUnseenSince(nowMs - expireAfterMs);
  }

  /** A recorded total begins with its first measurement; an observed one has begun since it was last looked for. */
  #give(set: Attributes): number {
    return this.rows.give(set, this.#setup.asynchronous ? this.#collectedMs : this.#setup.nowMs());
  }

  #end(row: number): void {
    this.#index.remove(this.rows.sets[row]!);
    if (row === this.overflow) this.overflow = NONE;
    else this.#size--;
    this.rows.end(row);
    // A view that nobody reads must not let them pile up.
    if (this.rows.retired > this.limit) this.rows.handOverOldest(this.#overflowRow());
    // Not at each end: it costs as much as all series that are left.
    if (++this.#ended <= this.#size || this.#index.held <= STALE_MIN + 4 * this.#size) return;
    this.#ended = 0;
    this.#index.rebuild(this.rows.live());
  }

  #endUnseenSince(time: number): void {
    const { mayExpire = () => true } = this.#options;
    for (const row of this.rows.live().rows) if (this.rows.seen[row]! < time && mayExpire(row)) this.#end(row);
  }

  /** Where an asynchronous instrument is full, sets that are no longer observed make room, once in a collection. */
  #hasRoom(): boolean {
    const yields = this.#options.yields?.() ?? false;
    if (this.#size >= this.limit && yields && this.#madeRoomIn !== this.#collection) {
      this.#madeRoomIn = this.#collection;
      this.#endUnseenSince(this.#collection);
    }
    return this.#size < this.limit;
  }

  #overflowing(): number {
    const key = this.#index.widestKey;
    this.overflowed.set(key, (this.overflowed.get(key) ?? 0) + 1);
    return this.#overflowRow();
  }

  #overflowRow(): number {
    if (this.overflow !== NONE) return this.overflow;
    const known = this.#index.findSet(OVERFLOW);
    if (known >= 0) this.#size--;
    else this.#index.insert(OVERFLOW, this.#give(OVERFLOW));
    return (this.overflow = this.#index.findSet(OVERFLOW));
  }
}
