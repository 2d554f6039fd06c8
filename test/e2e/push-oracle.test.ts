import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { arrivedOf, assertArrived, assertOldestFirst, type Arrived, type Fate } from './push-oracle/arrived.ts';
import { liveAndDie, liveOut } from './push-oracle/lives.ts';
import { nothingSaid, type RecorderOptions, type Sayings } from './push-oracle/protocol.ts';
import { createRandom } from './push-oracle/random.ts';
import { mountSmallDisk, skipWithoutMount } from './push-oracle/small-disk.ts';

/*
 * A gateway's push is killed with SIGKILL at random moments, over and over, while its receiver goes down, comes up, refuses and loses its
 * answers, and while its queue or its disk is full. What the process had said to be kept must be at the receiver in the end, exactly as it
 * was recorded: whatever comes twice is a whole batch, byte for byte. METERGATE_LONG=1 kills more than 1,000 times in place of 30, over the
 * scenarios; METERGATE_SEED repeats a run.
 */

const IS_LONG = process.env.METERGATE_LONG === '1';
const SEED = Number(process.env.METERGATE_SEED ?? Date.now() % 2 ** 31);

interface Scenario {
  readonly kills: number;
  readonly order: RecorderOptions['order'];
  readonly queueBytesMax: number;
  /** Said when something is full, as it is at first, with no receiver; not given = nothing ever is. */
  readonly full?: RegExp;
  /** How often the receiver is down. */
  readonly downShare: number;
  /** What a life must have said before it is killed, and how much longer it has at most. */
  readonly since: RegExp;
  readonly lifeMsMax: number;
  readonly flushMs: number;
  /** Of the file system of the queue; not given = as large as it is. */
  readonly diskBytes?: number;
}

const usual: Scenario = {
  kills: IS_LONG ? 335 : 9,
  order: 'oldest_first',
  queueBytesMax: 1e8,
  downShare: 0.3,
  since: /^started$/m,
  lifeMsMax: 250,
  flushMs: 1_000,
};

const fullDisk: Scenario = {
  ...usual,
  kills: IS_LONG ? 60 : 2,
  full: /^fault /m,
  downShare: 0.8,
  since: /^(acknowledged|fault) /m,
  lifeMsMax: 700,
  flushMs: 250,
  diskBytes: 64 * 1024,
};

function misbehave(sink: OtlpSink, random: () => number, downShare: number): Promise<void> {
  const luck = random();
  sink.behaviour = luck < 0.2 ? 'refuse' : luck < 0.45 ? (n) => (n % 3 === 0 ? 'lose_answer' : 'accept') : 'accept';
  return random() < downShare ? sink.goDown() : sink.comeUp();
}

interface End extends Fate {
  readonly arrived: Arrived;
  readonly sayings: Sayings;
}

/** @returns undefined where the disk that it takes cannot be had. */
async function play(t: TestContext, scenario: Scenario): Promise<End | undefined> {
  const { kills, full, downShare, since, lifeMsMax, flushMs, order, queueBytesMax, diskBytes } = scenario;
  t.diagnostic(`METERGATE_SEED=${SEED}`);
  const random = createRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), 'metergate-oracle-'));
  const disk = join(folder, 'disk');
  if (diskBytes !== undefined && !(await mountSmallDisk(t, disk, diskBytes))) {
    await rm(folder, { recursive: true });
    return undefined;
  }
  t.after(() => rm(folder, { recursive: true, force: true }));
  const sink = await startOtlpSink();
  t.after(() => sink.close());
  const sayings = nothingSaid();
  const person = {
    endpoint: sink.url,
    protocol: 'grpc',
    temporality: 'delta',
    directory: join(disk, 'queue'),
    batchBytesMax: 3_000,
    order,
    queueBytesMax,
    flushMs,
  } as const;

  if (full !== undefined) {
    await sink.goDown();
    await liveAndDie(person, { afterMs: 700, since: full }, sayings);
  }
  for (let i = 0; i < kills; i++) {
    await misbehave(sink, random, downShare);
    // One in eight dies while it starts.
    const isEarly = random() < 0.125;
    // On a slow machine a life may be over before it has anything acknowledged; so that not all are, the first one is not.
    const isFirst = i === 0 && full === undefined;
    const begun = { afterMs: lifeMsMax * random(), since: isFirst ? /^acknowledged /m : since };
    const kill = isEarly && !isFirst ? { afterMs: 400 * random() } : begun;
    await liveAndDie(person, kill, sayings);
  }
  await sink.comeUp();
  sink.behaviour = 'accept';
  await liveOut(person, sayings);

  assert.ok(sayings.acknowledged.size > 3, 'only the last life had anything acknowledged');
  const arrived = arrivedOf(
    sink.exports
      .filter(({ accepted }) => accepted)
      .map(({ messageBytes, snapshots }) => ({ bytes: messageBytes, snapshots })),
  );
  const fate = assertArrived(arrived, sayings);
  t.diagnostic(
    `${kills} kills, ${sayings.recorded.size} steps, ${sayings.acknowledged.size} acknowledged, ${fate.dropped} of them dropped and said so, ` +
      `${fate.forgotten} neither acknowledged nor there, ${arrived.batches.length} batches, ${arrived.duplicates} more that came again`,
  );
  return { ...fate, arrived, sayings };
}

describe('a push that is killed again and again', { timeout: 3_600_000, concurrency: 2 }, () => {
  // First, since it is the one that takes longest.
  it('acknowledges only what is on the disk, where that is full', { skip: skipWithoutMount }, async (t) => {
    const end = await play(t, fullDisk);
    if (end === undefined) return t.skip('a tmpfs cannot be mounted here');
    assert.equal(end.dropped, 0);
    assert.ok(
      end.sayings.faults.some((fault) => fault.includes('ENOSPC')),
      'the disk was never full',
    );
    // So there was something that must not be acknowledged.
    assert.ok(end.forgotten > 0, 'all found a place');
    assertOldestFirst(end.arrived);
  });

  for (const order of ['oldest_first', 'newest_first'] as const) {
    it(`delivers all that it had acknowledged (${order})`, async (t) => {
      const end = await play(t, { ...usual, order });
      assert.equal(end?.dropped, 0);
      if (order === 'oldest_first') assertOldestFirst(end.arrived);
    });
  }

  it('says what it has dropped, where the queue is too small', async (t) => {
    const end = await play(t, { ...usual, queueBytesMax: 40_000, full: /^dropped /m });
    assert.ok(end && end.dropped > 0, 'the queue was never full');
    assertOldestFirst(end.arrived);
  });
});
