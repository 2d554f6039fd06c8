import { isMainThread, workerData } from 'node:worker_threads';
import type { QueueOptions } from '../../../src/push/queue/queue.ts';
import { exhaust } from './choices.ts';
import { Ledger } from './ledger.ts';
import { type Life, openOn, revive } from './life.ts';
import { copyDisk, createCut, createDisk, type Cut, cutPower, type Disk } from './simulated-disk.ts';
import { type Hooks, writes } from './simulated-file-system.ts';

// A worker of power-cuts.test.ts: outside node:test, which follows every promise, this is five times as fast.

export interface SmallPrograms {
  /** Operations in a program. */
  readonly length: number;
  /** How many things that are out of the ordinary one power cut does. */
  readonly rare: number;
  readonly options: Partial<QueueOptions>;
  /** What the disk has room for. */
  readonly diskBytes: number;
  /** Of which operations; undefined = all. */
  readonly names: readonly string[] | undefined;
  /** Not the power is cut at each call, but each call fails, and the power is cut in the end. */
  readonly fails: boolean;
}

const SMALL = 10;
/** It fills a segment alone. */
const LARGE = 80;

const operations: Record<string, (life: Life) => Promise<unknown>> = {
  'append small': ({ queue, ledger }) => ledger.append(queue, SMALL),
  'append large': ({ queue, ledger }) => ledger.append(queue, LARGE),
  'append two': ({ queue, ledger }) => Promise.all([ledger.append(queue, SMALL), ledger.append(queue, SMALL)]),
  'remove oldest': ({ queue, ledger }) => ledger.remove(queue),
  'remove newest': ({ queue, ledger }) => ledger.remove(queue, queue.end - 1),
  reopen: async (life) => {
    await life.queue.close();
    life.queue = await openOn(life);
  },
};

/** The disk and what is promised, at a moment when the power may go. */
interface Moment {
  readonly disk: Disk;
  readonly ledger: Ledger;
  readonly when: string;
}

if (!isMainThread) {
  const { length, rare, options, diskBytes, names = Object.keys(operations), fails } = workerData as SmallPrograms;
  for (const program of programs(length, names)) {
    for await (const moment of (fails ? failEverywhere : cutEverywhere)(program, options, () => diskBytes)) {
      await exhaust((choose) => survive(moment, createCut(choose, rare), options)).catch((cause: unknown) => {
        throw new Error(`${program.join(', ')}: cut ${moment.when}`, { cause });
      });
    }
  }
}

/** The moments of the last operation when a power cut may leave something else than before: shorter programs have those of the others. */
async function* cutEverywhere(
  program: readonly string[],
  options: Partial<QueueOptions>,
  bytesMax: () => number,
): AsyncGenerator<Moment> {
  const moments: Moment[] = [];
  const disk = createDisk();
  const ledger = new Ledger();
  let seen = '';
  const record = (when: string, isLast: boolean): undefined => {
    const state = `${describeDisk(disk)} ${ledger.due}`;
    if (isLast && state !== seen) moments.push({ disk: copyDisk(disk), ledger: ledger.copy(), when });
    seen = state;
  };
  let isLast = false;
  const hooks: Hooks = { before: (call) => record(`before ${call}`, isLast), bytesMax };
  await run(program, { disk, ledger, options, hooks }, (index) => (isLast = index === program.length - 1));
  record('after all', true);
  yield* moments;
}

/** The ends of the program when its first call fails, when its second call fails, and so on. */
async function* failEverywhere(
  program: readonly string[],
  options: Partial<QueueOptions>,
  bytesMax: () => number,
): AsyncGenerator<Moment> {
  for (let failing = 1; ; failing += 1) {
    const disk = createDisk();
    const ledger = new Ledger();
    let calls = 0;
    let failed = '';
    const fail: Hooks['fail'] = (call) => {
      // One that is written is not to be missing since it could not be read.
      if (!writes(call)) return undefined;
      calls += 1;
      if (calls === failing) failed = call;
      return calls === failing ? 'EIO' : undefined;
    };
    await run(program, { disk, ledger, options, hooks: { fail, bytesMax } });
    if (failed === '') return;
    yield { disk, ledger, when: `after ${failed} failed, the ${failing}. call` };
  }
}

async function run(
  program: readonly string[],
  parts: Omit<Life, 'queue'>,
  onStep: (index: number) => unknown = () => undefined,
): Promise<void> {
  const life: Life = { ...parts, queue: await openOn(parts) };
  for (const [index, name] of program.entries()) {
    onStep(index);
    await operations[name]?.(life);
  }
}

/** The power is cut, and a second time after the queue was opened again and appended to. */
async function survive({ disk, ledger }: Moment, cut: Cut, options: Partial<QueueOptions>): Promise<void> {
  const first = await revive({ disk: cutPower(disk, cut), ledger: ledger.copy(), options }, { durable: true });
  await first.ledger.append(first.queue, SMALL);
  await first.ledger.check(first.queue);
  const nothing = createCut(() => 0, 0);
  const second = await revive({ ...first, disk: cutPower(first.disk, nothing) }, { durable: true });
  await second.queue.close();
}

function* programs(length: number, names: readonly string[]): Generator<string[]> {
  if (length === 0) yield [];
  else for (const shorter of programs(length - 1, names)) for (const name of names) yield [...shorter, name];
}

/** Differs where a power cut may leave something else. */
function describeDisk({ names, durableNames, nameChanges }: Disk): string {
  const describeNames = (these: typeof names) =>
    [...these].map(([path, { data, changes }]) => `${path} ${data.length} ${changes.length}`);
  return JSON.stringify([describeNames(names), describeNames(durableNames), nameChanges.length]);
}
