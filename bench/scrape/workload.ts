import { durations, increments, labelsOf, type Labels } from '../record/workload.ts';

/** What everybody's pages call it: no unit, so that nobody puts one into the name. */
export const COUNTER = 'inference_requests';
/** Where the name is not made by rules. */
export const COUNTER_SAMPLE = `${COUNTER}_total`;
export const HISTOGRAM = 'inference_request_duration_seconds';
export const HELP = 'What is measured';

/** What each histogram holds before the first page, so that most buckets of most of them have counts. */
const RECORDED_FIRST = 10;
/** Counters are of up to seven digits. */
const FIRST_TOTAL_MAX = 2_000_000;
/** What is made where it is to be quick: one of so many. */
const QUICK_SHARE = 100;

type Recorder = (value: number) => void;

/** @returns 100,000, or a hundredth of them. */
export function counterSeries({ quick }: { quick: boolean }): readonly Labels[] {
  return labelsOf({ models: 200, versions: 100, outcomes: 5 }).slice(0, quick ? 100_000 / QUICK_SHARE : undefined);
}

/** @returns 10,000, or a hundredth of them. */
export function histogramSeries({ quick }: { quick: boolean }): readonly Labels[] {
  return labelsOf({ models: 50, versions: 40, outcomes: 5 }).slice(0, quick ? 10_000 / QUICK_SHARE : undefined);
}

/**
 * Gives counters the totals that they begin with.
 *
 * @param recorders one per series. @returns records on all of them once more, other values each time.
 */
export function startCounters(recorders: readonly Recorder[]): () => void {
  recorders.forEach((record, i) => record(1 + ((i * 7919) % FIRST_TOTAL_MAX)));
  return recordingOnAll(recorders, increments);
}

/** As `startCounters`. */
export function startHistograms(recorders: readonly Recorder[]): () => void {
  const touch = recordingOnAll(recorders, durations);
  for (let i = 0; i < RECORDED_FIRST; i++) touch();
  return touch;
}

function recordingOnAll(recorders: readonly Recorder[], values: readonly number[]): () => void {
  let next = 0;
  return () => {
    for (const record of recorders) record(values[next++ % values.length] ?? 0);
  };
}
