import { createExposition, type Exposition, type PageOptions } from '../../src/exposition/index.ts';
import { createMeters, type HistogramOptions, type Meters } from '../../src/instruments/index.ts';
import type { Cases, CaseOptions, TimedCase } from '../case.ts';
import { BOUNDS } from '../record/workload.ts';
import { samplesOfHistogram, scrapeCase, type Subject } from './scrape-case.ts';
import {
  COUNTER,
  counterSeries,
  HELP,
  HISTOGRAM,
  histogramSeries,
  startCounters,
  startHistograms,
} from './workload.ts';

const explicit: HistogramOptions = { advice: { explicitBucketBoundaries: BOUNDS } };
const exponential: HistogramOptions = { aggregation: 'base2_exponential_bucket_histogram' };

const text: PageOptions = { format: 'text', escaping: 'underscores' };
const openMetrics: PageOptions = { format: 'openmetrics', escaping: 'allow-utf-8' };
const protobuf: PageOptions = { format: 'protobuf', escaping: 'underscores' };

/** metergate. Its parts are not kept: they are made in the same memory. */
export const cases: Cases = {
  counters_100k: (options) => counters(options, text),
  histograms_10k: (options) => histograms(options, explicit, text),

  counters_100k_openmetrics: (options) => counters(options, openMetrics),
  counters_100k_protobuf: (options) => counters(options, protobuf),
  // No labels are rendered yet.
  counters_100k_first: (options) => counters(options, text, createPages),
  histograms_10k_protobuf: (options) => histograms(options, explicit, protobuf),
  // Native histograms, and the classic buckets that are made of them.
  exponential_10k_protobuf: (options) => histograms(options, exponential, protobuf),
  exponential_10k_text: (options) => histograms(options, exponential, text),
};

function counters(options: CaseOptions, page: PageOptions, pagesOf?: () => Exposition): TimedCase {
  const series = counterSeries(options);
  const meters = metersOf(series.length);
  const counter = meters.getMeter({ name: 'bench' }).createCounter(COUNTER, { description: HELP });
  const bound = series.map((labels) => counter.bind(labels));
  const touch = startCounters(bound.map((each) => (value) => each.add(value)));
  return scrapeCase({ touch, ...scraping(meters, page, pagesOf), samples: series.length });
}

function histograms(options: CaseOptions, instrument: HistogramOptions, page: PageOptions): TimedCase {
  const series = histogramSeries(options);
  const meters = metersOf(series.length);
  const meter = meters.getMeter({ name: 'bench' });
  const histogram = meter.createHistogram(HISTOGRAM, { description: HELP, ...instrument });
  const bound = series.map((labels) => histogram.bind(labels));
  const touch = startHistograms(bound.map((each) => (value) => each.record(value)));
  // Which classic buckets exponential ones become is up to the values.
  const samples = instrument === explicit ? series.length * samplesOfHistogram(BOUNDS) : undefined;
  return scrapeCase({ touch, ...scraping(meters, page), samples });
}

/** @param pagesOf of one scrape; the same for all, if not given. */
function scraping(meters: Meters, options: PageOptions, pagesOf?: () => Exposition): Pick<Subject, 'scrape' | 'read'> {
  const view = meters.createView('cumulative');
  const kept = createPages();
  const collect = async (): Promise<Generator<Buffer>> => {
    const pages = pagesOf?.() ?? kept;
    const { scopes } = await view.collect(1000);
    return pages.page({ resource: {}, scopes }, options, fail);
  };
  return {
    scrape: async () => {
      let bytes = 0;
      for (const part of await collect()) bytes += part.length;
      return bytes;
    },
    read: async () => {
      if (options.format === 'protobuf') return undefined;
      let text = '';
      for (const part of await collect()) text += part.toString();
      return text;
    },
  };
}

function createPages(): Exposition {
  return createExposition({
    strategy: 'underscore_escaping_with_suffixes',
    // The other contenders have no such labels either.
    scopeInfo: false,
    targetInfo: false,
    isConstantLabel: () => false,
    created: false,
  });
}

function fail({ name, reason }: { name: string; reason: string }): never {
  throw new Error(`${name} is not on the page: ${reason}`);
}

function metersOf(cardinalityLimit: number): Meters {
  return createMeters({ cardinalityLimit, exemplarFilter: 'trace_based', nowMs: Date.now });
}
