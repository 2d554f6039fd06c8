import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { Batch } from '../../src/push/batch.ts';
import { createRetry, createThrottle } from '../../src/push/retry.ts';
import { Sender, startDelivery, type SenderOptions, type Tally } from '../../src/push/sender.ts';
import type { SendOutcome } from '../../src/push/transports/transport.ts';
import { runs } from '../exposition/runs.ts';
import { encodeMessage } from '../otlp/messages.ts';
import { batchOf, valuesOf } from './batches.ts';

const SENT: SendOutcome = { status: 'sent', rejectedPoints: 0, message: '' };
const LATER: SendOutcome = { status: 'retryable', code: 'UNAVAILABLE', message: 'later' };
const REFUSED: SendOutcome = { status: 'permanent', code: 'INVALID_ARGUMENT', message: 'no' };
const TOO_LARGE: SendOutcome = { status: 'too_large', code: '413', message: '' };

const upTo =
  (bytesMax: number) =>
  ({ payload }: Batch): SendOutcome =>
    payload.length > bytesMax ? TOO_LARGE : SENT;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

interface Bench {
  readonly attempts: readonly Batch[];
  readonly send: (batch: Batch) => Promise<Tally>;
}

function benchOf(answer: (batch: Batch) => SendOutcome): Bench {
  const attempts: Batch[] = [];
  const options: SenderOptions = {
    attempt: async (batch) => {
      attempts.push(batch);
      await setImmediate();
      return answer(batch);
    },
    retry: createRetry({ initialIntervalMs: 0, maxIntervalMs: 0 }),
    throttle: createThrottle(),
    givesBack: () => false,
  };
  const sender = new Sender(options);
  return {
    attempts,
    send: async (batch) => {
      const delivery = startDelivery(batch);
      let rounds = 0;
      assert.equal(await sender.send(delivery, () => ++rounds < 10_000), true);
      return delivery.tally;
    },
  };
}

const settled = (tally: Tally): number => tally.sent + tally.partial + tally.rejected + tally.tooLarge;

describe('a batch that is too large', () => {
  it('comes to its end with each point once and in order, whatever is answered to its pieces', async () => {
    const answer = fc.oneof(
      { weight: 5, arbitrary: fc.constant(SENT) },
      { weight: 1, arbitrary: fc.constantFrom(LATER, REFUSED, { ...SENT, rejectedPoints: 1 }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3_000 }),
        fc.array(answer, { maxLength: 20 }),
        async (counts, bytesMax, answers) => {
          const done: number[] = [];
          const { send } = benchOf((batch) => {
            const values = valuesOf(batch);
            assert.equal(values.length, batch.points);
            const isTooLarge = batch.payload.length > bytesMax;
            const outcome = isTooLarge ? TOO_LARGE : (answers.shift() ?? SENT);
            if (outcome !== LATER && (!isTooLarge || values.length === 1)) done.push(...values);
            return outcome;
          });
          for (const [i, count] of counts.entries()) {
            done.length = 0;
            const tally = await send(batchOf(i + 1, numbers(count)));
            assert.equal(settled(tally), count);
            // Of a receiver that calls everything too large, the first point is enough.
            assert.deepEqual(done, numbers(tally.tooLarge === count ? 1 : count));
          }
        },
      ),
      runs({ short: 100, long: 10_000 }),
    );
  });

  it('is cut into pieces of what the receiver has taken, with no further refusal, once it has taken one', async () => {
    const bytesMax = 20_000;
    const { attempts, send } = benchOf(upTo(bytesMax));
    await send(batchOf(1, numbers(3_000)));
    const known = attempts.length;
    await send(batchOf(2, numbers(3_000)));
    await send(batchOf(3, numbers(30_000)));
    const later = attempts.slice(known).map(({ payload }) => payload.length);
    assert.ok(Math.max(...later) <= bytesMax);
    assert.ok(Math.max(...later) > bytesMax / 2);
    // Nothing but the last piece of each is much shorter than the longest one.
    assert.equal(later.filter((length) => length < Math.max(...later) - 100).length, 2);
  });

  it('is cut into more and smaller pieces when the receiver takes less than before', async () => {
    let bytesMax = 50_000;
    const { attempts, send } = benchOf((batch) => upTo(bytesMax)(batch));
    await send(batchOf(1, numbers(3_000)));
    bytesMax = 10_000;
    assert.equal((await send(batchOf(2, numbers(3_000)))).sent, 3_000);
    const known = attempts.length;
    assert.equal((await send(batchOf(3, numbers(3_000)))).sent, 3_000);
    assert.ok(attempts.slice(known).every(({ payload }) => payload.length <= bytesMax));
  });

  it('lets others have their turn while it is cut', async () => {
    const { attempts, send } = benchOf(upTo(500_000));
    await send(batchOf(1, numbers(20_000)));
    const known = attempts.length;
    let turns = 0;
    const sending = send(batchOf(2, numbers(20_000)));
    for (; attempts.length === known; turns++) await setImmediate();
    await sending;
    assert.ok(turns >= 10, `${turns} turns`);
  });
});

describe('a single point that is too large', () => {
  const large = (timeMs: number, bytes: number): Batch => {
    const dataPoints = [{ asInt: '-1', attributes: [{ key: 'x'.repeat(bytes) }] }];
    const metrics = [{ name: 'm', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints } }];
    const payload = encodeMessage('ExportMetricsServiceRequest', {
      resourceMetrics: [{ scopeMetrics: [{ metrics }] }],
    });
    return { timeMs, points: 1, payload };
  };
  const together = (...batches: Batch[]): Batch => ({
    timeMs: 1,
    points: batches.reduce((sum, { points }) => sum + points, 0),
    payload: Buffer.concat(batches.map(({ payload }) => payload)),
  });

  it('does not take with it what is behind it', async () => {
    const { attempts, send } = benchOf(upTo(5_000));
    assert.partialDeepStrictEqual(await send(together(large(1, 6_000), batchOf(1, [1, 2, 3]))), {
      sent: 3,
      tooLarge: 1,
      failure: { code: '413' },
    });
    assert.deepEqual(attempts.map(valuesOf), [[-1, 1, 2, 3], [-1], [1, 2, 3]]);
  });

  it('is tried, whatever has been refused before', async () => {
    let bytesMax = 5_000;
    const { send } = benchOf((batch) => upTo(bytesMax)(batch));
    await send(batchOf(1, numbers(1_000)));
    bytesMax = 50_000;
    assert.partialDeepStrictEqual(await send(large(2, 40_000)), { sent: 1, tooLarge: 0 });
  });

  it('does not have later batches taken to pieces of one point, where it is small', async () => {
    // It says so of whatever has the point 7 in it.
    const { attempts, send } = benchOf((batch) => (valuesOf(batch).includes(7) ? TOO_LARGE : SENT));
    assert.partialDeepStrictEqual(await send(batchOf(1, numbers(1_000))), { sent: 999, tooLarge: 1 });
    const known = attempts.length;
    assert.partialDeepStrictEqual(await send(batchOf(2, numbers(1_000).slice(8))), { sent: 992, tooLarge: 0 });
    assert.ok(attempts.slice(known).every(({ payload }) => payload.length > 1_000));
  });
});
