import type { Counter, Histogram, Meter } from '@opentelemetry/api';
import { AggregationType, MeterProvider, MetricReader, type ViewOptions } from '@opentelemetry/sdk-metrics';
import type { Case, Cases } from '../case.ts';
import { combinedSeries, heapCase } from './heap.ts';
import { BOUNDS, durations, freshOf, hundredSeries, increments, overSeries, type Labels } from './workload.ts';

const exponentially: ViewOptions = {
  instrumentName: 'durations',
  aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
};

/**
 * `@opentelemetry/sdk-metrics`. It has nothing that is bound. Who wants to be quick makes the attributes once and gives the same object
 * each time, which is a little quicker than to make them anew: that is what `bound` is here.
 */
export const cases: Cases = {
  bound_counter: () => {
    const counter = createCounter();
    return overSeries(reused(), increments, (labels, value) => counter.add(value, labels));
  },
  bound_histogram: () => {
    const histogram = createHistogram();
    return overSeries(reused(), durations, (labels, value) => histogram.record(value, labels));
  },
  bound_exponential: () => {
    const histogram = createHistogram([exponentially]);
    return overSeries(reused(), durations, (labels, value) => histogram.record(value, labels));
  },

  unbound_counter: () => unboundCounter({ readers: 1 }),
  unbound_histogram: () => {
    const histogram = createHistogram();
    return overSeries(hundredSeries, durations, (labels, value) => histogram.record(value, freshOf(labels)));
  },

  heap_counter: () =>
    heapCase(combinedSeries(), () => {
      const counter = createCounter();
      return (labels) => counter.add(1, labels);
    }),
};

export function unboundCounter({ readers }: { readers: number }): Case {
  const counter = createCounter({ readers });
  return overSeries(hundredSeries, increments, (labels, value) => counter.add(value, freshOf(labels)));
}

class PassiveReader extends MetricReader {
  constructor() {
    super({ cardinalitySelector: () => 100_000 });
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function reused(): Labels[] {
  return hundredSeries.map(freshOf);
}

function createCounter({ readers } = { readers: 1 }): Counter {
  return createMeter({ readers, views: [] }).createCounter('increments');
}

function createHistogram(views: ViewOptions[] = []): Histogram {
  const advice = { explicitBucketBoundaries: BOUNDS };
  return createMeter({ readers: 1, views }).createHistogram('durations', { advice });
}

function createMeter({ readers, views }: { readers: number; views: ViewOptions[] }): Meter {
  return new MeterProvider({ views, readers: Array.from({ length: readers }, () => new PassiveReader()) }).getMeter(
    'bench',
  );
}
