import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Batch } from '../../src/push/batch.ts';
import { createLanes, type Lanes } from '../../src/push/lanes.ts';
import { openQueue } from '../../src/push/queue/index.ts';
import type { Queue, QueueDrop } from '../../src/push/queue/queue.ts';
import type { Tally } from '../../src/push/sender.ts';
import type { SendOutcome } from '../../src/push/transports/transport.ts';
import { until } from '../support/until.ts';
import { batchOf, valuesOf } from './batches.ts';

const SENT: SendOutcome = { status: 'sent', rejectedPoints: 0, message: '' };
const LATER: SendOutcome = { status: 'retryable', code: 'UNAVAILABLE', message: 'later' };
const REFUSED: SendOutcome = { status: 'permanent', code: 'INVALID_ARGUMENT', message: 'no' };
const TOO_LARGE: SendOutcome = { status: 'too_large', code: 'RESOURCE_EXHAUSTED', message: 'larger than max' };

interface Bench {
  readonly queue: Queue;
  readonly lanes: Lanes;
  /** The values of every attempt, in order. */
  readonly attempts: readonly (readonly number[])[];
  readonly settled: readonly (Tally & { values: number[] })[];
  readonly drops: readonly QueueDrop[];
  /** Of the next attempts, one after the other; then everything is sent. */
  answer(...outcomes: readonly SendOutcome[]): void;
  append(...batches: readonly Batch[]): Promise<void>;
}

interface BenchOptions {
  readonly order?: 'oldest_first' | 'newest_first';
  readonly exportsMax?: number;
  readonly bytesMax?: number;
  readonly retry?: { readonly initialIntervalMs: number; readonly maxIntervalMs: number };
  /** What to say to a batch, before `answer`. */
  readonly send?: (values: readonly number[], batch: Batch) => SendOutcome | Promise<SendOutcome> | undefined;
}

/** Lanes over a real queue in memory; the receiver says what the test wants. */
async function benchOf(
  t: TestContext,
  {
    order = 'oldest_first',
    exportsMax = 1,
    bytesMax = 1e7,
    retry = { initialIntervalMs: 1, maxIntervalMs: 4 },
    send,
  }: BenchOptions = {},
): Promise<Bench> {
  const drops: QueueDrop[] = [];
  const queue = await openQueue({
    bytesMax,
    batchesMax: 1e5,
    fsync: 'never',
    onDrop: (drop) => void drops.push(drop),
    onFault: ({ message }) => assert.fail(message),
  });
  const attempts: number[][] = [];
  const settled: (Tally & { values: number[] })[] = [];
  const script: SendOutcome[] = [];
  const lanes = createLanes({
    queue,
    order,
    exportsMax,
    retry,
    attempt: async (batch) => {
      const values = valuesOf(batch);
      attempts.push(values);
      await setImmediate();
      return (await send?.(values, batch)) ?? script.shift() ?? SENT;
    },
    settled: (batch, tally) => void settled.push({ ...tally, values: valuesOf(batch) }),
  });
  t.after(async () => {
    await lanes.stop(() => true);
    await queue.close();
  });
  return {
    queue,
    lanes,
    attempts,
    settled,
    drops,
    answer: (...outcomes) => void script.push(...outcomes),
    append: async (...batches) => {
      for (const batch of batches) {
        await queue.append(batch);
        lanes.wake();
      }
    },
  };
}

const isEmpty = ({ queue }: Bench) => until('the queue is empty', () => queue.stats().batches === 0);

