import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Batch } from '../../../src/push/batch.ts';
import { openQueue } from '../../../src/push/queue/index.ts';
import type { Entry, Queue, QueueDrop, QueueFault, QueueOptions } from '../../../src/push/queue/queue.ts';
import type { QueueParts } from '../../../src/push/queue/segmented-queue.ts';
import { createBackoff } from '../../../src/std/backoff.ts';

/** How often a property is tried: 50 times as often with METERGATE_LONG=1. */
export function runs(often: number): number {
  return process.env.METERGATE_LONG === '1' ? often * 50 : often;
}

/** Where a queue keeps its batches. */
export const kinds = {
  'in memory': () => Promise.resolve(undefined),
  'on disk': makeFolder,
} satisfies Record<string, (context: Pick<TestContext, 'after'>) => Promise<string | undefined>>;

/** A folder, not yet made, that goes with the test. */
export async function makeFolder(context: Pick<TestContext, 'after'>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'metergate-queue-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  return join(root, 'of-one', 'destination');
}

/** A queue, what it has reported, and its clock, which stands still until the test moves it. */
export interface Opened {
  readonly queue: Queue;
  readonly drops: QueueDrop[];
  readonly faults: QueueFault[];
  readonly clock: { nowMs: number };
}

/** Without limits that matter, and without a lock. */
export async function open(options: Partial<QueueOptions> = {}, parts: Partial<QueueParts> = {}): Promise<Opened> {
  const clock = { nowMs: 1_000_000 };
  const drops: QueueDrop[] = [];
  const faults: QueueFault[] = [];
  const queue = await openQueue(
    {
      bytesMax: 10_000_000,
      batchesMax: 10_000,
      fsync: 'never',
      onDrop: (drop) => drops.push(drop),
      onFault: (fault) => faults.push(fault),
      ...options,
    },
    {
      acquireLock: () => Promise.resolve({ release: () => Promise.resolve() }),
      nowMs: () => clock.nowMs,
      createBackoff: () => createBackoff({ now: () => clock.nowMs }),
      // Files are numbered from 1 on.
      randomInt: () => 0,
      ...parts,
    },
  );
  return { queue, drops, faults, clock };
}

/** Its bytes tell which one it is. */
export function createBatch(timeMs: number, { bytes = 100, points = 1 } = {}): Batch {
  return { timeMs, points, payload: Uint8Array.from({ length: bytes }, (_, index) => (timeMs * 31 + index * 7) % 251) };
}

export function assertSame(entry: Entry | undefined, batch: Batch): asserts entry is Entry {
  assert.ok(entry, `there is no batch of ${batch.timeMs}`);
  assert.equal(entry.batch.timeMs, batch.timeMs);
  assert.equal(entry.batch.points, batch.points);
  assert.ok(Buffer.from(entry.batch.payload).equals(batch.payload), `the batch of ${batch.timeMs} has other bytes`);
}

/** All that can be read, in its order, without removing it. */
export async function readAll(queue: Queue, from = 0, to?: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next = from; ;) {
    const entry = await queue.read(next, to);
    if (entry === undefined) return entries;
    assert.ok(entry.number >= next, `asked from ${next} on, and got ${entry.number}`);
    entries.push(entry);
    next = entry.number + 1;
  }
}

export async function readTimes(queue: Queue, from?: number, to?: number): Promise<number[]> {
  return (await readAll(queue, from, to)).map(({ batch }) => batch.timeMs);
}

/** @returns the times of the batches, which are gone then. */
export async function drain(queue: Queue): Promise<number[]> {
  const times: number[] = [];
  for (let entry = await queue.read(0); entry !== undefined; entry = await queue.read(0)) {
    times.push(entry.batch.timeMs);
    assert.equal(await queue.remove(entry.number), true);
  }
  return times;
}

export function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}
