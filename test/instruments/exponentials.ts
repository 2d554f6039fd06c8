import type { ExponentialBuckets, ExponentialHistogram } from '../../src/metric/model.ts';

/** What is left of one when its buckets are merged down to a scale, without its sum. Buckets by their index, those with a count. */
export function atScale(histogram: ExponentialHistogram, scale: number) {
  const { count, min, max, zeroCount, positive, negative } = histogram;
  const shift = histogram.scale - scale;
  return { count, min, max, zeroCount, positive: counts(positive, shift), negative: counts(negative, shift) };
}

function counts({ offset, counts }: ExponentialBuckets, shift: number): Map<number, number> {
  const merged = new Map<number, number>();
  for (const [i, count] of counts.entries()) {
    const index = Math.floor((offset + i) / 2 ** shift);
    if (count > 0) merged.set(index, (merged.get(index) ?? 0) + count);
  }
  return merged;
}
