import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { collect, createNative, runs, valuesOf } from './native.ts';

type Readings = Record<string, number>;
type Kind = 'counter' | 'up_down' | 'gauge';

/** One observable `x`, whose callback gives for each `id` what the test has put into `readings`. */
function createObserved({ kind, limit }: { kind: Kind; limit?: number }) {
  const native = createNative(limit === undefined ? {} : { limit });
  const { meter } = native;
  const observed = { readings: {} as Readings };
  const observable = {
    counter: () => meter.createObservableCounter('x'),
    up_down: () => meter.createObservableUpDownCounter('x'),
    gauge: () => meter.createObservableGauge('x'),
  }[kind]();
  observable.addCallback((result) => {
    for (const [id, value] of Object.entries(observed.readings)) result.observe(value, { id });
  });
  return { ...native, observed };
}

/** What a collection shows, by `id`, and `overflow`. */
async function read(view: Parameters<typeof valuesOf>[0]): Promise<Readings> {
  const values = Object.entries(await valuesOf(view));
  return Object.fromEntries(
    values.map(([series, value]) => [
      /"id":"(.*)"/.exec(series)?.[1] ?? (series.includes('overflow') ? 'overflow' : series),
      value,
    ]),
  );
}

describe('sets that are no longer observed', () => {
  for (const kind of ['counter', 'up_down', 'gauge'] as const) {
    it(`are no longer shown of an observable ${kind}, and come back as they are then`, async () => {
      const { meters, observed } = createObserved({ kind });
      const view = meters.createView('cumulative');
      observed.readings = { a: 1, b: 2 };
      assert.deepEqual(await read(view), { a: 1, b: 2 });
      observed.readings = { b: 3, c: 4 };
      assert.deepEqual(await read(view), { b: 3, c: 4 });
      observed.readings = {};
      assert.deepEqual(await view.collect(1000), { scopes: [], errors: [] });
      observed.readings = { a: 5, c: 4 };
      assert.deepEqual(await read(view), { a: 5, c: 4 });
    });

    it(`are not shown of an observable ${kind} because another consumer saw them`, async () => {
      const { meters, observed } = createObserved({ kind });
      const [first, second] = [meters.createView('cumulative'), meters.createView('low_memory')];
      observed.readings = { a: 1 };
      await read(first);
      observed.readings = { b: 1 };
      assert.deepEqual(await read(second), { b: 1 });
    });
  }

  it('keep their start time while they are away', async () => {
    const { clock, meters, observed } = createObserved({ kind: 'counter' });
    const view = meters.createView('cumulative');
    observed.readings = { a: 1 };
    await collect(view);
    clock.nowMs = 2000;
    observed.readings = {};
    await collect(view);
    clock.nowMs = 3000;
    observed.readings = { a: 4 };
    const [point] = (await collect(view)).values();
    assert.deepEqual([point?.startMs, point?.timeMs, point?.value], [1000, 3000, 4]);
  });

  it('have grown, in a delta, since they were last shown', async () => {
    const { clock, meters, observed } = createObserved({ kind: 'counter' });
    const view = meters.createView('delta');
    observed.readings = { a: 10 };
    assert.deepEqual(await read(view), { a: 10 });
    clock.nowMs = 2000;
    observed.readings = { b: 1 };
    assert.deepEqual(await read(view), { b: 1 });
    clock.nowMs = 3000;
    observed.readings = { a: 15, b: 1 };
    assert.deepEqual(await read(view), { a: 5, b: 0 });
  });
});

