import { setTimeout as sleep } from 'node:timers/promises';
import { startIrisServer, type IrisServer } from '../../../examples/iris-server/server.ts';
import { parseConfig, takeOtelEnv, type Config } from '../../config/index.ts';
import { createGateway } from '../../gateway.ts';
import { createLogger } from '../../telemetry/logger.ts';
import type { Environment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { compare, countsOfPage, countsOfSnapshots, formatTable, sumOfPage, type Comparison } from './comparison.ts';
import { createLoad, type Load } from './load.ts';
import * as requests from './requests.ts';
import { startSink, type Sink } from './sink.ts';

export interface DemoOptions {
  readonly seconds: number;
  readonly json: boolean;
  readonly keep: boolean;
}

/** Low, so that a burst goes over it; higher than what the mixed load ever has in flight. */
const REQUESTS_IN_FLIGHT = 32;
const CONCURRENCY = 12;
const BURST = 3 * REQUESTS_IN_FLIGHT;
const BURST_EVERY_MS = 1_500;

/** Mostly good requests, as in life; the rest is every way in which one can go wrong. */
const mix = [
  ...Array.from({ length: 12 }, () => requests.good),
  requests.goodVersion,
  requests.goodVersion,
  requests.malformedJson,
  requests.wrongShape,
  requests.unknownModel,
  requests.leavesInRequest,
  requests.leavesInResponse,
  requests.malformedPath,
];

/** The main job in one process: a model server, the gateway before it, a receiver of its pushes, and someone who asks. */
export async function demo(options: DemoOptions, environment: Environment): Promise<ExitCode> {
  isolate(environment.env);
  const iris = await startIrisServer();
  const sink = await startSink();
  try {
    return await demoBetween({ iris, sink }, options, environment);
  } finally {
    sink.close();
    await iris.close();
  }
}

/** What a shell has set for other programs must not reach the demo's exporter, and no proxy leads to this machine. */
function isolate(env: Environment['env']): void {
  takeOtelEnv(env);
  env.no_grpc_proxy = '127.0.0.1';
}

async function demoBetween(
  { iris, sink }: { iris: IrisServer; sink: Sink },
  options: DemoOptions,
  environment: Environment,
): Promise<ExitCode> {
  const config = demoConfig({ upstream: iris.url, endpoint: sink.url, keep: options.keep });
  const logger = await createLogger({ level: 'warn', format: 'pretty' });
  const gateway = createGateway({ config, logger, version: environment.version });
  try {
    await gateway.start();
    const { inference, metrics = '' } = gateway.urls;
    const scrape = `${metrics}${config.pull.path}`;
    environment.stderr(`model server ${iris.url}, gateway ${inference}, scrape ${scrape}, OTLP sink ${sink.url}\n`);
    const load = createLoad(inference);
    await sendFor(options.seconds, load, environment);
    const pulled = countsOfPage(await scrapeWhenIdle(scrape));
    // What is pushed last holds everything; who wants to stay waits for an export that began after the scrape.
    if (options.keep) await exportAfterNow(sink);
    else await gateway.shutdown();

    const comparison = compare({
      sent: load.ledger,
      pulled,
      pushed: countsOfSnapshots(sink.latest),
      upstreamSuccesses: iris.counts().success,
    });
    report(comparison, options, environment);
    environment.stderr(`the sink received ${sink.exports} exports\n`);
    if (options.keep) await stayUp(gateway.urls, environment);
    return comparison.agree ? EXIT.done : EXIT.failed;
  } finally {
    await gateway.shutdown();
  }
}

async function sendFor(seconds: number, load: Load, { stderr }: Environment): Promise<void> {
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  const progress = setInterval(() => {
    const { counts } = load.ledger;
    const parts = Object.entries(counts).map(([outcome, count]) => `${outcome} ${count}`);
    stderr(`${Math.round(elapsedMs() / 1000)} s of ${seconds} s: ${parts.join(', ')}\n`);
  }, 1_000);
  try {
    // In turns and never together: only then is it certain who walked away first, and who was one too many.
    while (elapsedMs() < seconds * 1000) {
      const untilMs = Math.min(elapsedMs() + BURST_EVERY_MS, seconds * 1000);
      await load.mixed(mix, { concurrency: CONCURRENCY, until: () => elapsedMs() >= untilMs });
      await load.burst(requests.slow, BURST);
    }
  } finally {
    clearInterval(progress);
    load.close();
  }
}

/** A request is counted when it is over, which is a moment after its answer has arrived. */
async function scrapeWhenIdle(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(url);
    const page = await response.text();
    if (!response.ok) throw new Error(`the scrape of ${url} answered ${response.status}: ${page}`);
    if (sumOfPage(page, 'http_server_active_requests') === 0 || attempt === 100) return page;
    await sleep(50);
  }
}

async function exportAfterNow(sink: Sink): Promise<void> {
  const enough = sink.exports + 2;
  for (let attempt = 0; sink.exports < enough && attempt < 100; attempt++) await sleep(50);
}

async function stayUp(
  urls: { management: string; metrics: string | undefined },
  environment: Environment,
): Promise<void> {
  const pages = [`${urls.metrics ?? ''}/metrics`, `${urls.metrics ?? ''}/metrics/otel-js`, `${urls.management}/status`];
  environment.stderr(`up until Ctrl-C:\n${pages.map((page) => `  ${page}\n`).join('')}`);
  await environment.interrupted();
}

function report(comparison: Comparison, { json }: DemoOptions, { stdout, stderr }: Environment): void {
  const { agree, outcomes, remarks } = comparison;
  stdout(json ? `${JSON.stringify({ agree, outcomes })}\n` : formatTable(comparison));
  for (const remark of remarks) stderr(`${remark}\n`);
  if (!agree) stderr('the counts DIFFER\n');
}

function demoConfig({ upstream, endpoint, keep }: { upstream: string; endpoint: string; keep: boolean }): Config {
  const anyPort = { inference: '127.0.0.1:0', management: '127.0.0.1:0', metrics: '127.0.0.1:0' };
  const text = JSON.stringify({
    resource: { 'service.name': 'metergate-demo' },
    ...(keep ? {} : { listen: anyPort }),
    limits: { requests_in_flight: REQUESTS_IN_FLIGHT },
    pull: { otel_js_enabled: true },
    upstreams: [{ name: 'iris', url: upstream, models: [{ name: 'iris' }, { name: 'iris', version: '1' }] }],
    push: [{ name: 'sink', endpoint, interval: '1s', timeout: '1s' }],
  });
  const parsed = parseConfig({ text, source: 'demo', env: {}, readFile: () => '' });
  if (!parsed.ok) throw new Error(`the demo's configuration is not valid: ${parsed.problems.join('; ')}`);
  return parsed.config;
}
