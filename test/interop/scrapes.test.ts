// The real Prometheus scrapes every format that it can ask for; what it then answers is compared with what was recorded, by hand.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Escaping } from '../../src/exposition/escaping.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/index.ts';
import { skipWithout } from '../support/interop.ts';
import { eventually } from '../support/processes.ts';
import { startPrometheus, type Prometheus, type PrometheusOptions, type ScrapeTarget } from '../support/prometheus.ts';
import {
  assertKnown,
  assertSame,
  exemplarsOf,
  expectedOf,
  keyOf,
  knownTo,
  nameBy,
  type Expected,
  type Seen,
} from './expected-series.ts';
import { addForeign, foreignSource } from './foreign-metrics.ts';
import { knownMetrics, record, utf8Metrics, type KnownMetric, type KnownRow } from './known-metrics.ts';
import { servePages, type ServedPages } from './served-pages.ts';

const VERSION = '1.2.3';
const INSTANCE = 'gateway-1';

type Page = 'classic' | 'utf8' | 'created';

interface Scraping {
  readonly job: string;
  readonly page: Page;
  readonly seen: Seen;
  /** What the page has to have been served as. */
  readonly contentType: string;
  readonly target: Omit<ScrapeTarget, 'job' | 'address'>;
}

let telemetries: Record<Page, Telemetry>;
let pages: ServedPages;
/** Unix ms. */
let recordedFrom: number;
let recordedTo: number;
before(async () => {
  recordedFrom = Date.now();
  telemetries = { classic: recorded(), utf8: createTelemetry(), created: recorded() };
  record(telemetries.utf8.getMeter({ name: 'known', version: '1' }), utf8Metrics);
  recordedTo = Date.now();
  pages = await servePages({
    '/classic': { telemetry: telemetries.classic },
    '/utf8': { telemetry: telemetries.utf8, strategy: 'no_translation' },
    '/created': { telemetry: telemetries.created, created: true },
    '/text-only': { telemetry: telemetries.classic, accept: 'text/plain;version=0.0.4' },
  });
});
after(async () => {
  await pages.stop();
  await Promise.all(Object.values(telemetries).map((telemetry) => telemetry.shutdown()));
});

function recorded(): Telemetry {
  const resource = { 'service.name': 'shop', 'service.instance.id': INSTANCE, 'host.name': 'a "b"\n\\c' };
  const telemetry = createTelemetry({ version: VERSION, resource });
  record(telemetry.getMeter({ name: 'known', version: '1' }), knownMetrics);
  telemetry.addSource(foreignSource);
  return telemetry;
}

