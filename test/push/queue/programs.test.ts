import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Batch } from '../../../src/push/batch.ts';
import type { QueueDrop, QueueOptions } from '../../../src/push/queue/queue.ts';
import { assertSame, createBatch, kinds, open, type Opened, runs } from './queues.ts';

/** Steps of a random program. Numbers choose among what there is at that moment. */
type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'remove'; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'reopen' };

const appends = fc.record({
  kind: fc.constant('append' as const),
  sizes: fc.array(fc.oneof(fc.nat(40), fc.nat(700)), { minLength: 1, maxLength: 5 }),
});
const removals = fc.record({ kind: fc.constant('remove' as const), which: fc.oneof(fc.constant(0), fc.nat(20)) });
const waits = fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40) });
const reopenings = fc.constant({ kind: 'reopen' as const });

const limits = fc.record({
  bytesMax: fc.integer({ min: 1000, max: 8000 }),
  batchesMax: fc.integer({ min: 1, max: 60 }),
  maxAgeMs: fc.option(fc.integer({ min: 10, max: 200 }), { nil: undefined }),
  fsync: fc.constantFrom('never' as const, 'every_second' as const),
});
const segments = fc.option(fc.integer({ min: 50, max: 2000 }), { nil: undefined });

describe('random programs do what the model says', () => {
  for (const [kind, makeDirectory] of Object.entries(kinds)) {
    const steps: fc.Arbitrary<Step>[] = [appends, removals, removals, waits];
    if (kind === 'on disk') steps.push(reopenings);
    it(kind, async (t) => {
      const property = fc.asyncProperty(
        limits,
        segments,
        fc.array(fc.oneof(...steps), { maxLength: 60 }),
        async (options, segmentBytes, program) => {
          await runProgram({ ...options, directory: await makeDirectory(t) }, segmentBytes, program);
        },
      );
      await fc.assert(property, { numRuns: runs(kind === 'on disk' ? 60 : 200) });
    });
  }
});

async function runProgram(
  options: Partial<QueueOptions>,
  segmentBytes: number | undefined,
  program: readonly Step[],
): Promise<void> {
  const model = new Model(options);
  const reopen = async (): Promise<Opened> => {
    const opened = await open(
      { ...options, onDrop: (drop) => model.drop(drop) },
      { segmentBytes, nowMs: () => model.nowMs },
    );
    assert.deepEqual(opened.faults, []);
    return opened;
  };
  let { queue } = await reopen();
  try {
    for (const step of program) {
      if (step.kind === 'reopen') {
        await queue.close();
        ({ queue } = await reopen());
      } else await runStep(step, queue, model);
      model.check(queue);
    }
    await model.walk(queue, Infinity);
  } finally {
    await queue.close();
  }
}

async function runStep(step: Exclude<Step, { kind: 'reopen' }>, queue: Opened['queue'], model: Model): Promise<void> {
  switch (step.kind) {
    case 'append':
      await Promise.all(step.sizes.map((bytes) => queue.append(model.append(bytes))));
      break;
    case 'remove': {
      const entries = await model.walk(queue, step.which + 1);
      const last = entries.at(-1);
      if (last === undefined) break;
      model.remove(entries.length - 1);
      assert.equal(await queue.remove(last.number), true);
      assert.equal(queue.has(last.number), false);
      break;
    }
    case 'wait':
      model.nowMs += step.ms;
  }
}

/** What waits, in its order. It follows what is reported, of which it is sure that only the oldest may go, and not without need. */
class Model {
  readonly #options: Partial<QueueOptions>;
  readonly #waiting: Batch[] = [];
  #appended = 0;
  nowMs = 1000;

  constructor(options: Partial<QueueOptions>) {
    this.#options = options;
  }

  append(bytes: number): Batch {
    this.#appended++;
    const batch = createBatch(this.nowMs, { bytes, points: this.#appended });
    this.#waiting.push(batch);
    return batch;
  }

  remove(index: number): void {
    this.#waiting.splice(index, 1);
  }

  drop({ reason, ...drop }: QueueDrop): void {
    const gone = this.#waiting.splice(0, drop.batches);
    assert.deepEqual(drop, {
      batches: gone.length,
      points: gone.reduce((sum, { points }) => sum + points, 0),
      bytes: gone.reduce((sum, { payload }) => sum + payload.length, 0),
      fromMs: gone[0]?.timeMs,
      toMs: gone.at(-1)?.timeMs,
    });
    if (reason === 'expired') assert.ok(this.#isExpired(drop.toMs));
    else if (reason === 'shutdown') assert.deepEqual([this.#options.directory, this.#waiting], [undefined, []]);
    else assert.equal(reason, 'queue_full');
  }

  /** Reads up to so many, which are the oldest. */
  async walk(queue: Opened['queue'], count: number) {
    const entries = [];
    for (let from = 0; entries.length < count;) {
      const entry = await queue.read(from);
      const expected = this.#waiting[entries.length];
      if (expected === undefined) {
        assert.equal(entry, undefined);
        break;
      }
      assertSame(entry, expected);
      assert.ok(!this.#isExpired(entry.batch.timeMs));
      assert.equal(queue.has(entry.number), true);
      entries.push(entry);
      from = entry.number + 1;
    }
    return entries;
  }

  check(queue: Opened['queue']): void {
    const { directory, bytesMax = 0, batchesMax = 0 } = this.#options;
    const { bytes, ...stats } = queue.stats();
    const batches = this.#waiting.length;
    assert.deepEqual(stats, {
      batches,
      points: this.#waiting.reduce((sum, { points }) => sum + points, 0),
      batchesInMemory: directory === undefined ? batches : 0,
      oldestMs: this.#waiting[0]?.timeMs,
    });
    assert.ok(bytes <= bytesMax && batches <= batchesMax);
    assert.ok(bytes >= this.#waiting.reduce((sum, { payload }) => sum + payload.length, 0));
  }

  #isExpired(timeMs: number): boolean {
    return this.nowMs - timeMs > (this.#options.maxAgeMs ?? Infinity);
  }
}
