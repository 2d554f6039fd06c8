import { areCounts, hasCounts } from '../metric/counts.ts';
import type { Exemplar, ExponentialHistogram } from '../metric/model.ts';
import type { Block } from './blocks.ts';
import { classicLayout, type ClassicLayout } from './classic-buckets.ts';

/** One row of a histogram: its counts, not accumulated, and the exemplars beside them, begin at `at`. */
export interface BucketRow {
  readonly counts: Float64Array;
  readonly at: number;
  /** NaN = not known. */
  readonly sum: number;
  readonly exemplars: readonly (Exemplar | undefined)[] | undefined;
}

interface BucketRows {
  /** Upper, inclusive, without +Inf; there is one count more. */
  readonly bounds: readonly number[];
  /** @returns the row, valid until the next call; undefined where its counts are none. */
  readonly load: (row: number) => BucketRow | undefined;
}

/**
 * Histograms as formats want them that know explicit buckets only.
 *
 * @param layoutOf the family's: exponential ones, of whatever scope, have the same bounds.
 */
export function bucketsOf(
  block: Block & { kind: 'histogram' | 'exponential_histogram' },
  layoutOf: () => ClassicLayout,
): BucketRows {
  if (block.kind === 'histogram') {
    const { bounds, bucketCounts, sums, exemplars } = block.points;
    const width = bounds.length + 1;
    return {
      bounds,
      load: (row) => {
        const at = row * width;
        return areCounts(bucketCounts, at, at + width)
          ? { counts: bucketCounts, at, sum: sums[row]!, exemplars }
          : undefined;
      },
    };
  }
  const { histograms, exemplars } = block.points;
  const { bounds, count } = layoutOf();
  const counts = new Float64Array(bounds.length + 1);
  return {
    bounds,
    load: (row) => {
      const histogram = histograms[row]!;
      if (!hasCounts(histogram)) return undefined;
      count(histogram, counts);
      // As with explicit buckets, a sum that may have fallen is not told.
      const sum = histogram.negative.counts.some((own) => own > 0) ? NaN : histogram.sum;
      return { counts, at: 0, sum, exemplars: byBucket(bounds, exemplars?.[row]) };
    },
  };
}

/** Of all exponential histograms of a family; it looks at each of them, once for as many blocks as there are. */
export function createLayout(blocks: readonly Block[]): () => ClassicLayout {
  let layout: ClassicLayout | undefined;
  return () => (layout ??= classicLayout(exponentialsOf(blocks)));
}

function exponentialsOf(blocks: readonly Block[]): readonly ExponentialHistogram[] {
  const found = blocks.flatMap((block) => (block.kind === 'exponential_histogram' ? [block.points.histograms] : []));
  return found.length === 1 ? found[0]! : found.flat();
}

/** The latest of each bucket. */
function byBucket(
  bounds: readonly number[],
  exemplars: readonly Exemplar[] = [],
): readonly (Exemplar | undefined)[] | undefined {
  if (exemplars.length === 0) return undefined;
  const latest = new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined);
  for (const exemplar of exemplars) {
    const found = bounds.findIndex((bound) => exemplar.value <= bound);
    const bucket = found < 0 ? bounds.length : found;
    const known = latest[bucket];
    if (known === undefined || known.timeMs <= exemplar.timeMs) latest[bucket] = exemplar;
  }
  return latest;
}
