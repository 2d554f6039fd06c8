import { Counter, Histogram, Registry } from '@prometheus-io/client';
import type { Cases } from '../case.ts';
import { BOUNDS, LABEL_NAMES } from '../record/workload.ts';
import { samplesOfHistogram, scrapeCase } from './scrape-case.ts';
import {
  COUNTER_SAMPLE,
  counterSeries,
  HELP,
  HISTOGRAM,
  histogramSeries,
  startCounters,
  startHistograms,
} from './workload.ts';

/** `@prometheus-io/client`. */
export const cases: Cases = {
  counters_100k: (options) => {
    const series = counterSeries(options);
    const registry = new Registry();
    const counter = new Counter({ name: COUNTER_SAMPLE, help: HELP, labelNames: LABEL_NAMES, registers: [registry] });
    const children = series.map((labels) => counter.labels(labels));
    const touch = startCounters(children.map((child) => (value) => child.inc(value)));
    return scrapeCase({ touch, scrape: () => registry.metrics(), samples: series.length });
  },
  histograms_10k: (options) => {
    const series = histogramSeries(options);
    const registry = new Registry();
    const histogram = new Histogram({
      name: HISTOGRAM,
      help: HELP,
      labelNames: LABEL_NAMES,
      buckets: BOUNDS,
      registers: [registry],
    });
    const children = series.map((labels) => histogram.labels(labels));
    const touch = startHistograms(children.map((child) => (value) => child.observe(value)));
    const samples = series.length * samplesOfHistogram(BOUNDS);
    return scrapeCase({ touch, scrape: () => registry.metrics(), samples });
  },
};
