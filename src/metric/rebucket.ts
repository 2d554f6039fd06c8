import { latestExemplar } from './latest-exemplar.ts';
import type { Attributes, Exemplar, HistogramPoints } from './model.ts';

type Buckets = Pick<HistogramPoints, 'bounds' | 'bucketCounts' | 'exemplars'>;

/**
 * Shows histograms on fewer bounds: each bucket is the exact sum of the recorded ones that it is made of, its exemplar the latest of theirs.
 *
 * @param bounds ascending, every one of them also one of `points.bounds`.
 * @returns the same rows; every column but those of buckets is the one of `points`, and with the same bounds it is `points` itself.
 * @throws RangeError for a bound that `points` does not have: its bucket could only be estimated.
 */
export function rebucket(points: HistogramPoints, bounds: readonly number[]): HistogramPoints {
  return sameBounds(points.bounds, bounds) ? points : { ...points, ...mergeBuckets({ points, bounds }) };
}

/**
 * The same where rows have bounds of their own.
 *
 * @param boundsOf is called once for each row. Lists that are the same array are told apart fastest.
 * @returns one entry for each list of bounds, in the order of their first rows; rows keep their order.
 * @throws as `rebucket`.
 */
export function rebucketByRow(
  points: HistogramPoints,
  boundsOf: (attributes: Attributes, row: number) => readonly number[],
): HistogramPoints[] {
  const groups = groupRows(points, boundsOf);
  const [first] = groups;
  if (first && groups.length === 1) return [rebucket(points, first.bounds)];
  return groups.map(({ bounds, rows }) => ({ ...takeRows(points, rows), ...mergeBuckets({ points, bounds, rows }) }));
}

/** @returns every bound of the lists once, ascending: what has to be recorded so that each of the lists can be shown. */
export function unionOfBounds(...lists: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

interface Group {
  readonly bounds: readonly number[];
  readonly rows: number[];
}

function groupRows({ attributes }: HistogramPoints, boundsOf: Parameters<typeof rebucketByRow>[1]): Group[] {
  const groups: Group[] = [];
  const known = new Map<readonly number[], Group>();
  attributes.forEach((set, row) => {
    const bounds = boundsOf(set, row);
    let group = known.get(bounds) ?? groups.find((other) => sameBounds(other.bounds, bounds));
    if (group === undefined) groups.push((group = { bounds, rows: [] }));
    known.set(bounds, group);
    group.rows.push(row);
  });
  return groups;
}

/** Every column but those of buckets. */
function takeRows(points: HistogramPoints, rows: readonly number[]): Omit<HistogramPoints, keyof Buckets> {
  const { attributes, startTimesMs, timesMs, counts, sums, mins, maxs, lasts } = points;
  const take = (column: Float64Array): Float64Array => Float64Array.from(rows, (row) => column[row] ?? NaN);
  return {
    attributes: rows.map((row) => attributes[row] ?? {}),
    startTimesMs: take(startTimesMs),
    timesMs: take(timesMs),
    counts: take(counts),
    sums: take(sums),
    ...(mins && { mins: take(mins) }),
    ...(maxs && { maxs: take(maxs) }),
    ...(lasts && { lasts: take(lasts) }),
  };
}

interface MergeOptions {
  readonly points: HistogramPoints;
  readonly bounds: readonly number[];
  /** All, unless given. */
  readonly rows?: readonly number[];
}

function mergeBuckets({ points, bounds, rows }: MergeOptions): Buckets {
  const targets = targetBuckets(points.bounds, bounds);
  const width = bounds.length + 1;
  const rowCount = rows?.length ?? points.attributes.length;
  const bucketCounts = new Float64Array(rowCount * width);
  const recorded = points.exemplars;
  const exemplars = recorded && new Array<Exemplar | undefined>(rowCount * width).fill(undefined);
  for (let row = 0; row < rowCount; row++) {
    const source = (rows?.[row] ?? row) * targets.length;
    for (let bucket = 0; bucket < targets.length; bucket++) {
      const target = row * width + (targets[bucket] ?? 0);
      bucketCounts[target] = (bucketCounts[target] ?? 0) + (points.bucketCounts[source + bucket] ?? 0);
      if (exemplars) exemplars[target] = latestExemplar(exemplars[target], recorded[source + bucket]);
    }
  }
  return exemplars ? { bounds, bucketCounts, exemplars } : { bounds, bucketCounts };
}

/** @returns for each recorded bucket the one that takes it in. */
function targetBuckets(recorded: readonly number[], bounds: readonly number[]): readonly number[] {
  let target = 0;
  const targets = recorded.map((bound) => (bound === bounds[target] ? target++ : target));
  if (target === bounds.length) return [...targets, target];
  throw new RangeError(
    `bounds must be recorded ones, ascending: ${bounds[target]} is not among ${recorded.join(', ')}`,
  );
}

export function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((bound, index) => bound === b[index]));
}
