import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import type { BindableHistogram } from '../../instruments/index.ts';

/** The values of `v8js.gc.type`, by Node's kinds. */
const TYPES = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  // A minor collection by mark-sweep (`--minor-ms`), which has no constant before Node 26.
  2: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
} as const;

/**
 * Records the duration of each garbage collection from now on. Node hands them over in batches: all entries of each count.
 *
 * @param histogram in seconds.
 * @returns what ends it, after what there is so far has been recorded.
 */
export function recordCollections(histogram: BindableHistogram): () => void {
  const series = new Map(
    Object.entries(TYPES).map(([kind, type]) => [Number(kind), histogram.bind({ 'v8js.gc.type': type })]),
  );
  const record = (entries: readonly PerformanceEntry[]): void => {
    for (const { duration, detail } of entries as readonly Collection[]) {
      series.get(detail.kind)?.record(duration / 1000);
    }
  };
  const observer = new PerformanceObserver((list) => record(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    record(observer.takeRecords());
    observer.disconnect();
  };
}

interface Collection extends PerformanceEntry {
  readonly detail: { readonly kind: number };
}
