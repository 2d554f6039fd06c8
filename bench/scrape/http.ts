import type { CaseOptions, Cases, ProbeCase, Sample } from '../case.ts';
import { heldBytes, takenBytes } from '../held-bytes.ts';
import { watchLoop, type LongestBlock } from './loop-blocks.ts';
import { startScraper, type Scraper } from './scraper.ts';
import { serveCounters, type ServedCounters } from './server.ts';
import { counterSeries } from './workload.ts';

/** What Prometheus 3 asks for. It gets OpenMetrics. */
const ACCEPT =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
/** Where it is to have native histograms. */
const ACCEPT_PROTOBUF = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,${ACCEPT}`;

const PERIOD_MS = 50;

interface Served {
  readonly server: ServedCounters;
  readonly scraper: Scraper;
  /** One scrape, plain. @returns the bytes of the page. */
  readonly scrape: (accept: string) => Promise<number>;
}

interface Probe {
  readonly series: number;
  /** Of one kind, that count; one, where it is to be quick. */
  readonly scrapes: number;
  readonly measure: (served: Served, scrapes: number) => Promise<Sample>;
}

/** The whole way of a page: telemetry, routes, listener, and a scraper in another process. */
export const cases: Cases = {
  longest_block: probing({ series: 100_000, scrapes: 10, measure: longestBlocks }),
  peak_memory: probing({ series: 100_000, scrapes: 2, measure: peakMemory }),
  cpu: probing({ series: 5_000, scrapes: 20, measure: costAt20Hz }),
};

function probing({ series, scrapes, measure }: Probe): (options: CaseOptions) => ProbeCase {
  const probe = async ({ quick }: CaseOptions): Promise<Sample> => {
    const server = await serveCounters(counterSeries({ quick }).slice(0, series));
    const scraper = await startScraper();
    const scrape = (accept: string): Promise<number> =>
      scraper.scrape({ url: server.url, headers: { accept }, scrapes: 1, everyMs: 0 });
    try {
      return await measure({ server, scraper, scrape }, quick ? 1 : scrapes);
    } finally {
      scraper.close();
      await server.close();
    }
  };
  return (options) => ({ probe: () => probe(options) });
}

/** Of the first scrape of a process that has never served anything, and of later ones. */
async function longestBlocks({ server, scrape }: Served, scrapes: number): Promise<Sample> {
  const longestOf = async (): Promise<LongestBlock> => {
    server.touch();
    const stop = watchLoop();
    await scrape(ACCEPT);
    return stop();
  };
  const first = await longestOf();
  // For the compiler.
  for (let i = 0; i < scrapes; i++) await longestOf();
  const later: LongestBlock[] = [];
  for (let i = 0; i < scrapes; i++) later.push(await longestOf());
  return {
    ms: Math.max(...later.map(({ ms }) => ms)),
    wall_ms: Math.max(...later.map(({ wallMs }) => wallMs)),
    first_ms: first.ms,
    first_wall_ms: first.wallMs,
  };
}

/** The most that is taken during a scrape, and was not before, over the bytes of its page; garbage is counted until it is collected. */
async function peakMemory({ server, scrape }: Served, scrapes: number): Promise<Sample> {
  const peakOf = async (accept: string): Promise<number> => {
    server.touch();
    const before = heldBytes();
    let most = 0;
    let watching = true;
    const look = (): void => {
      most = Math.max(most, takenBytes() - before);
      if (watching) setImmediate(look);
    };
    look();
    const bytes = await scrape(accept);
    look();
    watching = false;
    return most / bytes;
  };
  const first = await peakOf(ACCEPT);
  for (let i = 0; i < scrapes; i++) await peakOf(ACCEPT);
  const steady = await peakOf(ACCEPT);
  for (let i = 0; i < scrapes; i++) await peakOf(ACCEPT_PROTOBUF);
  return { vs_page: steady, first_vs_page: first, protobuf_vs_page: await peakOf(ACCEPT_PROTOBUF) };
}

/** In percent of one core, with each coding; without what recording takes. */
async function costAt20Hz({ server, scraper }: Served, scrapes: number): Promise<Sample> {
  const { url } = server;
  const costWith = async (headers: Record<string, string>): Promise<number> => {
    const asked = { url, headers: { accept: ACCEPT, ...headers } };
    await scraper.scrape({ ...asked, scrapes: 2 * scrapes, everyMs: 0 });
    let recordingMs = 0;
    const recording = setInterval(() => {
      const before = process.cpuUsage();
      server.touch();
      recordingMs += cpuMsSince(before);
    }, PERIOD_MS);
    const before = process.cpuUsage();
    await scraper.scrape({ ...asked, scrapes, everyMs: PERIOD_MS });
    const scrapingMs = cpuMsSince(before) - recordingMs;
    clearInterval(recording);
    return (scrapingMs / (scrapes * PERIOD_MS)) * 100;
  };
  return {
    at_20hz: await costWith({}),
    at_20hz_gzip: await costWith({ 'accept-encoding': 'gzip' }),
    at_20hz_zstd: await costWith({ 'accept-encoding': 'zstd' }),
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
