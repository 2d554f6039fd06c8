// A gateway's push is killed again and again while nobody listens; then real receivers come, and have all that it had acknowledged.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { arrivedOf, assertArrived, assertOldestFirst } from '../e2e/push-oracle/arrived.ts';
import { liveAndDie, liveOut, nextStep, type Person } from '../e2e/push-oracle/lives.ts';
import { nothingSaid, SERIES, type Sayings } from '../e2e/push-oracle/protocol.ts';
import { createRandom } from '../e2e/push-oracle/random.ts';
import { skipWithout } from '../support/interop.ts';
import { freePort } from '../support/processes.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startReceivingCollector } from './receiving-collector.ts';

const KILLS = process.env.METERGATE_LONG === '1' ? 50 : 5;
const SEED = Number(process.env.METERGATE_SEED ?? Date.now() % 2 ** 31);

interface Story {
  readonly sayings: Sayings;
  /** The first step of each life. */
  readonly firstSteps: readonly number[];
}

/** Nobody listens for many lives; then somebody does, in one life more that is killed in the middle of it, and one that is not. */
async function play(
  t: TestContext,
  { receiver, start }: { receiver: Pick<Person, 'endpoint' | 'protocol' | 'temporality'>; start: () => Promise<void> },
): Promise<Story> {
  t.diagnostic(`METERGATE_SEED=${SEED}`);
  const random = createRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), 'metergate-push-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const sayings = nothingSaid();
  const firstSteps: number[] = [];
  const person: Person = {
    ...receiver,
    directory: join(folder, 'queue'),
    order: 'oldest_first',
    batchBytesMax: 3_000,
    queueBytesMax: 1e8,
    flushMs: 1_000,
  };
  const die = async (since: RegExp): Promise<void> => {
    firstSteps.push(nextStep(sayings));
    await liveAndDie(person, { afterMs: 150 * random(), since }, sayings);
  };

  for (let i = 0; i < KILLS; i++) await die(/^acknowledged /m);
  const backlog = sayings.acknowledged.size;
  assert.ok(backlog >= KILLS);
  await start();
  await die(/^started$/m);
  firstSteps.push(nextStep(sayings));
  await liveOut(person, sayings);

  assert.deepEqual([sayings.dropped, sayings.faults], [[], []]);
  t.diagnostic(
    `${KILLS} kills, ${sayings.recorded.size} steps, ${sayings.acknowledged.size} acknowledged, ${backlog} of them while nobody listened`,
  );
  return { sayings, firstSteps };
}

/** Of a cumulative sum that began with this step. */
function sumOf(firstStep: number, step: number): number {
  let sum = 0;
  for (let each = firstStep; each <= step; each++) sum += each;
  return sum;
}

/** By the time in Unix ms, which Prometheus has once at most. */
type Samples = ReadonlyMap<number, number>;

/** As they are, and not as a query at some time sees them. */
async function rawSamples(url: string, selector: string): Promise<ReadonlyMap<string, Samples>> {
  const body = new URLSearchParams({ query: `${selector}[1d]` });
  const answer = (await (await fetch(`${url}/api/v1/query`, { method: 'POST', body })).json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return new Map(
    answer.data.result.map(({ metric, values }) => [
      metric.inference_model_name ?? '',
      new Map(values.map(([seconds, value]) => [Math.round(seconds * 1_000), Number(value)])),
    ]),
  );
}

/** Each acknowledged step has one sample, within the time in which it was recorded; and there is nothing that nobody recorded. */
function assertSamples(samples: Samples, { sayings: { recorded, acknowledged }, firstSteps }: Story): void {
  const valueOf = (step: number): number => sumOf(Math.max(...firstSteps.filter((first) => first <= step)), step);
  const times = [...samples.keys()];
  for (const [step, toMs] of acknowledged) {
    const fromMs = recorded.get(step) ?? NaN;
    const found = times.filter((timeMs) => timeMs >= fromMs && timeMs <= toMs).map((timeMs) => samples.get(timeMs));
    assert.deepEqual(found, [valueOf(step)], `step ${step}, ${fromMs} to ${toMs}`);
  }
  const steps = [...recorded];
  for (const [timeMs, value] of samples) {
    const [step = NaN] = steps.findLast(([, fromMs]) => fromMs <= timeMs) ?? [];
    assert.equal(value, valueOf(step), `at ${timeMs}, after step ${step} was recorded`);
  }
}

describe('a push that was killed again and again', { concurrency: 2 }, () => {
  it('brings to the Collector every batch that it had acknowledged', { skip: skipWithout('otelcol') }, async (t) => {
    const ports = { grpc: await freePort(), http: await freePort() };
    let collector: Awaited<ReturnType<typeof startReceivingCollector>> | undefined;
    const { sayings } = await play(t, {
      receiver: { endpoint: `http://127.0.0.1:${ports.grpc}`, protocol: 'grpc', temporality: 'delta' },
      start: async () => {
        const started = await startReceivingCollector({ ports });
        t.after(() => started.stop());
        collector = started;
      },
    });
    const requests = (await collector?.received()) ?? [];
    const arrived = arrivedOf(
      // The file has no bytes of ours, but all that they said.
      requests.map((snapshots) => ({ bytes: Buffer.from(inspect(snapshots, exactly)), snapshots })),
    );
    assert.equal(assertArrived(arrived, sayings).dropped, 0);
    assertOldestFirst(arrived);
    t.diagnostic(`${arrived.batches.length} batches, ${arrived.duplicates} more that came again`);
  });

  it('brings to Prometheus 3 every sample at its own time', { skip: skipWithout('prometheus3') }, async (t) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const story = await play(t, {
      receiver: { endpoint: `${url}/api/v1/otlp/v1/metrics`, protocol: 'http/protobuf', temporality: 'cumulative' },
      start: async () => {
        const prometheus = await startPrometheus({
          scrapeTargets: [],
          scrapeIntervalMs: 60_000,
          version: 3,
          otlp: {},
          port,
        });
        t.after(() => prometheus.stop());
      },
    });
    // It takes no sample that is older than the last of its series: so what is there came oldest first.
    const series = await rawSamples(url, 'inference_requests_total');
    assert.equal(series.size, SERIES);
    for (const samples of series.values()) assertSamples(samples, story);
  });
});

const exactly = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };
