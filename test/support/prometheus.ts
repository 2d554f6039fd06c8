import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interopProgram } from './interop.ts';
import { freePort, startProcess } from './processes.ts';

export interface ScrapeTarget {
  readonly job: string;
  /** `host:port` */
  readonly address: string;
  /** `/metrics` if not given. */
  readonly path?: string;
  /** Of the URL, such as `name[]`. */
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** The label `instance`; the address if not given. */
  readonly instance?: string;
  /** Labels of the page win over `job` and `instance`; else they are renamed to `exported_job` and so on. */
  readonly honorLabels?: boolean;
  /** Most wanted first, such as `PrometheusProto`, `OpenMetricsText1.0.0` or `PrometheusText1.0.0`. Prometheus 3 only. */
  readonly scrapeProtocols?: readonly string[];
  /** More keys of its `scrape_config`, as Prometheus spells them: `scrape_native_histograms`, `always_scrape_classic_histograms`... */
  readonly scrapeConfig?: Readonly<Record<string, unknown>>;
}

export interface PrometheusOptions {
  readonly scrapeTargets: readonly ScrapeTarget[];
  readonly scrapeIntervalMs: number;
  /** 2 (2.42 of Debian) if not given; 3 is the one that setup.sh builds. */
  readonly version?: 2 | 3;
  /** Of `--enable-feature`: `exemplar-storage`, `native-histograms` (2 only), `created-timestamp-zero-ingestion` (3 only)... */
  readonly features?: readonly string[];
  /**
   * Turns the OTLP receiver on, at `otlpUrl`, with these keys of the configuration's `otlp`, as Prometheus spells them:
   * `translation_strategy`, `promote_resource_attributes`, `promote_scope_metadata`... Prometheus 3 only.
   */
  readonly otlp?: Readonly<Record<string, unknown>>;
  /** A free one if not given. */
  readonly port?: number;
}

export interface SampleHistogram {
  readonly count: number;
  readonly sum: number;
  /** Those with observations, from the lowest; `bounds` says which of the two ends belong to the bucket. */
  readonly buckets: readonly { bounds: '(]' | '[)' | '()' | '[]'; lower: number; upper: number; count: number }[];
}

/** One series of an instant vector; the name of the metric is the label `__name__` where the query keeps it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN for a native histogram. */
  readonly value: number;
  readonly histogram?: SampleHistogram;
}

/** One series with the exemplars that Prometheus keeps of it (feature `exemplar-storage`). */
export interface SeriesExemplars {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { labels: Record<string, string>; value: number; timestampMs: number }[];
}

export interface ActiveTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl: string;
  readonly health: 'up' | 'down' | 'unknown';
  /** Why the last scrape failed; empty if it did not. */
  readonly lastError: string;
}

export type Metadata = Readonly<Record<'type' | 'help' | 'unit', string>>;

export interface Prometheus {
  readonly url: string;
  /** Where OTLP/HTTP metrics are posted to, when the receiver is on. */
  readonly otlpUrl: string;
  /** An instant query at `atMs`, or now. Throws with Prometheus' own error text; the result must be an instant vector. */
  query(promql: string, options?: { readonly atMs?: number }): Promise<Sample[]>;
  /** Of the series that the selector names; all that it keeps, of whatever time until an hour from now. */
  exemplars(selector: string): Promise<SeriesExemplars[]>;
  /** By the name of the metric; several where targets differ. */
  metadata(): Promise<Record<string, Metadata[]>>;
  /** What the target of a job says, by the name of the family. */
  metadataOf(job: string): Promise<Record<string, Metadata>>;
  targets(): Promise<ActiveTarget[]>;
  stop(): Promise<void>;
}

/**
 * Runs the real Prometheus on a free port of 127.0.0.1, with a configuration and a database in a folder that `stop` removes.
 * The first scrape of Prometheus 2 comes some 5 s later: that is how often it hands its targets to the scrape loops.
 */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const command = interopProgram(options.version === 3 ? 'prometheus3' : 'prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'metergate-prometheus-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const configFile = join(folder, 'prometheus.yml');
  await writeFile(configFile, configText(options));
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;

  const server = await startProcess({
    command,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
      ...(options.version === 3 ? ['--scrape.discovery-reload-interval=100ms'] : []),
      ...(options.features ?? []).map((feature) => `--enable-feature=${feature}`),
      ...(options.otlp ? ['--web.enable-otlp-receiver'] : []),
    ],
    ready: { url: `${url}/-/ready` },
  }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });

  return {
    url,
    otlpUrl: `${url}/api/v1/otlp/v1/metrics`,
    query: (promql, { atMs } = {}) => instantVector(url, promql, atMs),
    exemplars: (selector) => seriesExemplars(url, selector),
    metadata: () => ask(url, 'metadata'),
    metadataOf: (job) => metadataOf(url, job),
    targets: async () => (await ask<{ activeTargets: ActiveTarget[] }>(url, 'targets?state=active')).activeTargets,
    stop: () => server.stop().then(removeFolder),
  };
}

