import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../src/metric/model.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import type { Batch } from '../../src/push/batch.ts';
import { Feed, type FeedSource, type Taker } from '../../src/push/feed.ts';
import type { Reader } from '../../src/telemetry/engine.ts';

interface RecordingTaker extends Taker {
  readonly batches: Batch[];
  readonly errors: unknown[];
  readonly unfitPoints: number[];
}

function takerOf(name: string, own: Partial<Taker> = {}): RecordingTaker {
  const [batches, errors, unfitPoints]: [Batch[], unknown[], number[]] = [[], [], []];
  return {
    name,
    batches,
    errors,
    unfitPoints,
    room: () => Promise.resolve(),
    offer: (batch) => {
      batches.push(batch);
      return Promise.resolve('in_memory');
    },
    unfit: ({ points }) => void unfitPoints.push(points),
    collectionFailed: (error) => void errors.push(error),
    ...own,
  };
}

/** A counter with so many series. */
function snapshotOf(rows: number, value = 1): Snapshot {
  const column = (each: number): Float64Array => new Float64Array(rows).fill(each);
  const points = {
    attributes: Array.from({ length: rows }, (_, i) => ({ row: `of some length, number ${i}` })),
    startTimesMs: column(1),
    timesMs: column(2),
    values: column(value),
  };
  const described = { description: '', unit: '', temporality: 'cumulative', monotonic: true } as const;
  const metrics = [{ ...described, kind: 'sum', name: 'm', points }] as const;
  return { resource: {}, scopes: [{ scope: { name: 's', version: '', schemaUrl: '' }, metrics }] };
}

function readerOf(collect: () => Snapshot | Promise<Snapshot>): Reader {
  return {
    collect: async () => ({
      snapshot: await collect(),
      resourceMetrics: () => assert.fail('the official form is not needed'),
      errors: [],
    }),
  };
}

function feedOf(given: Partial<FeedSource> & Pick<FeedSource, 'takers'>): Feed {
  return new Feed({
    reader: readerOf(() => snapshotOf(3)),
    intervalMs: 3_600_000,
    metrics: { excluded: [] },
    batchBytesMax: 1e6,
    ...given,
  });
}

describe('a collection for several', () => {
  it('is encoded once: all have the same bytes', async () => {
    const [a, b] = [takerOf('a'), takerOf('b')];
    await feedOf({ takers: [a, b], reader: readerOf(() => snapshotOf(500)), batchBytesMax: 5_000 }).collect();
    assert.ok(a.batches.length > 5);
    assert.ok(a.batches.every(({ payload }, i) => payload === b.batches[i]?.payload));
    assert.equal(new Set(a.batches.map(({ timeMs }) => timeMs)).size, 1);
    const points = a.batches.reduce((sum, each) => sum + each.points, 0);
    assert.equal(points, 500);
  });

  it('has no time that another one has', async () => {
    const taker = takerOf('a');
    const feed = feedOf({ takers: [taker] });
    for (let i = 0; i < 20; i++) await feed.collect();
    assert.equal(new Set(taker.batches.map(({ timeMs }) => timeMs)).size, 20);
  });

  it('is shared by all who ask for it before it begins', async () => {
    const taker = takerOf('a');
    const feed = feedOf({ takers: [taker] });
    await Promise.all(Array.from({ length: 20 }, () => feed.collect()));
    assert.equal(taker.batches.length, 1);
  });

  it('lets others have their turn, however large it is', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    await feedOf({ takers: [takerOf('a')], reader: readerOf(() => snapshotOf(50_000)), batchBytesMax: 1e9 }).collect();
    clearImmediate(next);
    assert.ok(turns > 20, `${turns} turns`);
  });

  it('waits for room before each batch, and for nothing after the last', async () => {
    const steps: string[] = [];
    const never = Promise.withResolvers<'failed'>();
    const taker = takerOf('a', {
      room: () => {
        steps.push('room');
        return Promise.resolve();
      },
      offer: () => {
        steps.push('offer');
        return never.promise;
      },
    });
    const placements = await feedOf({
      takers: [taker],
      reader: readerOf(() => snapshotOf(200)),
      batchBytesMax: 4_000,
    }).collect();
    assert.ok(steps.length > 4);
    assert.ok(steps.every((step, i) => step === (i % 2 === 0 ? 'room' : 'offer')));
    assert.equal(placements?.get('a')?.length, steps.length / 2);
    never.resolve('failed');
  });

  it('that fails is told to all, and the next one runs', async () => {
    const taker = takerOf('a');
    let fails = true;
    const reader = readerOf(() => {
      if (fails) throw new Error('there is nothing to read');
      return snapshotOf(1);
    });
    const feed = feedOf({ takers: [taker], reader });
    assert.equal(await feed.collect(), undefined);
    fails = false;
    await feed.collect();
    assert.match(String(taker.errors), /there is nothing to read/);
    assert.equal(taker.batches.length, 1);
  });

  it('tells of points that cannot be sent to anyone', async () => {
    const taker = takerOf('a');
    const bad = { ...snapshotOf(1) };
    const [{ scope }] = snapshotOf(1).scopes as [Snapshot['scopes'][number]];
    const points = {
      attributes: [{}],
      startTimesMs: Float64Array.of(1),
      timesMs: Float64Array.of(2),
      bounds: [1],
      bucketCounts: Float64Array.of(-1, 0),
      counts: Float64Array.of(-1),
      sums: Float64Array.of(0),
    };
    const described = { name: 'h', description: '', unit: '', temporality: 'delta' } as const;
    const scopes = [
      ...bad.scopes,
      { scope, metrics: [{ ...described, kind: 'histogram', points: [points] } as const] },
    ];
    await feedOf({ takers: [taker], reader: readerOf(() => ({ ...bad, scopes })) }).collect();
    assert.deepEqual(taker.unfitPoints, [1]);
    const [batch] = taker.batches;
    assert.equal(batch?.points, 1);
    assert.equal(decodeExportMetricsRequest(batch.payload).snapshots.length, 1);
  });
});