describe('a lane', () => {
  it('sends what was there, and then what comes, in order', async (t) => {
    const bench = await benchOf(t);
    await bench.append(batchOf(1, [1]), batchOf(2, [2]));
    bench.lanes.start();
    await isEmpty(bench);
    await bench.append(batchOf(3, [3]));
    await isEmpty(bench);
    assert.deepEqual(bench.attempts, [[1], [2], [3]]);
    assert.deepEqual(
      bench.settled.map(({ sent }) => sent),
      [1, 1, 1],
    );
  });

  it('tries a batch again until it is sent; the next ones wait behind it', async (t) => {
    const bench = await benchOf(t);
    bench.answer(LATER, LATER, LATER);
    bench.lanes.start();
    await bench.append(batchOf(1, [1]), batchOf(2, [2]));
    await isEmpty(bench);
    assert.deepEqual(bench.attempts, [[1], [1], [1], [1], [2]]);
  });

  it('goes on after what is refused for good, or in part, and says so', async (t) => {
    const bench = await benchOf(t);
    bench.answer(REFUSED, { status: 'sent', rejectedPoints: 2, message: 'two are bad' });
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 1]), batchOf(2, [2, 2, 2]), batchOf(3, [3]));
    await isEmpty(bench);
    assert.partialDeepStrictEqual(bench.settled, [
      { sent: 0, rejected: 2, failure: { code: 'INVALID_ARGUMENT' } },
      { sent: 1, partial: 2, failure: { message: 'two are bad' } },
      { sent: 1, partial: 0, rejected: 0, failure: undefined },
    ]);
  });

  it('takes no more for rejected than there was', async (t) => {
    const bench = await benchOf(t);
    bench.answer({ status: 'sent', rejectedPoints: 1e9, message: '' });
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 1]));
    await isEmpty(bench);
    assert.partialDeepStrictEqual(bench.settled, [{ sent: 0, partial: 2 }]);
  });

  it('lets go of what the queue has dropped meanwhile, without counting it again', async (t) => {
    const bench = await benchOf(t, { bytesMax: 2_000, send: ([value]) => (value === 1 ? LATER : SENT) });
    bench.lanes.start();
    await bench.append(batchOf(1, [1]));
    await until('it was tried', () => bench.attempts.length > 1);
    for (let i = 2; i < 40; i++) await bench.append(batchOf(i, [i]));
    await isEmpty(bench);
    const dropped = bench.drops.reduce((sum, { points }) => sum + points, 0);
    const sent = bench.settled.reduce((sum, tally) => sum + tally.sent, 0);
    assert.ok(dropped > 0);
    assert.equal(dropped + sent, 39);
  });
});

it('what cannot be read just now is read soon, though nothing else comes', async (t) => {
  const bench = await benchOf(t);
  const { queue } = bench;
  const read = queue.read.bind(queue);
  let reads = 0;
  queue.read = (from, to) => (++reads === 1 ? Promise.resolve(undefined) : read(from, to));
  await queue.append(batchOf(1, [1]));
  bench.lanes.start();
  await isEmpty(bench);
  assert.deepEqual(bench.attempts, [[1]]);
});

describe('a batch that is too large', () => {
  const upTo =
    (pointsMax: number) =>
    (values: readonly number[]): SendOutcome =>
      values.length > pointsMax ? TOO_LARGE : SENT;

  it('is sent in halves, and halves of halves, in order', async (t) => {
    const bench = await benchOf(t, { send: upTo(2) });
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 2, 3, 4, 5, 6, 7, 8]));
    await isEmpty(bench);
    const taken = bench.attempts.filter(({ length }) => length <= 2);
    assert.deepEqual(taken.flat(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.partialDeepStrictEqual(bench.settled, [{ sent: 8, tooLarge: 0 }]);
  });

  it('is not tried whole a second time', async (t) => {
    const bench = await benchOf(t, { send: upTo(150) });
    const values = (value: number): number[] => Array<number>(200).fill(value);
    bench.lanes.start();
    await bench.append(batchOf(1, values(1)), batchOf(2, values(2)));
    await isEmpty(bench);
    const [whole, ...pieces] = bench.attempts;
    assert.deepEqual(whole, values(1));
    assert.ok(pieces.every(({ length }) => length <= 150));
    assert.deepEqual(pieces.flat(), [...values(1), ...values(2)]);
  });

  it('is given up at the first small point, and teaches nothing, where the receiver calls everything too large', async (t) => {
    const bench = await benchOf(t);
    bench.answer(TOO_LARGE, TOO_LARGE);
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 2]), batchOf(2, [3, 4]));
    await isEmpty(bench);
    assert.deepEqual(bench.attempts, [[1, 2], [1], [3, 4]]);
    assert.partialDeepStrictEqual(bench.settled, [{ tooLarge: 2, sent: 0 }, { sent: 2 }]);
  });
});

