import type { ExponentialBuckets, ExponentialHistogram } from '../metric/model.ts';

/** Explicit buckets that exponential ones are sums of. */
export interface ClassicLayout {
  readonly bounds: readonly number[];
  /** @param counts `bounds.length + 1`, the last being that above all bounds; overwritten. */
  readonly count: (histogram: ExponentialHistogram, counts: Float64Array) => void;
}

const BUCKETS_MAX = 160;

/**
 * Powers of two from the least to the largest that any of the histograms needs, so that all series of a family have the same bounds, as
 * PromQL needs it. Each count is exact: a sum of recorded buckets. Where one is recorded more coarsely, or 160 powers of two are not
 * enough, they are powers of 4, 16, 256 ... While no series goes, bounds only come.
 *
 * What is negative is counted below the bound 0 as a whole: upper bounds of negative buckets are exclusive, which `le` is not.
 */
export function classicLayout(histograms: readonly ExponentialHistogram[]): ClassicLayout {
  let scale = 0;
  let belowZero = false;
  let zeroThreshold = 0;
  for (const histogram of histograms) {
    scale = Math.min(scale, histogram.scale);
    belowZero ||= histogram.zeroCount > 0 || histogram.negative.counts.some((count) => count > 0);
    zeroThreshold = Math.max(zeroThreshold, histogram.zeroThreshold);
  }
  let [low, high] = rangeOf(histograms, scale);
  while (high - low >= BUCKETS_MAX - 2) {
    scale--;
    low >>= 1;
    high >>= 1;
  }
  const powers: number[] = [];
  // One bound below the least bucket says where that one begins.
  for (let index = low - 1; index <= high; index++) {
    const bound = 2 ** ((index + 1) * 2 ** -scale);
    if (bound > 0 && bound >= zeroThreshold && bound < Infinity) powers.push(bound);
    else if (powers.length === 0) low++;
  }
  const zeroBound = belowZero && zeroThreshold === 0 ? [0] : [];
  const bounds = [...zeroBound, ...powers];
  const first = zeroBound.length;

  return {
    bounds,
    count: ({ scale: own, zeroCount, negative, positive }, counts) => {
      counts.fill(0);
      counts[0] = zeroCount + negative.counts.reduce((total, count) => total + count, 0);
      for (let i = 0; i < positive.counts.length; i++) {
        const index = (positive.offset + i) >> (own - scale);
        const bucket = Math.min(bounds.length, Math.max(first, index - (low - 1) + first));
        counts[bucket]! += positive.counts[i]!;
      }
    },
  };
}

/** The first and the last bucket with a count at a scale; `[0, -1]` if there is none. */
function rangeOf(histograms: readonly ExponentialHistogram[], scale: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { scale: own, positive } of histograms) {
    const [from, to] = filledRange(positive);
    if (from > to) continue;
    low = Math.min(low, from >> (own - scale));
    high = Math.max(high, to >> (own - scale));
  }
  return low > high ? [0, -2] : [low, high];
}

function filledRange({ offset, counts }: ExponentialBuckets): [number, number] {
  let from = 0;
  let to = counts.length - 1;
  while (from <= to && counts[from] === 0) from++;
  while (to >= from && counts[to] === 0) to--;
  return [offset + from, offset + to];
}
