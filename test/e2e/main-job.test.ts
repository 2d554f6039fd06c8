// The promise of the whole product: whoever counts the requests (who sent them, our page, the official serializer's page, a
// real Prometheus, a real Collector, and the model server for those that reached it) comes to the same numbers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { startIrisServer } from '../../examples/iris-server/server.ts';
import { countsOfPage, countsOfSnapshots, sumOfPage } from '../../src/cli/demo/comparison.ts';
import { createLoad, zeroCounts, type Counts } from '../../src/cli/demo/load.ts';
import * as requests from '../../src/cli/demo/requests.ts';
import { outcomes } from '../../src/serving/proxy/outcome.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import { startCollector, type Collector } from '../support/collector.ts';
import { startGateway } from '../support/gateway.ts';
import { interopProgram, skipWithout, type InteropProgram } from '../support/interop.ts';
import { lastPoints, sumBy } from '../support/otlp-json.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { eventually, freePort } from '../support/processes.ts';
import { startPrometheus, type Prometheus } from '../support/prometheus.ts';

const LEAST_OF_EVERY_OUTCOME = 2_000;
const REQUESTS_IN_FLIGHT = 128;

const kinds = {
  good: { kind: requests.good, count: 1_400 },
  goodVersion: { kind: requests.goodVersion, count: 700 },
  malformedJson: { kind: requests.malformedJson, count: 600 },
  wrongShape: { kind: requests.wrongShape, count: 400 },
  unknownModel: { kind: requests.unknownModel, count: 400 },
  upstreamDies: { kind: { ...requests.good, body: requests.inferBody({ die: true }) }, count: 300 },
  upstreamDown: { kind: { ...requests.good, path: `/down${requests.good.path}` }, count: 300 },
  leavesInRequest: { kind: requests.leavesInRequest, count: 1_000 },
  leavesInResponse: { kind: requests.leavesInResponse, count: 1_000 },
  malformedPath: { kind: requests.malformedPath, count: 800 },
  headerTooLarge: { kind: { ...requests.good, headers: { 'x-large': 'x'.repeat(20_000) } }, count: 400 },
} as const;

type KindName = keyof typeof kinds;

for (const engine of ['native', 'sdk'] as const) {
  test(`everyone who counts comes to the same numbers, with the engine ${engine}`, { timeout: 240_000 }, (t) =>
    mainJob(t, engine),
  );
}

async function mainJob(t: TestContext, engine: 'native' | 'sdk'): Promise<void> {
  const iris = await startIrisServer({ faults: true });
  t.after(() => iris.close());
  const collector = await startUnlessMissing(t, 'otelcol', startCollector);
  const downPort = await freePort();
  const sink = await startOtlpSink();
  t.after(() => sink.close());
  const gateway = await startGateway({
    telemetry: { engine },
    limits: { requests_in_flight: REQUESTS_IN_FLIGHT },
    pull: { otel_js_enabled: true },
    upstreams: [
      { name: 'iris', url: iris.url, models: [{ name: 'iris' }] },
      { name: 'down', url: `http://127.0.0.1:${downPort}`, path_prefix: '/down' },
    ],
    push: [
      { name: 'sink', endpoint: sink.url, interval: '3s', timeout: '3s', temporality_preference: 'delta' },
      ...(collector ? [{ name: 'collector', endpoint: collector.grpcUrl, interval: '3s', timeout: '3s' }] : []),
    ],
  });
  t.after(() => gateway.stop());
  const prometheus = await startUnlessMissing(t, 'prometheus', () => {
    const address = new URL(gateway.urls.metrics).host;
    return startPrometheus({ scrapeTargets: [{ job: 'gateway', address }], scrapeIntervalMs: 1_000 });
  });

  const sentByKind = await sendEverything(gateway.urls.inference);
  const sent = total(Object.values(sentByKind));
  t.diagnostic(`sent: ${JSON.stringify(sent)}`);
  for (const outcome of outcomes) assert.ok(sent[outcome] >= LEAST_OF_EVERY_OUTCOME, `${outcome}: ${sent[outcome]}`);
  const page = await idlePage(`${gateway.urls.metrics}/metrics`);

  await t.test('our scrape', () => {
    assert.deepEqual(countsOfPage(page), sent);
    checkTheRestOfThePage(page, sentByKind);
  });
  await t.test('the otel-js scrape', async () => {
    const otelJs = await (await fetch(`${gateway.urls.metrics}/metrics/otel-js`)).text();
    assert.deepEqual(countsOfPage(otelJs), sent);
  });
  await t.test('promtool parses our scrape', { skip: skipWithout('promtool') }, () => checkWithPromtool(page));
  await t.test('PromQL over a real Prometheus', { skip: skipWithout('prometheus') }, () =>
    checkPrometheus(prometheus, sent),
  );
  await t.test("the model server's own counts", () => {
    const atUpstream = iris.counts();
    const { malformedJson, wrongShape, unknownModel, upstreamDies, leavesInResponse } = sentByKind;
    assert.equal(atUpstream.success, sent.success);
    assert.equal(atUpstream.failure, malformedJson.failure + wrongShape.failure + unknownModel.failure);
    assert.equal(atUpstream.died, upstreamDies.failure);
    // Who leaves within the request may do so before the upstream has heard of it.
    assert.ok(atUpstream.aborted >= leavesInResponse.aborted && atUpstream.aborted <= sent.aborted);
  });
  await t.test('SIGTERM ends it with exit code 0', async () => {
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  });
  await t.test("the real Collector's file", { skip: skipWithout('otelcol') }, () => checkCollector(collector, sent));
  await t.test('the increments that were pushed', () =>
    assert.deepEqual(countsOfSnapshots(sink.exports.flatMap(({ snapshots }) => snapshots)), sent),
  );
}

