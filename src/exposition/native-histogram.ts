import type { ExponentialBuckets, ExponentialHistogram } from '../metric/model.ts';

/** Filled buckets of one sign, as native histograms have them. */
export interface NativeBuckets {
  /** Offset and length, again and again; an offset counts from the end of the span before it. */
  readonly spans: readonly number[];
  /** Count of each bucket of the spans, less that of the bucket before it. */
  readonly deltas: readonly number[];
}

/** A histogram whose bucket `i` counts values in `(base ** (i - 1), base ** i]`, `base = 2 ** (2 ** -schema)`. */
export interface NativeHistogram {
  /** -4 to 8. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positive: NativeBuckets;
  readonly negative: NativeBuckets;
}

/** What is coarser has no native histogram. */
export const SCHEMA_MIN = -4;
const SCHEMA_MAX = 8;
/** Prometheus' own, for histograms that name none: without it one without values would not be seen to be native. */
const ZERO_THRESHOLD = 1e-128;

/**
 * Scales above 8 are made coarser, which is exact.
 *
 * @param histogram of a scale that is at least `SCHEMA_MIN`.
 * Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility", exponential histograms
 */
export function toNative({ scale, zeroThreshold, positive, negative }: ExponentialHistogram): NativeHistogram {
  const shift = Math.max(0, scale - SCHEMA_MAX);
  return {
    schema: scale - shift,
    zeroThreshold: zeroThreshold > 0 ? zeroThreshold : ZERO_THRESHOLD,
    positive: toSpans(positive, shift),
    negative: toSpans(negative, shift),
  };
}

function toSpans({ offset, counts }: ExponentialBuckets, shift: number): NativeBuckets {
  const spans: number[] = [];
  const deltas: number[] = [];
  let before = 0;
  /** The first index behind the last span; offsets of native histograms are those of the upper bounds. */
  let end = 0;
  const add = (index: number, count: number): void => {
    if (count === 0) return;
    if (spans.length > 0 && index === end) spans[spans.length - 1]!++;
    else spans.push(index - end, 1);
    end = index + 1;
    deltas.push(count - before);
    before = count;
  };
  for (let i = 0; i < counts.length;) {
    const index = (offset + i) >> shift;
    let count = 0;
    for (; i < counts.length && (offset + i) >> shift === index; i++) count += counts[i]!;
    add(index + 1, count);
  }
  return { spans, deltas };
}
