import type { HeapCase } from '../case.ts';
import { freshOf, labelsOf, type Labels } from './workload.ts';

/** 50,000 series, of attributes that have few values each. */
export const combinedSeries = () => labelsOf({ models: 100, versions: 100, outcomes: 5 });

/** As many, each with a value that no other has. */
export const distinctSeries = () => labelsOf({ models: 50_000, versions: 1, outcomes: 1 });

/** @param create a new instrument. @returns records on one series of it. */
export function heapCase(series: readonly Labels[], create: () => (labels: Labels) => void): HeapCase {
  return {
    series: series.length,
    build: () => {
      const record = create();
      for (const labels of series) record(freshOf(labels));
      return record;
    },
  };
}
