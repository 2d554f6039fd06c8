import type { Attributes } from '../metric/model.ts';
import { textOf } from './attribute-set.ts';
import { gathered, grown } from './columns.ts';

const FIRST_ROWS = 8;

const FREE = 0;
const LIVE = 1;
/** Ended, and not seen by every delta view yet. */
const RETIRED = 2;

export interface RowsOptions {
  /** Whether `seen` is kept. */
  readonly keepsSeen: boolean;
  /** The columns that belong to the rows must take so many from now on. */
  readonly resize: (capacity: number) => void;
  /** The row's columns must be as if nothing had ever been recorded. */
  readonly clear: (row: number) => void;
  /** What delta views have not been shown of one row is to be shown of the other, besides what that has itself. */
  readonly handOver: (from: number, to: number) => void;
}

/** Rows to be read, and what every metric shows of them. */
export interface Selection {
  readonly rows: Int32Array;
  readonly attributes: readonly Attributes[];
  readonly startTimesMs: Float64Array;
}

/** The rows of an instrument's columns: which are given to a series, and what has been shown of them to whom. */
export class Rows {
  /** Changes whenever a row that somebody holds may be no longer theirs. */
  epoch = 0;
  /** 1 = recorded on since the last `fold`; of asynchronous instruments: observed in this collection. */
  touched = new Uint8Array(FIRST_ROWS);
  /**
   * Where it is kept: when it was last found touched, Unix ms; of asynchronous instruments the collection in which it was last observed.
   * Elsewhere it takes no room.
   */
  seen: Float64Array;
  /** Of live and retired rows. */
  readonly sets: (Attributes | undefined)[] = [];
  readonly #options: RowsOptions;
  #startTimesMs = new Float64Array(FIRST_ROWS);
  #states = new Uint8Array(FIRST_ROWS);
  /** 1 = has something that a delta view has not been shown; one column for each of these views. */
  readonly #pending: Uint8Array[] = [];
  readonly #free: number[] = [];
  /** By the texts of their sets. */
  readonly #retired = new Map<string, number>();
  /** Rows below it have been given at some time. */
  #end = 0;
  #live: Selection | undefined;

  constructor(options: RowsOptions) {
    this.#options = options;
    this.seen = new Float64Array(options.keepsSeen ? FIRST_ROWS : 0);
  }

  get capacity(): number {
    return this.touched.length;
  }

  /** Rows of series that have ended, and that some delta view has not been shown. */
  get retired(): number {
    return this.#retired.size;
  }

  /** @returns a row that is as new, but for what delta views have not been shown of an earlier series of the set. */
  give(set: Attributes, startTimeMs: number): number {
    const row = this.#free.pop() ?? this.#end++;
    if (row === this.capacity) this.#grow();
    this.#states[row] = LIVE;
    this.sets[row] = set;
    this.#startTimesMs[row] = startTimeMs;
    if (this.#options.keepsSeen) this.seen[row] = startTimeMs;
    this.#live = undefined;
    const earlier = this.#retired.size === 0 ? undefined : this.#retired.get(textOf(set));
    if (earlier !== undefined) this.#handOver(earlier, row);
    return row;
  }

  /** Ends the series of a row. What a delta view has not been shown of it stays until it has. */
  end(row: number): void {
    this.epoch++;
    this.#live = undefined;
    if (this.#isPending(row)) {
      this.#states[row] = RETIRED;
      this.#retired.set(textOf(this.sets[row]!), row);
    } else this.#release(row);
  }

  /** The row that retired first makes room: what delta views have not been shown of it is shown of another one. */
  handOverOldest(to: number): void {
    const [oldest] = this.#retired.values();
    if (oldest !== undefined) this.#handOver(oldest, to);
  }

  /** Its series goes on, with another start time. */
  restart(row: number, startTimeMs: number): void {
    this.#live = undefined;
    this.#startTimesMs[row] = startTimeMs;
  }

  /** The live rows; the same object until a series comes or goes. */
  live(): Selection {
    return (this.#live ??= this.#select(this.#states, LIVE));
  }

  /** Those that were observed in this collection. */
  observed(): Selection {
    return this.#select(this.touched, 1);
  }

  /** Those that a delta view has not been shown, retired ones among them. */
  unseenBy(view: number): Selection {
    return this.#select(this.#pending[view]!, 1);
  }

  /** A delta view has been shown all that there was for it. */
  shown(view: number): void {
    this.#pending[view]!.fill(0);
    for (const row of this.#retired.values()) if (!this.#isPending(row)) this.#release(row);
  }

  /** Notes what has been recorded since the last time. @param each is called with these rows. */
  fold(nowMs: number, each?: (row: number) => void): void {
    if (each === undefined && !this.#options.keepsSeen && this.#pending.length === 0) {
      this.touched.fill(0);
      return;
    }
    for (let row = 0; row < this.#end; row++) this.foldRow(row, nowMs, each);
  }

  foldRow(row: number, nowMs: number, each?: (row: number) => void): void {
    if (this.touched[row] === 0) return;
    this.touched[row] = 0;
    if (this.#options.keepsSeen) this.seen[row] = nowMs;
    for (const column of this.#pending) column[row] = 1;
    each?.(row);
  }

  /** A column for one more delta view, which has been shown nothing yet. */
  addDeltaView(): void {
    this.#pending.push(this.#states.map((state) => (state === LIVE ? 1 : 0)));
  }

  #isPending(row: number): boolean {
    return this.#pending.some((column) => column[row] === 1);
  }

  #handOver(from: number, to: number): void {
    this.#options.handOver(from, to);
    for (const column of this.#pending) if (column[from] === 1) column[to] = 1;
    this.#release(from);
  }

  #release(row: number): void {
    if (this.#states[row] === RETIRED) this.#retired.delete(textOf(this.sets[row]!));
    this.#states[row] = FREE;
    this.sets[row] = undefined;
    this.touched[row] = 0;
    for (const column of this.#pending) column[row] = 0;
    this.#options.clear(row);
    this.#free.push(row);
  }

  #grow(): void {
    const capacity = this.capacity * 2;
    this.touched = grown(this.touched, capacity);
    if (this.#options.keepsSeen) this.seen = grown(this.seen, capacity);
    this.#startTimesMs = grown(this.#startTimesMs, capacity);
    this.#states = grown(this.#states, capacity);
    this.#pending.forEach((column, view) => (this.#pending[view] = grown(column, capacity)));
    this.#options.resize(capacity);
  }

  /** @param flags a column: the rows that have `flag` in it. */
  #select(flags: Uint8Array, flag: number): Selection {
    const found = new Int32Array(this.#end);
    let count = 0;
    for (let row = 0; row < this.#end; row++) if (flags[row] === flag) found[count++] = row;
    const rows = found.subarray(0, count);
    const attributes = new Array<Attributes>(count);
    for (let i = 0; i < count; i++) attributes[i] = this.sets[rows[i]!]!;
    return { rows, attributes, startTimesMs: gathered(this.#startTimesMs, rows) };
  }
}

/** As a delta view is shown it: all points of an instrument start when it was collected last. */
export function startingAt(startTimeMs: number, { rows, attributes }: Selection): Selection {
  return { rows, attributes, startTimesMs: new Float64Array(rows.length).fill(startTimeMs) };
}