describe('an attempt that fails', () => {
  it('is one failure with all others of that moment: the wait does not grow with their number', async (t) => {
    const bench = await benchOf(t, { exportsMax: 16, retry: { initialIntervalMs: 1, maxIntervalMs: 3_600_000 } });
    bench.answer(...Array.from({ length: 16 }, () => LATER));
    bench.lanes.start();
    // The 16th of them alone would wait for half a minute.
    await bench.append(...Array.from({ length: 16 }, (_, i) => batchOf(1, [i])));
    await isEmpty(bench);
    assert.ok(bench.attempts.length >= 17);
  });

  for (const order of ['oldest_first', 'newest_first'] as const) {
    it(`is not repeated before the receiver wants it, unless it is told to: ${order}`, async (t) => {
      const bench = await benchOf(t, { order });
      bench.answer({ ...LATER, retryAfterMs: 3_600_000 });
      bench.lanes.start();
      await bench.append(batchOf(1, [1]));
      await until('it was tried', () => bench.attempts.length === 1);
      for (let i = 2; i < 10; i++) await bench.append(batchOf(i, [i]));
      await setTimeout(50);
      assert.deepEqual(bench.attempts, [[1]]);
      bench.lanes.hurry();
      await isEmpty(bench);
      assert.equal(bench.attempts.length, 10);
    });
  }
});

describe('several attempts at one time', () => {
  it('are of one collection', async (t) => {
    let running = 0;
    const together = new Set<string>();
    const times = new Map<number, number>();
    const bench = await benchOf(t, {
      exportsMax: 3,
      send: async (_, { timeMs }) => {
        running++;
        times.set(timeMs, (times.get(timeMs) ?? 0) + 1);
        together.add(JSON.stringify([...times.keys()]));
        await setTimeout(2);
        running--;
        const left = (times.get(timeMs) ?? 0) - 1;
        if (left === 0) times.delete(timeMs);
        else times.set(timeMs, left);
        return SENT;
      },
    });
    for (const timeMs of [1, 1, 1, 1, 2, 2, 3]) await bench.append(batchOf(timeMs, [timeMs]));
    bench.lanes.start();
    await isEmpty(bench);
    assert.equal(running, 0);
    assert.deepEqual([...together], ['[1]', '[2]', '[3]']);
    assert.equal(bench.settled.length, 7);
  });
});