/** JSON is YAML, and quotes what needs it. */
function configText({ scrapeTargets, scrapeIntervalMs, otlp }: PrometheusOptions): string {
  return JSON.stringify({
    global: { scrape_interval: `${scrapeIntervalMs}ms`, scrape_timeout: `${scrapeIntervalMs}ms` },
    scrape_configs: scrapeTargets.map((target) => ({
      job_name: target.job,
      metrics_path: target.path ?? '/metrics',
      params: target.params,
      honor_labels: target.honorLabels,
      scrape_protocols: target.scrapeProtocols,
      static_configs: [{ targets: [target.address], labels: target.instance && { instance: target.instance } }],
      ...target.scrapeConfig,
    })),
    otlp,
  });
}

type Answer<T> = { status: 'error'; errorType: string; error: string } | { status: 'success'; data: T };

/** https://prometheus.io/docs/prometheus/latest/querying/api/ */
async function ask<T>(url: string, path: string, form?: Readonly<Record<string, string>>): Promise<T> {
  const request = form && { method: 'POST', body: new URLSearchParams(form) };
  const answer = (await (await fetch(`${url}/api/v1/${path}`, request)).json()) as Answer<T>;
  if (answer.status === 'error') throw new Error(`${answer.errorType}: ${answer.error} in ${form?.query ?? path}`);
  return answer.data;
}

interface VectorResult {
  resultType: string;
  result: { metric: Record<string, string>; value?: [number, string]; histogram?: [number, HistogramResult] }[];
}

interface HistogramResult {
  count: string;
  sum: string;
  buckets?: [bounds: 0 | 1 | 2 | 3, lower: string, upper: string, count: string][];
}

async function instantVector(url: string, promql: string, atMs: number | undefined): Promise<Sample[]> {
  const time = atMs !== undefined && { time: String(atMs / 1000) };
  const { resultType, result } = await ask<VectorResult>(url, 'query', { query: promql, ...time });
  if (resultType !== 'vector') throw new Error(`${promql} gives a ${resultType}, not a vector`);
  return result.map(({ metric: labels, value: [, value] = [0, 'NaN'], histogram }) => ({
    labels,
    value: sampleValue(value),
    ...(histogram && { histogram: readHistogram(histogram[1]) }),
  }));
}

function readHistogram({ count, sum, buckets = [] }: HistogramResult): SampleHistogram {
  const read = buckets.map(([bounds, lower, upper, inside]) => {
    const ends = (['(]', '[)', '()', '[]'] as const)[bounds];
    return { bounds: ends, lower: sampleValue(lower), upper: sampleValue(upper), count: Number(inside) };
  });
  return { count: Number(count), sum: sampleValue(sum), buckets: read };
}

async function metadataOf(url: string, job: string): Promise<Record<string, Metadata>> {
  const match = new URLSearchParams({ match_target: `{job=${JSON.stringify(job)}}` });
  const families = await ask<(Metadata & { metric: string })[]>(url, `targets/metadata?${match.toString()}`);
  return Object.fromEntries(families.map(({ metric, type, help, unit }) => [metric, { type, help, unit }]));
}

interface ExemplarsResult {
  seriesLabels: Record<string, string>;
  exemplars: { labels: Record<string, string>; value: string; timestamp: number }[];
}

async function seriesExemplars(url: string, query: string): Promise<SeriesExemplars[]> {
  const form = { query, start: '0', end: String(Date.now() / 1000 + 3600) };
  return (await ask<ExemplarsResult[]>(url, 'query_exemplars', form)).map(({ seriesLabels, exemplars }) => ({
    seriesLabels,
    exemplars: exemplars.map(({ labels, value, timestamp }) => {
      return { labels, value: sampleValue(value), timestampMs: Math.round(timestamp * 1000) };
    }),
  }));
}

/** The number that Prometheus writes so. */
export function sampleValue(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
