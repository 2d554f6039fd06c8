import { Counter, Histogram, Registry } from '@prometheus-io/client';
import type { Cases } from '../case.ts';
import { combinedSeries, distinctSeries, heapCase } from './heap.ts';
import {
  BOUNDS,
  durations,
  freshOf,
  hundredSeries,
  increments,
  LABEL_NAMES,
  overSeries,
  type Labels,
} from './workload.ts';

/** `@prometheus-io/client`. Bound is its child, that is what `labels()` returns, made once for each series. */
export const cases: Cases = {
  bound_counter: () => {
    const counter = createCounter();
    const children = hundredSeries.map((labels) => counter.labels(labels));
    return overSeries(children, increments, (child, value) => child.inc(value));
  },
  bound_histogram: () => {
    const histogram = createHistogram();
    const children = hundredSeries.map((labels) => histogram.labels(labels));
    return overSeries(children, durations, (child, value) => child.observe(value));
  },

  unbound_counter: () => {
    const counter = createCounter();
    return overSeries(hundredSeries, increments, (labels, value) => counter.inc(freshOf(labels), value));
  },
  unbound_histogram: () => {
    const histogram = createHistogram();
    return overSeries(hundredSeries, durations, (labels, value) => histogram.observe(freshOf(labels), value));
  },

  heap_counter: () => heapCase(combinedSeries(), recordingOnCounter),
  heap_counter_distinct: () => heapCase(distinctSeries(), recordingOnCounter),
  heap_histogram: () =>
    heapCase(combinedSeries(), () => {
      const histogram = createHistogram();
      return (labels) => histogram.observe(labels, 1);
    }),
};

function recordingOnCounter(): (labels: Labels) => void {
  const counter = createCounter();
  return (labels) => counter.inc(labels, 1);
}

function createCounter() {
  return new Counter({ name: 'increments', help: 'a counter', labelNames: LABEL_NAMES, registers: [new Registry()] });
}

function createHistogram() {
  return new Histogram({
    name: 'durations',
    help: 'a histogram',
    labelNames: LABEL_NAMES,
    buckets: BOUNDS,
    registers: [new Registry()],
  });
}