describe('newest first', () => {
  it('what comes now overtakes the backlog, and each is in order', async (t) => {
    const bench = await benchOf(t, { order: 'newest_first', send: ([value = 0]) => (value < 4 ? LATER : undefined) });
    bench.lanes.start();
    await bench.append(batchOf(1, [1]), batchOf(2, [2]), batchOf(3, [3]));
    await until('the first was tried twice', () => bench.attempts.filter(([value]) => value === 1).length > 1);
    await bench.append(batchOf(4, [4]), batchOf(5, [5]));
    await until('what came later was sent', () => bench.settled.length === 2);
    assert.deepEqual(
      bench.settled.map(({ values }) => values),
      [[4], [5]],
    );
  });

  it('what the receiver has a part of is not sent again from its beginning', async (t) => {
    const bench = await benchOf(t, { order: 'newest_first' });
    bench.answer(TOO_LARGE, SENT, LATER, LATER);
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 2]));
    await isEmpty(bench);
    assert.deepEqual(bench.attempts, [[1, 2], [1], [2], [2], [2]]);
  });

  it('and does not hold up what comes now', async (t) => {
    const bench = await benchOf(t, { order: 'newest_first', send: ([value]) => (value === 2 ? LATER : undefined) });
    bench.answer(TOO_LARGE, SENT);
    bench.lanes.start();
    await bench.append(batchOf(1, [1, 2]));
    await until('the second half was tried', () => bench.attempts.some(([value]) => value === 2));
    await bench.append(batchOf(2, [3]));
    await until('what came later was sent', () => bench.settled.length === 1);
    assert.deepEqual(bench.settled[0]?.values, [3]);
    assert.equal(bench.attempts.filter(([value]) => value === 1).length, 2);
  });

  it('what comes during an attempt is tried, though that one fails', async (t) => {
    const bench = await benchOf(t, {
      order: 'newest_first',
      send: async ([value]) => {
        if (value === 2) return SENT;
        if (bench.attempts.length === 1) await bench.append(batchOf(2, [2]));
        return LATER;
      },
    });
    bench.lanes.start();
    await bench.append(batchOf(1, [1]));
    await until('what came later was sent', () => bench.settled.length === 1);
    assert.deepEqual(bench.settled[0]?.values, [2]);
  });

  it('but no more than a few such rests are kept in memory: then it goes on with the last one', async (t) => {
    // Of each batch the receiver takes the first half only.
    const send = ([first, second]: readonly number[]): SendOutcome => {
      if (second !== undefined) return TOO_LARGE;
      return Number(first) % 2 === 1 ? SENT : LATER;
    };
    const bench = await benchOf(t, { order: 'newest_first', send });
    bench.lanes.start();
    for (let i = 1; i <= 10; i++) await bench.append(batchOf(i, [2 * i - 1, 2 * i]));
    // The other lane has its turn with what is left to it, and begins none anew.
    await until('a half is tried for the hundredth time', () => bench.attempts.length > 100);
    const begun = bench.attempts.filter((values) => values.length === 1 && Number(values[0]) % 2 === 1);
    assert.equal(new Set(begun.map(([value]) => value)).size, begun.length, 'a half was sent twice');
    assert.ok(begun.length <= 6, `${begun.length} batches were begun`);
  });

  it('a success of the one lane does not end the wait of the other, unless it had failed itself', async (t) => {
    const retry = { initialIntervalMs: 3_600_000, maxIntervalMs: 3_600_000 };
    const bench = await benchOf(t, { order: 'newest_first', retry, send: ([value]) => (value === 1 ? LATER : SENT) });
    bench.lanes.start();
    await bench.append(batchOf(1, [1]));
    const tries = () => bench.attempts.filter(([value]) => value === 1).length;
    await until('both lanes have tried it', () => tries() === 2);
    for (let i = 2; i < 20; i++) {
      await bench.append(batchOf(i, [i]));
      await until('it was sent', () => bench.settled.length === i - 1);
    }
    assert.equal(tries(), 3);
  });

  it('what could not be sent at once joins the backlog', async (t) => {
    let up = false;
    const bench = await benchOf(t, { order: 'newest_first', send: () => (up ? SENT : LATER) });
    bench.lanes.start();
    for (let i = 1; i <= 5; i++) {
      await bench.append(batchOf(i, [i]));
      await until('it was tried', () => bench.attempts.some(([value]) => value === i));
    }
    up = true;
    await bench.append(batchOf(6, [6]));
    await isEmpty(bench);
    const order = bench.settled.flatMap(({ values }) => values);
    assert.deepEqual(
      order.filter((value) => value < 6),
      [1, 2, 3, 4, 5],
    );
    assert.ok(order.includes(6));
  });
});

describe('the end of a lane', () => {
  it('comes when all is sent', async (t) => {
    const bench = await benchOf(t);
    bench.lanes.start();
    await bench.append(batchOf(1, [1]), batchOf(2, [2]));
    await bench.lanes.stop(() => false);
    assert.equal(bench.queue.stats().batches, 0);
  });

  it('comes with the first attempt that fails, where what is left is safe', async (t) => {
    const bench = await benchOf(t, { send: () => LATER });
    bench.lanes.start();
    await bench.append(batchOf(1, [1]), batchOf(2, [2]));
    await until('it was tried', () => bench.attempts.length > 0);
    await bench.lanes.stop(() => true);
    const { length } = bench.attempts;
    await setTimeout(20);
    assert.equal(bench.attempts.length, length);
    assert.equal(bench.queue.stats().batches, 2);
  });

  it('does not come while it is not safe: attempts go on', async (t) => {
    const bench = await benchOf(t);
    bench.answer(LATER, LATER, LATER);
    bench.lanes.start();
    await bench.append(batchOf(1, [1]));
    await bench.lanes.stop(() => false);
    assert.deepEqual(
      bench.settled.map(({ sent }) => sent),
      [1],
    );
  });
});