describe('an observed counter that falls', () => {
  it('began anew: it has a later start time, not before the collection that showed the old one', async () => {
    const { clock, meters, observed } = createObserved({ kind: 'counter' });
    const view = meters.createView('cumulative');
    const seen: unknown[] = [];
    for (const a of [10, 12, 5, 6, 6, 0]) {
      observed.readings = { a };
      const [point] = (await collect(view)).values();
      seen.push([point?.startMs, point?.timeMs, point?.value]);
      clock.nowMs += 1000;
    }
    assert.deepEqual(seen, [
      [1000, 1000, 10],
      [1000, 2000, 12],
      [2000, 3000, 5],
      [2000, 4000, 6],
      [2000, 5000, 6],
      [5000, 6000, 0],
    ]);
  });

  it('has grown by all that it has now, in a delta', async () => {
    const { meters, observed } = createObserved({ kind: 'counter' });
    const view = meters.createView('delta');
    const seen: unknown[] = [];
    for (const a of [10, 12, 5, 6, 0]) {
      observed.readings = { a };
      seen.push((await read(view)).a);
    }
    assert.deepEqual(seen, [10, 2, 5, 1, 0]);
  });

  it('owes a delta view what it had grown before, where another consumer saw it fall', async () => {
    const { meters, observed } = createObserved({ kind: 'counter' });
    const [delta, cumulative] = [meters.createView('delta'), meters.createView('cumulative')];
    observed.readings = { a: 10 };
    await read(delta);
    for (const a of [13, 2, 7, 1]) {
      observed.readings = { a };
      await read(cumulative);
    }
    // 10 to 13, 0 to 2 to 7, 0 to 1, and 1 to 20.
    observed.readings = { a: 20 };
    assert.deepEqual(await read(delta), { a: 3 + 7 + 1 + 19 });
  });

  it('goes down as it is where it may', async () => {
    const { clock, meters, observed } = createObserved({ kind: 'up_down' });
    const view = meters.createView('delta');
    for (const a of [10, -5]) {
      observed.readings = { a };
      const [point] = (await collect(view)).values();
      assert.deepEqual([point?.startMs, point?.value, point?.temporality], [1000, a, 'cumulative']);
      clock.nowMs += 1000;
    }
  });
});

