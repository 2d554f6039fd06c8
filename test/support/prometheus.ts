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
}

/** One series of an instant vector; the name of the metric is the label `__name__` where the query keeps it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  readonly url: string;
  /** An instant query at the present time. Throws with Prometheus' own error text; the result must be an instant vector. */
  query(promql: string): Promise<Sample[]>;
  stop(): Promise<void>;
}

/**
 * Runs the real Prometheus on a free port of 127.0.0.1, with a configuration and a database in a folder that `stop` removes.
 * The first scrape comes some 5 s later: that is how often Prometheus hands its targets to the scrape loops.
 */
export async function startPrometheus(options: {
  readonly scrapeTargets: readonly ScrapeTarget[];
  readonly scrapeIntervalMs: number;
}): Promise<Prometheus> {
  const command = interopProgram('prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'metergate-prometheus-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const configFile = join(folder, 'prometheus.yml');
  await writeFile(configFile, configText(options));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;

  const server = await startProcess({
    command,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    ready: { url: `${url}/-/ready` },
  }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });

  return {
    url,
    query: (promql) => instantVector(url, promql),
    stop: async () => {
      await server.stop();
      await removeFolder();
    },
  };
}

/** JSON is YAML, and quotes what needs it. */
function configText({ scrapeTargets, scrapeIntervalMs }: Parameters<typeof startPrometheus>[0]): string {
  const interval = `${scrapeIntervalMs}ms`;
  return JSON.stringify({
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: scrapeTargets.map(({ job, address, path }) => ({
      job_name: job,
      metrics_path: path ?? '/metrics',
      static_configs: [{ targets: [address] }],
    })),
  });
}

type QueryAnswer =
  | { status: 'error'; errorType: string; error: string }
  | {
      status: 'success';
      data: { resultType: string; result: { metric: Record<string, string>; value: [number, string] }[] };
    };

/** https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
async function instantVector(url: string, promql: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: promql }) });
  const answer = (await response.json()) as QueryAnswer;
  if (answer.status === 'error') throw new Error(`${answer.errorType}: ${answer.error} in ${promql}`);
  if (answer.data.resultType !== 'vector') throw new Error(`${promql} gives a ${answer.data.resultType}, not a vector`);
  return answer.data.result.map(({ metric, value: [, text] }) => ({ labels: metric, value: sampleValue(text) }));
}

function sampleValue(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
