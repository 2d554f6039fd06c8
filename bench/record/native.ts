import {
  createMeters,
  type BindableCounter,
  type BindableHistogram,
  type BoundCounter,
  type BoundRecorder,
  type HistogramOptions,
  type Meters,
  type TemporalityPreference,
} from '../../src/instruments/index.ts';
import type { Cases, TimedCase } from '../case.ts';
import { combinedSeries, distinctSeries, heapCase } from './heap.ts';
import { keepContexts, sampledContext } from './span-context.ts';
import {
  BOUNDS,
  durations,
  freshOf,
  hundredSeries,
  increments,
  labelsOf,
  overSeries,
  type Labels,
} from './workload.ts';

const explicit: HistogramOptions = { advice: { explicitBucketBoundaries: BOUNDS } };
const exponential: HistogramOptions = { aggregation: 'base2_exponential_bucket_histogram' };

/** metergate. */
export const cases: Cases = {
  bound_counter: () => overSeries(boundCounters(), increments, (counter, value) => counter.add(value)),
  bound_histogram: () =>
    overSeries(boundHistograms(explicit), durations, (histogram, value) => histogram.record(value)),
  bound_exponential: () =>
    overSeries(boundHistograms(exponential), durations, (histogram, value) => histogram.record(value)),

  unbound_counter: () => {
    const counter = createCounter();
    return overSeries(hundredSeries, increments, (labels, value) => counter.add(value, freshOf(labels)));
  },
  unbound_histogram: () => {
    const histogram = createHistogram(explicit);
    return overSeries(hundredSeries, durations, (labels, value) => histogram.record(value, freshOf(labels)));
  },

  // The caller gives the context of a sampled span: every measurement becomes an exemplar.
  sampled_counter: () =>
    overSeries(boundCounters(), increments, (counter, value) => counter.add(value, sampledContext)),
  sampled_histogram: () =>
    overSeries(boundHistograms(explicit), durations, (histogram, value) => histogram.record(value, sampledContext)),
  // The process keeps contexts, as with a tracing SDK, and is in no span.
  traced_counter: () => {
    keepContexts();
    return overSeries(boundCounters(), increments, (counter, value) => counter.add(value));
  },

  snapshot_100k_cumulative: () => snapshotCase('cumulative'),
  snapshot_100k_delta: () => snapshotCase('delta'),

  heap_counter: () => heapCase(combinedSeries(), recordingOnCounter),
  heap_counter_distinct: () => heapCase(distinctSeries(), recordingOnCounter),
  heap_histogram: () =>
    heapCase(combinedSeries(), () => {
      const histogram = createHistogram(explicit);
      return (labels) => histogram.record(1, labels);
    }),
};

function recordingOnCounter() {
  const counter = createCounter();
  return (labels: Labels): void => counter.add(1, labels);
}

/** All series are recorded on before each, so that there is something to be copied for either temporality. */
function snapshotCase(preference: TemporalityPreference): TimedCase {
  const meters = metersOf();
  const view = meters.createView(preference);
  const counter = createCounter(meters);
  const bound = labelsOf({ models: 200, versions: 100, outcomes: 5 }).map((labels) => counter.bind(labels));
  return {
    prepare: () => {
      for (const recorder of bound) recorder.add(1);
    },
    run: async () => {
      await view.collect(1000);
      return 1;
    },
  };
}

function boundCounters(): BoundCounter[] {
  const counter = createCounter();
  return hundredSeries.map((labels) => counter.bind(labels));
}

function boundHistograms(options: HistogramOptions): BoundRecorder[] {
  const histogram = createHistogram(options);
  return hundredSeries.map((labels) => histogram.bind(labels));
}

function createCounter(meters = metersOf()): BindableCounter {
  return meters.getMeter({ name: 'bench' }).createCounter('increments');
}

function createHistogram(options: HistogramOptions): BindableHistogram {
  return metersOf().getMeter({ name: 'bench' }).createHistogram('durations', options);
}

function metersOf(): Meters {
  return createMeters({ cardinalityLimit: 100_000, exemplarFilter: 'trace_based', nowMs: Date.now });
}