/** All kinds at the same time, then bursts of more than the limit until enough were rejected. */
async function sendEverything(url: string): Promise<Record<KindName | 'burst', Counts>> {
  const sent = await Promise.all(
    Object.entries(kinds).map(async ([name, { kind, count }]) => {
      const load = createLoad(url);
      let left: number = count;
      await load.mixed([kind], { concurrency: 4, until: () => --left < 0 });
      load.close();
      assert.deepEqual(load.ledger.unanswered, [], name);
      return [name, load.ledger.counts] as const;
    }),
  );
  const burst = createLoad(url);
  while (burst.ledger.counts.rejected < LEAST_OF_EVERY_OUTCOME) {
    await burst.burst(requests.slow, 4 * REQUESTS_IN_FLIGHT);
  }
  burst.close();
  assert.deepEqual(burst.ledger.unanswered, [], 'burst');
  return { ...(Object.fromEntries(sent) as Record<KindName, Counts>), burst: burst.ledger.counts };
}

async function idlePage(url: string): Promise<string> {
  return eventually(async () => {
    const page = await (await fetch(url)).text();
    return sumOfPage(page, 'http_server_active_requests') === 0 ? page : undefined;
  });
}

function checkTheRestOfThePage(page: string, sentByKind: Record<KindName | 'burst', Counts>): void {
  const sent = total(Object.values(sentByKind));
  const all = outcomes.reduce((sum, outcome) => sum + sent[outcome], 0);
  assert.equal(sumOfPage(page, 'inference_active_requests'), 0);
  assert.equal(sumOfPage(page, 'inference_request_duration_seconds_count'), sent.success + sent.failure + sent.aborted);
  // Too large a head never becomes a request.
  const unreadable = sentByKind.headerTooLarge.rejected;
  for (const name of ['request_duration_seconds', 'request_body_size_bytes', 'response_body_size_bytes']) {
    assert.equal(sumOfPage(page, `http_server_${name}_count`), all - unreadable, name);
  }
  assert.equal(sumOfPage(page, 'metergate_serving_measurement_errors_total'), 0);
}

function checkWithPromtool(page: string): void {
  const { status, stdout, stderr } = spawnSync(interopProgram('promtool'), ['check', 'metrics'], {
    input: page,
    encoding: 'utf8',
  });
  const lint = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  // Exit code 3 says that it parsed and lint was found.
  assert.ok(status === 0 || status === 3, lint.join('\n'));
  const named = Object.keys(catalogue).filter((name) => name.endsWith('.count'));
  const allowed = named.map(
    (name) => `${name.replaceAll('.', '_')} non-histogram and non-summary metrics should not have "_count" suffix`,
  );
  assert.deepEqual(
    lint.filter((line) => !allowed.includes(line)),
    [],
  );
}

async function checkPrometheus(prometheus: Prometheus | undefined, sent: Counts): Promise<void> {
  assert.ok(prometheus);
  await eventually(async () => {
    const counts = zeroCounts();
    for (const { labels, value } of await prometheus.query('sum by (inference_outcome) (inference_requests_total)')) {
      counts[labels.inference_outcome as keyof Counts] = value;
    }
    assert.deepEqual(counts, sent, 'PromQL');
    return true;
  });
}

/** The gateway has stopped: what the file holds last came with its last export. */
async function checkCollector(collector: Collector | undefined, sent: Counts): Promise<void> {
  assert.ok(collector);
  await eventually(async () => {
    const counts = sumBy(lastPoints(await collector.fileMetrics()), 'inference.requests', 'inference.outcome');
    assert.deepEqual({ ...zeroCounts(), ...counts }, sent, "the Collector's file");
    return true;
  });
}

function total(ledgers: readonly Counts[]): Counts {
  const sum = zeroCounts();
  for (const counts of ledgers) for (const outcome of outcomes) sum[outcome] += counts[outcome];
  return sum;
}

async function startUnlessMissing<T extends { stop(): Promise<unknown> }>(
  t: TestContext,
  program: InteropProgram,
  start: () => Promise<T>,
): Promise<T | undefined> {
  if (skipWithout(program) !== false) return undefined;
  const running = await start();
  t.after(() => running.stop());
  return running;
}
