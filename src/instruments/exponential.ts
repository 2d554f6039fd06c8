import type { ExponentialHistogram } from '../metric/model.ts';
import { Buckets } from './exponential-buckets.ts';
import { indexOf, SCALE_MAX } from './exponential-scale.ts';

/**
 * One distribution in exponential buckets, at the highest scale at which all its values fit.
 *
 * Source: OpenTelemetry metrics SDK, "Base2 Exponential Bucket Histogram Aggregation"
 */
export class Exponential {
  readonly #positive: Buckets;
  readonly #negative: Buckets;
  #scale = SCALE_MAX;
  #sum = 0;
  #count = 0;
  #zeros = 0;
  #min = Infinity;
  #max = -Infinity;

  /** @param size buckets of the positive values at most, and as many of the negative ones. */
  constructor(size: number) {
    this.#positive = new Buckets(size);
    this.#negative = new Buckets(size);
  }

  /** @param value finite. @returns false if the sum would become infinite; then nothing is recorded. */
  record(value: number): boolean {
    const sum = this.#sum + value;
    if (sum - sum !== 0) return false;
    this.#sum = sum;
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (value === 0) {
      this.#zeros++;
      return true;
    }
    const buckets = value > 0 ? this.#positive : this.#negative;
    let index = indexOf(Math.abs(value), this.#scale);
    const excess = buckets.excess(index, index);
    if (excess > 0) {
      this.#downscale(excess);
      index = indexOf(Math.abs(value), this.#scale);
    }
    buckets.add(index, 1);
    return true;
  }

  /** Adds all that another one holds. */
  merge(other: Exponential): void {
    const sum = this.#sum + other.#sum;
    this.#sum = sum - sum === 0 ? sum : Math.sign(sum) * Number.MAX_VALUE;
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    const scale = Math.min(this.#scale, other.#scale);
    this.#downscale(this.#scale - scale);
    const shift = other.#scale - scale;
    const excess = Math.max(
      excessOf(this.#positive, other.#positive, shift),
      excessOf(this.#negative, other.#negative, shift),
    );
    this.#downscale(excess);
    this.#positive.merge(other.#positive, shift + excess);
    this.#negative.merge(other.#negative, shift + excess);
  }

  clear(): void {
    this.#positive.clear();
    this.#negative.clear();
    this.#scale = SCALE_MAX;
    this.#sum = this.#count = this.#zeros = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }

  get count(): number {
    return this.#count;
  }

  toModel(): ExponentialHistogram {
    const [positive, negative] = [this.#positive.toModel(), this.#negative.toModel()];
    const known = this.#count > 0;
    return {
      scale: this.#count === this.#zeros ? 0 : this.#scale,
      count: this.#count,
      // As in a histogram with bounds: a sum that has gone down would look as if it had begun anew.
      sum: this.#min < 0 ? NaN : this.#sum,
      min: known ? this.#min : NaN,
      max: known ? this.#max : NaN,
      zeroCount: this.#zeros,
      zeroThreshold: 0,
      positive,
      negative,
    };
  }

  #downscale(by: number): void {
    this.#positive.downscale(by);
    this.#negative.downscale(by);
    this.#scale -= by;
  }
}

function excessOf(into: Buckets, from: Buckets, shift: number): number {
  const range = from.range(shift);
  return range === undefined ? 0 : into.excess(range.low, range.high);
}
