import type { ExponentialHistogram } from './model.ts';

/** Whether it counts something: a whole number from 0. What is larger than 2^53 would not be exact. */
export function isCount(value: number): boolean {
  return value >= 0 && value <= 2 ** 53 && Math.floor(value) === value;
}

/** Whether all that a histogram counts are counts. */
export function hasCounts({ zeroCount, positive, negative }: ExponentialHistogram): boolean {
  return isCount(zeroCount) && areCounts(positive.counts) && areCounts(negative.counts);
}

/** Whether all from one place up to another are counts. */
export function areCounts(values: Float64Array, from = 0, to = values.length): boolean {
  for (let i = from; i < to; i++) if (!isCount(values[i] ?? NaN)) return false;
  return true;
}

export function totalOf(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
