import type { Case, Cases, HeapCase, Sample, TimedCase } from './case.ts';
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

/** `node --expose-gc child.ts MODULE CASE [quick]`: measures one of a module's `cases` and writes the `Sample` as JSON. */
const [url = '', name = '', pace] = process.argv.slice(2);
const { cases } = (await import(url)) as { cases: Cases };
const create = cases[name];
if (create === undefined) throw new Error(`${url} has no case ${name}`);
process.stdout.write(JSON.stringify(await measure(create(), pace === 'quick' ? QUICK : FULL)));

async function measure(subject: Case, pace: Pace): Promise<Sample> {
  if ('build' in subject) return measureHeap(subject);
  if (subject.prepare === undefined) {
    const { cpuMs, wallMs } = await measureTime(subject, await warmUp(subject, pace), pace);
    return { ns: cpuMs * 1e6, wall_ns: wallMs * 1e6 };
  }
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

/** Per operation, medians over the blocks. The loop around the operations is not subtracted, from whoever's time. */
async function measureTime(subject: TimedCase, operations: number, { blocks }: Pace) {
  const cpuMs: number[] = [];
  const wallMs: number[] = [];
  for (let block = 0; block < blocks; block++) {
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

/** With what typed arrays hold outside of the heap. */
function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
