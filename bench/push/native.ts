import type { CaseOptions, Cases, ProbeCase } from '../case.ts';
import { BOUNDS } from '../record/workload.ts';
import { HELP, HISTOGRAM, histogramSeries } from '../scrape/workload.ts';
import { createDiskFolder } from './disk-folder.ts';
import { exportCase } from './export-case.ts';
import { pushCounters, startPush } from './push.ts';
import { histogramLoad } from './workload.ts';

/** metergate, all the way: collection, encoder, queue, transport, and the receiver's answer. */
export const cases: Cases = {
  counters_100k: (options) => exportCase((endpoint) => pushCounters(options, { endpoint }), options),
  counters_100k_disk: (options) => {
    const queue = { directory: createDiskFolder() };
    return exportCase((endpoint) => pushCounters(options, { endpoint, queue }), options);
  },
  histograms_10k: histograms,
};

function histograms(options: CaseOptions): ProbeCase {
  return exportCase(async (endpoint) => {
    const series = histogramSeries(options).length;
    const started = await startPush({ endpoint, series, instrument: HISTOGRAM });
    const advice = { explicitBucketBoundaries: BOUNDS };
    const histogram = started.meter.createHistogram(HISTOGRAM, { description: HELP, advice });
    const recording = histogramLoad(options, {
      bind: (labels) => histogram.bind(labels),
      record: (bound, value) => bound.record(value),
    });
    return { ...started, ...recording };
  }, options);
}
