import { isMainThread, workerData } from 'node:worker_threads';
import type { QueueOptions } from '../../../src/push/queue/queue.ts';
import { type Choose, createRandom } from './choices.ts';
import { Ledger } from './ledger.ts';
import { type Life, openOn, revive } from './life.ts';
import { copyDisk, createCut, createDisk, cutPower, type Disk } from './simulated-disk.ts';
import { type Hooks, writes } from './simulated-file-system.ts';

// A worker of power-cuts.test.ts, as small-programs.ts is.

export interface LongPrograms {
  readonly seeds: number;
  /** The power is cut, too; else the process is killed, and what it has written stays. */
  readonly cuts: boolean;
  /** Calls fail now and then, and the disk is full now and then. `writes`: only those that write. */
  readonly fails: 'nothing' | 'writes' | 'everything';
  readonly options: Partial<QueueOptions>;
  /** What the disk has room for, while it does not fail. */
  readonly diskBytes: number;
}

const LIVES = 5;

if (!isMainThread) {
  const programs = workerData as LongPrograms;
  for (let seed = 1; seed <= programs.seeds; seed += 1) {
    await run(programs, createRandom(seed)).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
  }
}

async function run({ cuts, fails, options, diskBytes }: LongPrograms, random: Choose): Promise<void> {
  const ledger = new Ledger();
  let disk = createDisk();
  const removed: Uint8Array[] = [];
  for (let lives = 0; lives < LIVES; lives += 1) {
    disk = await live({ disk, ledger, options }, { fails, diskBytes, random, removed });
    const durable = cuts && random(4) > 0;
    if (durable)
      disk = cutPower(
        disk,
        createCut(random, Infinity, () => removed[random(removed.length)]),
      );
    const { queue } = await revive({ disk, ledger, options }, { durable });
    await queue.close();
  }
}

/** @returns the disk as it is when the life ends, suddenly, before a call, or after all. */
async function live(
  { disk, ledger, options }: Omit<Life, 'queue'>,
  {
    fails,
    diskBytes,
    random,
    removed,
  }: Pick<LongPrograms, 'fails' | 'diskBytes'> & { readonly random: Choose; readonly removed: Uint8Array[] },
): Promise<Disk> {
  const ended = Promise.withResolvers<Disk>();
  let callsLeft = 20 + random(200);
  const hooks: Hooks = {
    before: async (call, path) => {
      if (call === 'remove') removed.push(disk.names.get(path)?.data ?? new Uint8Array());
      callsLeft -= 1;
      // What is on its way to the disk or back arrives before.
      if (callsLeft === 0) setImmediate(() => ended.resolve(copyDisk(disk)));
      for (let turns = random(4); turns > 0; turns -= 1) await Promise.resolve();
      if (callsLeft <= 0) await new Promise(() => undefined);
    },
    fail: (call) => {
      if (fails === 'nothing' || call === 'close' || random(20) > 0) return undefined;
      if (writes(call)) return 'EIO';
      // Nothing that is written is given up for this one.
      return fails === 'everything' ? 'EMFILE' : undefined;
    },
    bytesMax: () => (fails !== 'nothing' && random(10) === 0 ? 600 : diskBytes),
  };
  const queue = openOn({ disk, ledger, options, hooks });
  return Promise.race([
    ended.promise,
    queue.then((opened) => useUp(opened, ledger, random)).then(() => copyDisk(disk)),
  ]);
}

async function useUp(queue: Awaited<ReturnType<typeof openOn>>, ledger: Ledger, random: Choose): Promise<void> {
  const appends: Promise<unknown>[] = [];
  for (let steps = 10 + random(60); steps > 0; steps -= 1) {
    const operation = random(8);
    if (operation < 4) appends.push(ledger.append(queue, random(3) === 0 ? random(200) : random(20)));
    else if (operation < 6) await ledger.remove(queue);
    else if (operation < 7) await ledger.remove(queue, queue.end - random(5));
    else await Promise.all(appends);
  }
  await Promise.all(appends);
  if (random(2) === 0) await queue.close();
}
