import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchOptions, Report } from '../bench.ts';
import { medianOf } from '../median.ts';
import { startServer } from '../server-process.ts';
import { createDiskFolder } from './disk-folder.ts';

type Contender = 'dd' | 'native';

const BATCH_BYTES = 1 << 20;
const BATCHES = 64;
const BATCHES_QUICK = 4;
const ROUNDS = 10;
const ROUNDS_MIN = 3;
/** For all rounds, but for the few that there are in any case, however slow the disk is. */
const BUDGET_MS = 6_000;

/**
 * Writes batches of 1 MiB, each of them safe before the next, in turns with dd, which writes the same into the same folder. Their time is that
 * of the wall: it is the disk's.
 */
export async function measureQueueWrites({ quick, deadlineMs, progress }: BenchOptions): Promise<Report> {
  const batches = quick ? BATCHES_QUICK : BATCHES;
  const folder = createDiskFolder();
  // Of a content that no disk can make less of.
  const content = join(folder, 'content');
  writeFileSync(content, randomFillSync(new Uint8Array(batches * BATCH_BYTES)));
  const server = await startServer({
    name: 'queue',
    script: new URL('queue-process.ts', import.meta.url),
    args: [join(folder, 'queue'), content, String(BATCH_BYTES)],
  });
  const turns: Readonly<Record<Contender, () => Promise<number>>> = {
    dd: () => Promise.resolve(ddMs(content, join(folder, 'dd'))),
    native: async () => (await server.ask('append')) as number,
  };
  progress(`the queue and dd in turns, ${batches} MiB each`);
  const endMs = Math.min(deadlineMs, performance.now() + BUDGET_MS);
  const rounds: Readonly<Record<Contender, number>>[] = [];
  while (rounds.length < (quick ? 1 : ROUNDS) && (rounds.length < ROUNDS_MIN || performance.now() < endMs)) {
    const taken = { dd: NaN, native: NaN };
    // Turned around each time.
    for (const name of rounds.length % 2 === 0 ? (['dd', 'native'] as const) : (['native', 'dd'] as const)) {
      syncFolder(folder);
      taken[name] = await turns[name]();
    }
    rounds.push(taken);
  }
  server.stop();
  return {
    // Within each round, so that a disk that is slow for a while is slow for both.
    ratios: { queue_write_vs_dd: medianOf(rounds.map(({ dd, native }) => dd / native)) },
    figures: {
      queue_write_native_mib_per_s: medianOf(rounds.map(({ native }) => 1e3 / native)),
      queue_write_dd_mib_per_s: medianOf(rounds.map(({ dd }) => 1e3 / dd)),
    },
  };
}

/** @returns for one block; by its own clock, without its start. */
function ddMs(from: string, to: string): number {
  const args = [`if=${from}`, `of=${to}`, `bs=${BATCH_BYTES}`, 'oflag=dsync'];
  const { stderr, error } = spawnSync('dd', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const [, blocks, seconds] = /^(\d+)\+0 records out\n.* copied, ([\d.e-]+) s, /m.exec(stderr) ?? [];
  if (seconds === undefined) throw new Error(`dd could not be measured: ${stderr}`, { cause: error });
  rmSync(to);
  return (Number(seconds) * 1e3) / Number(blocks);
}

/** So that what one has removed is not the next one's work. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