const ESCAPINGS: readonly Escaping[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

/** By what Prometheus 3 calls them: what it gets, and whether it says there which names it can take. */
const PROTOCOLS = {
  PrometheusProto: {
    format: 'protobuf',
    type: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    saysEscaping: false,
  },
  'OpenMetricsText1.0.0': {
    format: 'openmetrics',
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    saysEscaping: true,
  },
  'OpenMetricsText0.0.1': {
    format: 'openmetrics',
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    saysEscaping: false,
  },
  'PrometheusText1.0.0': { format: 'text', type: 'text/plain; version=1.0.0; charset=utf-8', saysEscaping: true },
  'PrometheusText0.0.4': { format: 'text', type: 'text/plain; version=0.0.4; charset=utf-8', saysEscaping: false },
} as const;

type Protocol = keyof typeof PROTOCOLS;
const protocols = Object.keys(PROTOCOLS) as Protocol[];

function scraping3(page: Page, protocol: Protocol, asked: Escaping): Scraping {
  const { format, type, saysEscaping } = PROTOCOLS[protocol];
  const escaping = saysEscaping ? asked : 'underscores';
  const job = `${page} ${protocol} ${asked}`;
  return {
    ...{ job, page },
    seen: { format, escaping, by: 3, labels: { job, instance: INSTANCE } },
    contentType: protocol === 'PrometheusText0.0.4' ? type : `${type}; escaping=${escaping}`,
    target: {
      scrapeProtocols: [protocol],
      scrapeConfig: {
        scrape_native_histograms: true,
        metric_name_escaping_scheme: asked,
        metric_name_validation_scheme: asked === 'allow-utf-8' ? 'utf8' : 'legacy',
      },
    },
  };
}

function scraping2(format: Seen['format'], target: Scraping['target'] = {}): Scraping {
  const job = `classic ${format}`;
  const protocol = protocols.find((each) => PROTOCOLS[each].format === format) ?? 'PrometheusProto';
  const type =
    format === 'text' ? PROTOCOLS['PrometheusText0.0.4'].type : `${PROTOCOLS[protocol].type}; escaping=underscores`;
  const seen: Seen = { format, escaping: 'underscores', by: 2, labels: { job, instance: INSTANCE } };
  return { job, page: 'classic', seen, contentType: type, target };
}

const every3 = protocols.flatMap((protocol) => [
  scraping3('classic', protocol, 'allow-utf-8'),
  ...ESCAPINGS.map((escaping) => scraping3('utf8', protocol, escaping)),
]);
const created3 = scraping3('created', 'OpenMetricsText1.0.0', 'allow-utf-8');

interface Filtering extends Scraping {
  /** Of the samples that are left. */
  readonly left: readonly string[];
}

function filtering(
  page: Page,
  protocol: Protocol,
  { names, left }: { names: readonly string[]; left: readonly string[] },
): Filtering {
  const scraping = scraping3(page, protocol, 'allow-utf-8');
  const job = `filtered ${scraping.job}`;
  const seen = { ...scraping.seen, labels: { ...scraping.seen.labels, job } };
  return { ...scraping, job, seen, left, target: { ...scraping.target, params: { 'name[]': names } } };
}

const names = [
  'odd_values',
  'shop_orders_total',
  'request_duration_seconds_count',
  'payload_size_bytes_sum',
  'shop_orders',
  'x',
];
const left = names.slice(0, -2);
const utf8Names = ['paket.größe_sum', 'wo.länge:x', '1 "quoted" \\ name\nof 🙂', 'Σ_count'];
const filterings = [
  filtering('classic', 'PrometheusText0.0.4', { names, left }),
  filtering('classic', 'PrometheusText1.0.0', { names, left }),
  filtering('classic', 'OpenMetricsText1.0.0', { names, left }),
  filtering('classic', 'PrometheusProto', {
    names,
    // There families are whole.
    left: [
      ...['odd_values', 'payload_size_bytes', 'shop_orders_total'],
      ...['_bucket', '_count', '_sum'].map((suffix) => `request_duration_seconds${suffix}`),
    ],
  }),
  filtering('utf8', 'PrometheusText1.0.0', {
    names: utf8Names,
    left: utf8Names.filter((name) => !name.startsWith('wo')),
  }),
  filtering('utf8', 'OpenMetricsText1.0.0', {
    names: utf8Names,
    left: utf8Names.filter((name) => !name.startsWith('wo')),
  }),
];

interface Setup {
  readonly version: 2 | 3;
  readonly features: readonly string[];
  readonly scrapings: readonly Scraping[];
  /** Scraped as well, for what is asked of no other. */
  readonly others?: readonly Scraping[];
  readonly coding: 'gzip' | 'zstd';
  readonly more?: (prometheus: () => Prometheus) => void;
}

const setups: Record<string, Setup> = {
  'Prometheus 3': {
    ...{ version: 3, features: ['exemplar-storage'], scrapings: every3, coding: 'gzip' },
    others: [created3, ...filterings],
    more: (prometheus) => {
      filteringTests(prometheus);
      createdTest(prometheus);
    },
  },
  'Prometheus 3 with zstd and start times': {
    version: 3,
    features: ['exemplar-storage', 'zstd-scrape', 'created-timestamp-zero-ingestion'],
    scrapings: [...every3, created3],
    coding: 'zstd',
    more: startTimeTests,
  },
  'Prometheus 2': {
    version: 2,
    features: ['exemplar-storage'],
    // It always asks for OpenMetrics first.
    scrapings: [scraping2('openmetrics'), scraping2('text', { path: '/text-only' })],
    coding: 'gzip',
  },
  'Prometheus 2 with native histograms': {
    version: 2,
    features: ['exemplar-storage', 'native-histograms'],
    scrapings: [scraping2('protobuf')],
    coding: 'gzip',
  },
};

for (const [name, setup] of Object.entries(setups)) {
  describe(name, { skip: skipWithout(setup.version === 3 ? 'prometheus3' : 'prometheus') }, () => {
    let prometheus: Prometheus;
    const all = [...setup.scrapings, ...(setup.others ?? [])];
    before(async () => (prometheus = await startScraping(all, setup)));
    after(() => prometheus.stop());

    for (const scraping of setup.scrapings) {
      describe(`knows after a scrape of ${scraping.job}`, () => {
        const selector = selectorOf(scraping);
        let expected: Expected;
        before(() => (expected = expectedOfPage(scraping)));

        it('the format and coding that it asked for', () => {
          const served = pages.last(scraping.job);
          assert.deepEqual(
            [served?.status, served?.contentType, served?.contentEncoding],
            [200, scraping.contentType, setup.coding],
            JSON.stringify(served),
          );
        });
        it('every value and every bucket', async () => assertKnown(await knownTo(prometheus, selector), expected));
        it('every exemplar', async () => {
          assertSame(await exemplarsOf(prometheus, selector), expected.exemplars);
          for (const { timestampMs } of (await prometheus.exemplars(selector)).flatMap(({ exemplars }) => exemplars)) {
            assert.ok(timestampMs >= recordedFrom && timestampMs <= recordedTo, String(timestampMs));
          }
        });
        it('types, help and units', async () => {
          const families = Object.entries(await prometheus.metadataOf(scraping.job));
          assertSame(new Map(families.filter(([family]) => expected.metadata.has(family))), expected.metadata);
          const everywhere = await prometheus.metadata();
          for (const [family, metadata] of expected.metadata) {
            assert.ok(
              everywhere[family]?.some((each) => isDeepStrictEqual(each, metadata)),
              family,
            );
          }
        });
      });
    }

    setup.more?.(() => prometheus);

    it('had no scrape that failed', async () => {
      const targets = await prometheus.targets();
      assert.equal(targets.length, all.length);
      for (const { health, lastError, scrapeUrl } of targets)
        assert.deepEqual([health, lastError], ['up', ''], scrapeUrl);
    });
  });
}

async function startScraping(
  scrapings: readonly Scraping[],
  options: Pick<PrometheusOptions, 'version' | 'features'>,
): Promise<Prometheus> {
  const scrapeTargets = scrapings.map(({ job, page, target }) => ({
    ...{ job, address: pages.address, path: `/${page}`, instance: INSTANCE },
    ...target,
    params: { by: [job], ...target.params },
  }));
  const prometheus = await startPrometheus({ ...options, scrapeTargets, scrapeIntervalMs: 2_000 });
  try {
    for (const { job } of scrapings) {
      const isUp = async () => (await prometheus.query(`up{job=${JSON.stringify(job)}} == 1`)).length > 0 || undefined;
      await eventually(isUp);
    }
  } catch (error) {
    const targets = await prometheus.targets();
    await prometheus.stop();
    throw new Error(JSON.stringify(targets.map(({ lastError, scrapeUrl }) => [scrapeUrl, lastError])), {
      cause: error,
    });
  }
  return prometheus;
}

function selectorOf({ job, page }: Scraping): string {
  // What the gateway says of itself has names of its own by each scheme.
  return page === 'utf8' ? `{job="${job}",otel_scope_name="known"}` : `{job="${job}"}`;
}

function expectedOfPage({ page, seen }: Scraping): Expected {
  const labels = { ...seen.labels, otel_scope_name: 'known', otel_scope_version: '1' };
  if (page === 'utf8') return expectedOf(utf8Metrics, { ...seen, labels });
  const expected = expectedOf(knownMetrics, { ...seen, labels });
  addForeign(seen, expected);
  return expected;
}

function filteringTests(prometheus: () => Prometheus): void {
  for (const scraping of filterings) {
    it(`knows nothing but what was asked for by name[] after a scrape of ${scraping.job}`, async () => {
      const known = await knownTo(prometheus(), `{job="${scraping.job}"}`);
      const whole = expectedOfPage(scraping);
      assertKnown(known, { values: only(whole.values, scraping.left), natives: only(whole.natives, scraping.left) });
      assert.equal(pages.last(scraping.job)?.contentType, scraping.contentType);
    });
  }
}

function only<V>(series: ReadonlyMap<string, V>, names: readonly string[]): Map<string, V> {
  return new Map([...series].filter(([key]) => names.includes(nameOf(key))));
}

function nameOf(key: string): string {
  return Object.fromEntries(JSON.parse(key) as [string, string][]).__name__ ?? '';
}

interface Begun {
  readonly metric: KnownMetric;
  readonly row: KnownRow;
  /** Unix ms. */
  readonly startMs: number;
}

/** When the series of what grows began. */
async function begun(page: 'classic' | 'created'): Promise<readonly Begun[]> {
  const { snapshot } = await telemetries[page].pull.collect();
  const collected = snapshot.scopes.find(({ scope }) => scope.name === 'known')?.metrics ?? [];
  const growing = knownMetrics.filter(({ kind }) => kind !== 'gauge' && kind !== 'up_down_counter');
  return growing.flatMap((metric) => {
    const points = collected.find(({ name }) => name === metric.name)?.points;
    const columns = [points ?? []].flat()[0];
    return metric.rows.map((row, i) => ({ metric, row, startMs: columns?.startTimesMs[i] ?? NaN }));
  });
}

function createdTest(prometheus: () => Prometheus): void {
  it('takes _created for series of their own', async () => {
    const { seen } = created3;
    const expected = expectedOfPage(created3);
    const scope = { otel_scope_name: 'known', otel_scope_version: '1' };
    for (const { metric, row, startMs } of await begun('created')) {
      const family = { ...metric, at: nameBy(metric.at, seen.escaping).replace(/_total$/, '') };
      const of = { metric: family, row, seen: { ...seen, labels: { ...seen.labels, ...scope } } };
      expected.values.set(keyOf(of, { suffix: '_created' }), startMs / 1e3);
    }
    assertKnown(await knownTo(prometheus(), `{job="${created3.job}"}`), expected);
  });
}

function startTimeTests(prometheus: () => Prometheus): void {
  const scrapings = [scraping3('classic', 'PrometheusProto', 'allow-utf-8'), created3];
  for (const { job, page, seen } of scrapings) {
    it(`knows when what grows began after a scrape of ${job}`, async () => {
      const labels = { ...seen.labels, otel_scope_name: 'known', otel_scope_version: '1' };
      for (const { metric, row, startMs } of await begun(page === 'created' ? 'created' : 'classic')) {
        const { values, natives } = expectedOf([{ ...metric, rows: [row] }], { ...seen, labels });
        const at = await knownTo(prometheus(), `{job="${job}"}`, { atMs: startMs });
        const before = await knownTo(prometheus(), `{job="${job}"}`, { atMs: startMs - 1 });
        for (const key of values.keys()) {
          assert.equal(at.values.get(key), 0, key);
          assert.equal(before.values.get(key), undefined, key);
        }
        for (const key of natives.keys()) {
          assert.deepEqual(at.natives.get(key), { count: 0, sum: 0, buckets: [] }, key);
          assert.equal(before.natives.get(key), undefined, key);
        }
      }
    });
  }
}
