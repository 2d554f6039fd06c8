import type { ObservableGroup } from '../../src/observables/observable.ts';
import { observeReadings, type Readings } from '../../src/observables/readings.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import type { CaseOptions, Cases, Sample } from '../case.ts';
import { medianOf } from '../median.ts';
import { createMetricsListener, PATH } from '../scrape/metrics-listener.ts';
import { startScraper } from '../scrape/scraper.ts';
import { allGroups, groupsOfCalls, groupsOfHost, sampleAll } from './groups.ts';
import { scrapesOf } from './pace.ts';

/** metergate's groups, sampled over and over. */
export const cases: Cases = {
  calls: (options) => ({ probe: async () => ({ ms: await sampleMs(groupsOfCalls(), options) }) }),
  host: (options) => ({ probe: async () => ({ ms: await sampleMs(groupsOfHost(), options) }) }),
  host_page: (options) => ({ probe: () => servePages(options) }),
  groups: (options) => ({ probe: () => groupByGroup(options) }),
};

const BLOCKS = 5;
const SAMPLES = 100;
/** Enough for the optimising compiler to be done. */
const WARM_UP = 1000;

/** @returns CPU time of one sample of all of them, all threads together: the median of some blocks. */
async function sampleMs(groups: readonly ObservableGroup[], { quick }: CaseOptions): Promise<number> {
  const times = quick ? { blocks: 1, samples: 10, warmUp: 1 } : { blocks: BLOCKS, samples: SAMPLES, warmUp: WARM_UP };
  for (let i = 0; i < times.warmUp; i++) await sampleAll(groups);
  const blocks: number[] = [];
  for (let block = 0; block < times.blocks; block++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times.samples; i++) await sampleAll(groups);
    blocks.push(msSince(before) / times.samples);
  }
  return medianOf(blocks);
}

async function groupByGroup(options: CaseOptions): Promise<Sample> {
  const found: Record<string, number> = {};
  for (const group of allGroups()) {
    found[`${group.name.replaceAll('.', '_')}_us`] = (await sampleMs([group], options)) * 1000;
  }
  return found;
}

/** For each scrape a sample, its collection and its page, over HTTP: what node_exporter does when it is scraped. */
async function servePages(options: CaseOptions): Promise<Sample> {
  const groups = groupsOfHost();
  const telemetry = createTelemetry();
  let latest: Readings | undefined;
  const names = groups.flatMap(({ instruments }) => instruments);
  observeReadings(telemetry.instruments, names, () => latest);
  const collect: typeof telemetry.pull.collect = async (timeoutMs) => {
    latest = await sampleAll(groups);
    return telemetry.pull.collect(timeoutMs);
  };
  const listener = createMetricsListener({ events: telemetry.events, pull: { collect } });
  await listener.start();
  const scraper = await startScraper();
  const scrape = (scrapes: number): Promise<number> =>
    scraper.scrape({ url: `${listener.url}${PATH}`, headers: {}, scrapes, everyMs: 0 });

  const { warmUp, counted } = scrapesOf(options);
  await scrape(warmUp);
  const before = process.cpuUsage();
  await scrape(counted);
  const ms = msSince(before) / counted;
  scraper.close();
  await listener.shutdown(deadlineIn(1_000));
  await telemetry.shutdown();
  return { ms };
}

function msSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
