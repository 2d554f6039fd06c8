import { feedsOf } from '../../src/push/feeds.ts';
import { createPush } from '../../src/push/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import type { Telemetry } from '../../src/telemetry/index.ts';
import { toDestination, type TestDestination } from '../push/pushing.ts';
import { startCollector } from '../support/collector.ts';
import { eventually } from '../support/processes.ts';
import { startPrometheus, type Prometheus, type PrometheusOptions, type ScrapeTarget } from '../support/prometheus.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { servePages } from './served-pages.ts';

/** To Prometheus: by a scrape of our page, by one of the Collector's, and into Prometheus' own OTLP endpoint. */
export const WAYS = ['scrape', 'collector', 'endpoint'] as const;

export type Way = (typeof WAYS)[number];

export interface Given {
  /** With a destination for each way that pushes. What it has must not change. */
  readonly telemetry: Telemetry;
  /** What the resource says, for the scrape that cannot know it. */
  readonly job: string;
  readonly instance: string;
  /** Whether scrapes ask for native histograms. */
  readonly native: boolean;
  /** Told how to undo what was done; what came last is to be undone first. */
  readonly after: (undo: () => unknown) => void;
}

export interface Arrived {
  readonly prometheus: Prometheus;
  /** Why Prometheus does not take the page; nothing of it is there then. */
  readonly refused?: string;
}

/** Each to a Prometheus of its own; resolves when all is there. */
export const takeBy: Record<Way, (given: Given) => Promise<Arrived>> = {
  scrape: async (given) => {
    const { telemetry, job, instance, after } = given;
    const pages = await servePages({ '/metrics': { telemetry } });
    after(() => pages.stop());
    return scrapeWith({ job, instance, address: pages.address }, given);
  },

  collector: async (given) => {
    const collector = await startCollector();
    given.after(() => collector.stop());
    await startPush({ name: 'collector', endpoint: collector.grpcUrl }, given);
    return scrapeWith({ job: 'collector', address: collector.prometheusAddress, honorLabels: true }, given);
  },

  endpoint: async (given) => {
    // Series of several scopes are told apart by their scope only.
    const prometheus = await startPrometheus3({ scrapeTargets: [], otlp: { promote_scope_metadata: true } });
    given.after(() => prometheus.stop());
    await startPush({ name: 'endpoint', protocol: 'http/protobuf', endpoint: prometheus.otlpUrl }, given);
    await eventually(() => isThere(prometheus, given.job));
    return { prometheus };
  },
};

async function scrapeWith(target: ScrapeTarget, { job, native, after }: Given): Promise<Arrived> {
  const prometheus = await startPrometheus3({
    scrapeTargets: [{ ...target, scrapeConfig: { scrape_native_histograms: native } }],
  });
  after(() => prometheus.stop());
  return eventually(async () => {
    const [scraped] = await prometheus.targets();
    if (scraped?.health === 'down') return { prometheus, refused: scraped.lastError };
    return (await isThere(prometheus, job)) && { prometheus };
  });
}

function startPrometheus3(options: Pick<PrometheusOptions, 'scrapeTargets' | 'otlp'>): Promise<Prometheus> {
  return startPrometheus({ ...options, version: 3, features: ['exemplar-storage'], scrapeIntervalMs: 1_000 });
}

/** What comes comes all at once. */
async function isThere(prometheus: Prometheus, job: string): Promise<true | undefined> {
  return (await prometheus.query(`target_info{job="${job}"}`)).length > 0 || undefined;
}

async function startPush(destination: TestDestination, { telemetry, after }: Given): Promise<void> {
  // With what it says of itself elsewhere, so that every export finds the same.
  const { instruments, events, logger } = createTestTelemetry();
  const feeds = feedsOf([toDestination({ ...destination, intervalMs: 500 })], 'native');
  const shared = { engine: 'native', readers: telemetry.push, instruments, events, logger, version: '1.2.3' } as const;
  const push = createPush({ feeds, ...shared });
  await push.start();
  after(() => push.shutdown(deadlineIn(5_000)));
}
