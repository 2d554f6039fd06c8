import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Cases } from '../case.ts';
import { BOUNDS } from '../record/workload.ts';
import { samplesOfHistogram, scrapeCase } from './scrape-case.ts';
import {
  COUNTER,
  counterSeries,
  HELP,
  HISTOGRAM,
  histogramSeries,
  startCounters,
  startHistograms,
} from './workload.ts';

/** `@opentelemetry/exporter-prometheus`: what its request handler does. Attributes are made once, and the same objects given each time. */
export const cases: Cases = {
  counters_100k: (options) => {
    const series = counterSeries(options);
    const { meter, scrape } = createExporter(series.length);
    const counter = meter.createCounter(COUNTER, { description: HELP });
    const touch = startCounters(series.map((labels) => (value) => counter.add(value, labels)));
    return scrapeCase({ touch, scrape, samples: series.length });
  },
  histograms_10k: (options) => {
    const series = histogramSeries(options);
    const { meter, scrape } = createExporter(series.length);
    const advice = { explicitBucketBoundaries: BOUNDS };
    const histogram = meter.createHistogram(HISTOGRAM, { description: HELP, advice });
    const touch = startHistograms(series.map((labels) => (value) => histogram.record(value, labels)));
    return scrapeCase({ touch, scrape, samples: series.length * samplesOfHistogram(BOUNDS) });
  },
};

function createExporter(series: number): { meter: Meter; scrape: () => Promise<string> } {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  // One of its places is for the overflow.
  exporter.selectCardinalityLimit = () => series + 1;
  // As the other contenders, which have no scope and no target.
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    meter: new MeterProvider({ readers: [exporter] }).getMeter('bench'),
    scrape: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
  };
}
