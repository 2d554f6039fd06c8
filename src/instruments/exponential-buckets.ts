import type { ExponentialBuckets } from '../metric/model.ts';

const FIRST_COUNTS = 16;
/** Most histograms have nothing below zero: they share this. */
const NO_BUCKETS: ExponentialBuckets = Object.freeze({ offset: 0, counts: new Float64Array(0) });

/**
 * Counts of consecutive buckets, as many as `size` at most. Bucket `index` is counted at `index` modulo the length, so that a range
 * that grows at either end moves nothing.
 */
export class Buckets {
  readonly #size: number;
  #counts: Float64Array;
  #low = 0;
  #high = -1;

  constructor(size: number) {
    this.#size = size;
    this.#counts = new Float64Array(FIRST_COUNTS);
  }

  get empty(): boolean {
    return this.#high < this.#low;
  }

  /** By how much the scale must go down for the buckets from `low` to `high` to fit in with those that are there. */
  excess(low: number, high: number): number {
    let from = this.empty ? low : Math.min(low, this.#low);
    let to = this.empty ? high : Math.max(high, this.#high);
    let change = 0;
    for (; to - from >= this.#size; change++) [from, to] = [from >> 1, to >> 1];
    return change;
  }

  /** @param index must fit. */
  add(index: number, count: number): void {
    const low = this.empty ? index : Math.min(index, this.#low);
    const high = this.empty ? index : Math.max(index, this.#high);
    if (high - low >= this.#counts.length) this.#rehash(2 ** Math.ceil(Math.log2(high - low + 1)), 0);
    this.#low = low;
    this.#high = high;
    const at = placeOf(index, this.#counts.length);
    this.#counts[at] = this.#counts[at]! + count;
  }

  /** Halves the number of buckets `by` times. */
  downscale(by: number): void {
    if (by > 0 && !this.empty) this.#rehash(this.#counts.length, by);
  }

  /** @param shift how much finer `other` is. */
  merge(other: Buckets, shift: number): void {
    for (let index = other.#low; index <= other.#high; index++) {
      const count = other.#at(index);
      if (count > 0) this.add(index >> shift, count);
    }
  }

  /** The range at a scale that is lower by `shift`; undefined when empty. */
  range(shift: number): { low: number; high: number } | undefined {
    return this.empty ? undefined : { low: this.#low >> shift, high: this.#high >> shift };
  }

  clear(): void {
    this.#counts.fill(0);
    [this.#low, this.#high] = [0, -1];
  }

  toModel(): ExponentialBuckets {
    if (this.empty) return NO_BUCKETS;
    const [from, to] = [placeOf(this.#low, this.#counts.length), placeOf(this.#high, this.#counts.length)];
    if (from <= to) return { offset: this.#low, counts: this.#counts.slice(from, to + 1) };
    const counts = new Float64Array(this.#high - this.#low + 1);
    counts.set(this.#counts.subarray(from));
    counts.set(this.#counts.subarray(0, to + 1), this.#counts.length - from);
    return { offset: this.#low, counts };
  }

  #at(index: number): number {
    return this.#counts[placeOf(index, this.#counts.length)]!;
  }

  #rehash(length: number, shift: number): void {
    const counts = new Float64Array(length);
    for (let index = this.#low; index <= this.#high; index++) {
      const at = placeOf(index >> shift, length);
      counts[at] = counts[at]! + this.#at(index);
    }
    this.#counts = counts;
    this.#low >>= shift;
    this.#high >>= shift;
  }
}

/** @param length a power of two. */
function placeOf(index: number, length: number): number {
  return index & (length - 1);
}