describe('observed sets under a limit', () => {
  it('are summed up in the overflow where there is no room, anew in each collection', async () => {
    for (const kind of ['counter', 'up_down'] as const) {
      const { meters, observed } = createObserved({ kind, limit: 2 });
      const view = meters.createView('cumulative');
      observed.readings = { a: 1, b: 2, c: 3, d: 4, e: 5 };
      for (let i = 0; i < 3; i++) assert.deepEqual(await read(view), { a: 1, b: 2, overflow: 12 });
      observed.readings = { a: 1, b: 2, c: 4 };
      assert.deepEqual(await read(view), { a: 1, b: 2, overflow: 4 });
      observed.readings = { a: 1, b: 2 };
      assert.deepEqual(await read(view), { a: 1, b: 2 });
    }
  });

  it('grow in a delta as they do, the overflow as a whole', async () => {
    const { meters, observed } = createObserved({ kind: 'counter', limit: 1 });
    const view = meters.createView('delta');
    observed.readings = { a: 1, b: 2, c: 3 };
    assert.deepEqual(await read(view), { a: 1, overflow: 5 });
    assert.deepEqual(await read(view), { a: 0, overflow: 0 });
    observed.readings = { a: 2, b: 12, c: 13 };
    assert.deepEqual(await read(view), { a: 1, overflow: 20 });
  });

  it('make room for others when they are no longer observed', async () => {
    const { meters, observed } = createObserved({ kind: 'gauge', limit: 2 });
    const view = meters.createView('cumulative');
    observed.readings = { a: 1, b: 2 };
    await read(view);
    observed.readings = { b: 2 };
    await read(view);
    observed.readings = { b: 2, c: 3 };
    assert.deepEqual(await read(view), { b: 2, c: 3 });
    assert.equal(meters.stats()[0]?.series, 2);
  });

  it('leave nothing to those that get their place', async () => {
    const { clock, meters, observed } = createObserved({ kind: 'counter', limit: 1 });
    const cumulative = meters.createView('cumulative');
    observed.readings = { a: 10 };
    await read(cumulative);
    observed.readings = {};
    clock.nowMs = 2000;
    await read(cumulative);
    clock.nowMs = 3000;
    for (const b of [0, 3]) {
      observed.readings = { b };
      const [point] = (await collect(cumulative)).values();
      // It was not there in the collection before: since then it has begun.
      assert.deepEqual([point?.startMs, point?.value], [2000, b]);
    }
  });

  it('keep their place for ever where there is a delta view, which would else be shown them again', async () => {
    const { meters, observed } = createObserved({ kind: 'counter', limit: 1 });
    const delta = meters.createView('delta');
    const shown: Readings[] = [];
    const programme: Readings[] = [{ a: 100 }, {}, {}, { b: 7 }, { a: 101, b: 8 }, { a: 103 }, { a: 103, b: 9 }];
    for (const readings of programme) {
      observed.readings = readings;
      shown.push(await read(delta));
    }
    assert.deepEqual(shown, [
      { a: 100 },
      {},
      {},
      { overflow: 7 },
      { a: 1, overflow: 1 },
      { a: 2 },
      { a: 0, overflow: 1 },
    ]);
  });

  it('do not grow in the overflow by what is left when one of them goes', async () => {
    const { meters, observed } = createObserved({ kind: 'counter', limit: 1 });
    const delta = meters.createView('delta');
    const shown: Readings[] = [];
    const programme: Readings[] = [
      { a: 1, b: 100, c: 50 },
      { a: 1, b: 101 },
      { a: 1, b: 103 },
    ];
    for (const readings of programme) {
      observed.readings = readings;
      shown.push(await read(delta));
    }
    assert.deepEqual(shown, [
      { a: 1, overflow: 150 },
      { a: 0, overflow: 0 },
      { a: 0, overflow: 2 },
    ]);
  });

  it('wait in the overflow while those whose place they could have were there a collection ago', async () => {
    const { meters, observed } = createObserved({ kind: 'gauge', limit: 2 });
    const view = meters.createView('cumulative');
    observed.readings = { a: 1, b: 2 };
    await read(view);
    observed.readings = { b: 2, c: 3 };
    assert.deepEqual(await read(view), { b: 2, overflow: 3 });
    assert.deepEqual(await read(view), { b: 2, c: 3 });
  });

  // Both of two collections count, and the sets were observed for the first of them only if one looks at the callback.
  it('keep their place, start time and what was shown of them when two consumers collect at once', async () => {
    for (const later of [false, true]) {
      const { clock, meters, meter } = createNative({ limit: 3 });
      let sets = ['a', 'b', 'c'];
      let total = 10;
      meter.createObservableCounter('x').addCallback(async (result) => {
        if (later) await Promise.resolve();
        for (const id of sets) result.observe(total, { id });
      });
      const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
      await Promise.all([collect(cumulative), collect(delta)]);
      clock.nowMs = 2000;
      // A new one comes first, as a new process, pod or model may.
      sets = ['new', 'c', 'b', 'a'];
      total = 11;
      const [shown, grown] = await Promise.all([collect(cumulative), collect(delta)]);
      for (const id of ['a', 'b', 'c']) {
        assert.equal(shown.get(`x {"id":"${id}"}`)?.startMs, 1000);
        assert.equal(grown.get(`x {"id":"${id}"}`)?.value, 1);
      }
      assert.equal(shown.get('x {"otel.metric.overflow":true}')?.value, 11);
    }
  });

  it('are never more than the limit and the overflow, and their total is exact', () => {
    const readings = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.nat(1000), { maxKeys: 6 });
    return fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(readings, { maxLength: 20 }),
        async (limit, program) => {
          const { meters, observed } = createObserved({ kind: 'up_down', limit });
          const views = [meters.createView('cumulative'), meters.createView('delta')] as const;
          for (const now of program) {
            observed.readings = now;
            for (const view of views) {
              const { overflow, ...shown } = await read(view);
              const sum = (values: Readings): number =>
                Object.values(values).reduce((total, value) => total + value, 0);
              assert.ok(Object.keys(shown).length <= limit);
              assert.equal(sum(shown) + (overflow ?? 0), sum(now));
              for (const [id, value] of Object.entries(shown)) assert.equal(value, now[id]);
            }
            // A second collection of the same sets finds room for all that there can be.
            const { overflow } = await read(views[0]);
            assert.equal(overflow === undefined, Object.keys(now).length <= limit);
          }
        },
      ),
      runs(150),
    );
  });

  it('leave out of the overflow what would make its sum infinite', async () => {
    const { meters, observed } = createObserved({ kind: 'counter', limit: 1 });
    const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
    observed.readings = { a: 1, b: Number.MAX_VALUE, c: Number.MAX_VALUE };
    assert.deepEqual(await read(cumulative), { a: 1, overflow: Number.MAX_VALUE });
    assert.deepEqual(await read(delta), { a: 1, overflow: Number.MAX_VALUE });
    observed.readings = { a: 1, b: 1 };
    assert.deepEqual(await read(cumulative), { a: 1, overflow: 1 });
    assert.deepEqual(meters.stats()[0]?.refused, new Map([['infinite', 2]]));
  });
});
