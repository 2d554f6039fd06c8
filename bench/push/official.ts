import { credentials } from '@grpc/grpc-js';
import type { Meter } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Case, CaseOptions, Cases } from '../case.ts';
import { BOUNDS } from '../record/workload.ts';
import { COUNTER, counterSeries, HELP, HISTOGRAM, histogramSeries } from '../scrape/workload.ts';
import { exportCase, type Sender } from './export-case.ts';
import { counterLoad, histogramLoad } from './workload.ts';

/** The exports come when they are asked for. */
const INTERVAL_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
/** Of 104 bytes at most: a request is no longer than 3 MiB. */
const BATCH_POINTS = 30_000;

/**
 * `PeriodicExportingMetricReader` with `OTLPMetricExporter` over gRPC. Attributes are made once, and the same objects given each time. It
 * makes one request of a collection, which is longer than receivers take by default; `batched` ones are not.
 */
export const cases: Cases = {
  counters_100k: (options) => counters(options),
  counters_100k_batched: (options) => counters(options, BATCH_POINTS),
  histograms_10k: (options) =>
    exportCase((endpoint) => {
      const { meter, ...sender } = createSender({ endpoint, series: histogramSeries(options).length });
      const advice = { explicitBucketBoundaries: BOUNDS };
      const histogram = meter.createHistogram(HISTOGRAM, { description: HELP, advice });
      return {
        ...sender,
        ...histogramLoad(options, {
          bind: (labels) => labels,
          record: (labels, value) => histogram.record(value, labels),
        }),
      };
    }, options),
};

function counters(options: CaseOptions, maxExportBatchSize?: number): Case {
  return exportCase((endpoint) => {
    const series = counterSeries(options).length;
    const { meter, ...sender } = createSender({ endpoint, series, maxExportBatchSize });
    const counter = meter.createCounter(COUNTER, { description: HELP });
    return {
      ...sender,
      ...counterLoad(options, { bind: (labels) => labels, record: (labels, value) => counter.add(value, labels) }),
    };
  }, options);
}

interface SenderOptions {
  readonly endpoint: string;
  readonly series: number;
  readonly maxExportBatchSize?: number | undefined;
}

function createSender({
  endpoint,
  series,
  maxExportBatchSize,
}: SenderOptions): Omit<Sender, 'touch'> & { meter: Meter } {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({
      url: endpoint,
      timeoutMillis: TIMEOUT_MS,
      credentials: credentials.createInsecure(),
    }),
    exportIntervalMillis: INTERVAL_MS,
    exportTimeoutMillis: TIMEOUT_MS,
    // One of its places is for the overflow.
    cardinalityLimits: { default: series + 1 },
    ...(maxExportBatchSize === undefined ? {} : { maxExportBatchSize }),
  });
  const provider = new MeterProvider({ readers: [reader] });
  return {
    meter: provider.getMeter('bench'),
    export: () => reader.forceFlush(),
    close: async () => {
      await provider.shutdown();
    },
  };
}
