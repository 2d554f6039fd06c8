import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Snapshot } from '../../src/metric/model.ts';
import { startOtlpSink, type OtlpSink, type ReceivedExport } from '../support/otlp-sink.ts';
import { hear, SERIES, type RecorderOptions, type Sayings } from './push-oracle/protocol.ts';
import { createRandom } from './push-oracle/random.ts';

/*
 * A gateway's push is killed with SIGKILL at random moments, over and over, while its receiver goes down, comes up, refuses and loses its
 * answers. What the process had said to be kept must be at the receiver in the end, exactly as it was recorded: whatever comes twice is
 * a whole batch, byte for byte. METERGATE_LONG=1 kills 1,000 times in place of 30, over three scenarios; METERGATE_SEED repeats a run.
 */

const KILLS = process.env.METERGATE_LONG === '1' ? 340 : 10;
const SEED = Number(process.env.METERGATE_SEED ?? Date.now() % 2 ** 31);

interface Life {
  readonly options: RecorderOptions;
  /** Not given = it ends by itself. */
  readonly killAfterMs?: number;
}

/** @returns how it ended. */
async function live({ options, killAfterMs }: Life, sayings: Sayings): Promise<number | null> {
  const recorder = spawn(
    process.execPath,
    [join(import.meta.dirname, 'push-oracle/recorder.ts'), JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  const started = Promise.withResolvers<undefined>();
  recorder.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes('started\n')) started.resolve(undefined);
  });
  const ended = once(recorder, 'close') as Promise<[number | null]>;
  if (killAfterMs !== undefined) {
    // From before it has started, or has even opened its queue, on.
    if (killAfterMs > 0) await Promise.race([started.promise, ended]);
    await setTimeout(Math.abs(killAfterMs));
    recorder.kill('SIGKILL');
  }
  const [code] = await ended;
  hear(said, sayings);
  return code;
}

async function misbehave(sink: OtlpSink, random: () => number): Promise<void> {
  const luck = random();
  await (luck < 0.3 ? sink.goDown() : sink.comeUp());
  sink.behaviour = luck < 0.45 ? 'refuse' : luck < 0.6 ? (n) => (n % 3 === 0 ? 'lose_answer' : 'accept') : 'accept';
}

/** The points of the one metric, by series. */
function stepsOf(snapshots: readonly Snapshot[]): { series: string; step: number; timeMs: number }[] {
  return snapshots
    .flatMap(({ scopes }) => scopes)
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => {
      if (metric.kind !== 'sum') throw new Error(`nobody asked for ${metric.name}`);
      const { attributes, values, timesMs } = metric.points;
      return attributes.map((each, row) => ({
        series: String(each['inference.model.name']),
        step: values[row] ?? NaN,
        timeMs: timesMs[row] ?? NaN,
      }));
    });
}

interface Arrived {
  /** Accepted batches, those that came again left out, in the order of their first arrival. */
  readonly batches: readonly { readonly timeMs: number; readonly steps: ReturnType<typeof stepsOf> }[];
  readonly duplicates: number;
}

function arrivedOf(exports: readonly ReceivedExport[]): Arrived {
  const seen = new Set<string>();
  const accepted = exports.filter((each) => each.accepted);
  const batches = accepted.flatMap(({ messageBytes, snapshots }) => {
    const hash = createHash('sha256').update(messageBytes).digest('base64');
    if (seen.has(hash)) return [];
    seen.add(hash);
    const steps = stepsOf(snapshots);
    return { timeMs: Math.max(...steps.map(({ timeMs }) => timeMs)), steps };
  });
  return { batches, duplicates: accepted.length - batches.length };
}

/**
 * Every series of an acknowledged step exactly once, unless it is said to be dropped; nothing twice that is not the same batch.
 *
 * @returns how many acknowledged steps were dropped.
 */
function check({ batches }: Arrived, { recorded, acknowledged, dropped }: Sayings): number {
  const counts = new Map<number, number>();
  const points = new Set<string>();
  for (const { series, step, timeMs } of batches.flatMap(({ steps }) => steps)) {
    assert.ok(recorded.has(step), `nobody recorded ${step}`);
    assert.ok(!points.has(`${step} ${series}`), `step ${step} of ${series} came in two batches, ${timeMs}`);
    points.add(`${step} ${series}`);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  const missing = [...acknowledged].filter(([step]) => counts.get(step) !== SERIES);
  const unsaid = missing.filter(
    ([step, at]) => !dropped.some(({ from, to }) => from <= at && to >= (recorded.get(step) ?? at)),
  );
  assert.deepEqual(unsaid, [], 'lost without a word');
  return missing.length;
}

interface Scenario {
  readonly order: RecorderOptions['order'];
  readonly queueBytesMax: number;
}

async function oracle(t: TestContext, { order, queueBytesMax }: Scenario): Promise<Arrived & { missing: number }> {
  t.diagnostic(`METERGATE_SEED=${SEED}`);
  const random = createRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), 'metergate-oracle-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const sink = await startOtlpSink();
  t.after(() => sink.close());
  const sayings: Sayings = { recorded: new Map(), acknowledged: new Map(), dropped: [] };
  const shared = { endpoint: sink.url, directory: join(folder, 'queue'), order, queueBytesMax, batchBytesMax: 3_000 };
  const optionsOf = (steps: number, shutdownMs: number): RecorderOptions => {
    const firstStep = Math.max(0, ...sayings.recorded.keys()) + 1;
    return { ...shared, firstStep, endStep: firstStep + steps, shutdownMs };
  };

  for (let kill = 0; kill < KILLS; kill++) {
    await misbehave(sink, random);
    // One in eight dies while it starts.
    const killAfterMs = random() < 0.125 ? -400 * random() : 1 + 250 * random();
    await live({ options: optionsOf(1_000_000, 0), killAfterMs }, sayings);
  }
  await sink.comeUp();
  sink.behaviour = 'accept';
  assert.equal(await live({ options: optionsOf(3, 60_000) }, sayings), 0);

  assert.ok(sayings.acknowledged.size > KILLS / 2);
  const arrived = arrivedOf(sink.exports);
  const missing = check(arrived, sayings);
  t.diagnostic(
    `${KILLS} kills, ${sayings.recorded.size} steps, ${sayings.acknowledged.size} acknowledged, ${missing} of them dropped and said so, ` +
      `${arrived.batches.length} batches, ${arrived.duplicates} more that came again`,
  );
  return { ...arrived, missing };
}

describe('a push that is killed again and again', () => {
  it('delivers all that it had acknowledged, oldest first', { timeout: 3_600_000 }, async (t) => {
    const { batches, missing } = await oracle(t, { order: 'oldest_first', queueBytesMax: 1e8 });
    assert.equal(missing, 0);
    const times = batches.map(({ timeMs }) => timeMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('delivers all that it had acknowledged, newest first', { timeout: 3_600_000 }, async (t) => {
    const { missing } = await oracle(t, { order: 'newest_first', queueBytesMax: 1e8 });
    assert.equal(missing, 0);
  });

  it('says what it has dropped, where the queue is too small', { timeout: 3_600_000 }, async (t) => {
    const { missing } = await oracle(t, { order: 'oldest_first', queueBytesMax: 40_000 });
    assert.ok(missing > 0, 'the queue was never full');
  });
});
