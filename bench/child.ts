import type { Case, Cases, HeapCase, Sample, TimedCase } from './case.ts';
import { heldBytes } from './held-bytes.ts';
import { medianOf } from './median.ts';

const OPERATIONS_MIN = 100;

interface Pace {
  /** Enough for the optimising compiler to be done with every case there is. */
  readonly warmUpMs: number;
  readonly blockMs: number;
  readonly blocks: number;
}

const FULL: Pace = { warmUpMs: 80, blockMs: 10, blocks: 5 };
const QUICK: Pace = { warmUpMs: 1, blockMs: 1, blocks: 1 };

/** Blocks of one long operation are fewer when they take longer than this. */
const BLOCKS_MS = 800;
const BLOCKS_MIN = 3;
const WARM_UPS_MIN = 2;

/** `node --expose-gc child.ts MODULE CASE [quick]`: measures one of a module's `cases` and writes the `Sample` as JSON. */
const [url = '', name = '', asked] = process.argv.slice(2);
const { cases } = (await import(url)) as { cases: Cases };
const create = cases[name];
if (create === undefined) throw new Error(`${url} has no case ${name}`);
const quick = asked === 'quick';
process.stdout.write(JSON.stringify(await measure(create({ quick }), quick ? QUICK : FULL)));

async function measure(subject: Case, pace: Pace): Promise<Sample> {
  if ('build' in subject) return measureHeap(subject);
  if ('probe' in subject) return subject.probe();
  return { ...(await measureTimed(subject, pace)), ...(await subject.findings?.()) };
}

async function measureTimed(subject: TimedCase, pace: Pace): Promise<Sample> {
  if (subject.prepare === undefined) {
    const { cpuMs, wallMs } = await measureTime(subject, await warmUp(subject, pace), pace);
    return { ns: cpuMs * 1e6, wall_ns: wallMs * 1e6 };
  }
  if (pace === FULL) await warmUpLong(subject);
  const { cpuMs, wallMs } = await measureTime(subject, 1, pace);
  return { ms: cpuMs, wall_ms: wallMs };
}

/** @returns the operations of a block. */
async function warmUp(subject: TimedCase, { warmUpMs, blockMs }: Pace): Promise<number> {
  const startMs = performance.now();
  let operations = OPERATIONS_MIN;
  for (;;) {
    const beginMs = performance.now();
    operations = await subject.run(operations);
    const endMs = performance.now();
    if (endMs - beginMs < blockMs) operations *= 2;
    else if (endMs - startMs >= warmUpMs) return operations;
  }
}

async function warmUpLong(subject: TimedCase): Promise<void> {
  const { warmUpMs = 0 } = subject;
  const startMs = performance.now();
  for (let done = 0; warmUpMs > 0 && (done < WARM_UPS_MIN || performance.now() - startMs < warmUpMs); done++) {
    subject.prepare?.();
    await subject.run(1);
  }
}

/** Per operation, medians over the blocks. The loop around the operations is not subtracted, from whoever's time. */
async function measureTime(subject: TimedCase, operations: number, { blocks }: Pace) {
  const cpuMs: number[] = [];
  const wallMs: number[] = [];
  const startMs = performance.now();
  const isLate = (): boolean => performance.now() - startMs > BLOCKS_MS;
  for (let block = 0; block < blocks && !(block >= BLOCKS_MIN && isLate()); block++) {
    subject.prepare?.();
    const cpu = process.cpuUsage();
    const beginMs = performance.now();
    const done = await subject.run(operations);
    const endMs = performance.now();
    // Of all threads: the collector's helpers work for who makes garbage.
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1e3 / done);
    wallMs.push((endMs - beginMs) / done);
  }
  return { cpuMs: medianOf(cpuMs), wallMs: medianOf(wallMs) };
}

function measureHeap(subject: HeapCase): Sample {
  const before = heldBytes();
  const held = subject.build();
  const bytes = (heldBytes() - before) / subject.series;
  // Looked at afterwards, so that it is held until then.
  if (held === undefined) throw new Error('nothing is held');
  return { bytes };
}
