import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { diag, type BatchObservableCallback, type Observable, type ObservableCallback } from '@opentelemetry/api';
import type { BindableMeter, View } from '../../src/instruments/index.ts';
import { createNative, toPoints, valuesOf } from './native.ts';

/** A collection that may have errors: their messages, and the values. */
async function collect(view: View, timeoutMs = 1000) {
  const { scopes, errors } = await view.collect(timeoutMs);
  const values = Object.fromEntries([...toPoints(scopes)].map(([series, { value }]) => [series, value]));
  return { values, errors: errors.map(({ error }) => (error as Error).message) };
}

const kinds: Record<string, (meter: BindableMeter) => Observable> = {
  'observable counter': (meter) => meter.createObservableCounter('x'),
  'observable up-down counter': (meter) => meter.createObservableUpDownCounter('x'),
  'observable gauge': (meter) => meter.createObservableGauge('x'),
};

for (const [kind, create] of Object.entries(kinds)) {
  describe(`the callbacks of an ${kind}`, () => {
    it('may be synchronous, asynchronous, or return a thenable of another make', async () => {
      const { meters, meter } = createNative();
      const observable = create(meter);
      observable.addCallback((result) => result.observe(1, { way: 'at once' }));
      observable.addCallback(async (result) => {
        await turn();
        result.observe(2, { way: 'later' });
      });
      const thenable: ObservableCallback = (result) =>
        ({
          then: (done: (value?: unknown) => void) => {
            result.observe(3, { way: 'thenable' });
            done();
          },
        }) as unknown as Promise<void>;
      observable.addCallback(thenable);
      observable.addCallback((result) => result.observe(4));
      const { values, errors } = await collect(meters.createView('cumulative'));
      assert.deepEqual(errors, []);
      assert.deepEqual(values, { x: 4, 'x {"way":"at once"}': 1, 'x {"way":"later"}': 2, 'x {"way":"thenable"}': 3 });
    });

    it('are called once in a collection, however often they were added', async () => {
      const { meters, meter } = createNative();
      const callback = mock.fn<ObservableCallback>((result) => result.observe(1));
      for (let i = 0; i < 3; i++) create(meter).addCallback(callback);
      const view = meters.createView('cumulative');
      for (let calls = 1; calls <= 3; calls++) {
        assert.deepEqual(await valuesOf(view), { x: 1 });
        assert.equal(callback.mock.callCount(), calls);
      }
    });

    it('are not called any more once they were removed', async () => {
      const { meters, meter } = createNative();
      const [callback, other] = [mock.fn<ObservableCallback>(), mock.fn<ObservableCallback>()];
      const observable = create(meter);
      observable.addCallback(callback);
      observable.addCallback(other);
      observable.removeCallback(() => {});
      create(meter).removeCallback(callback);
      observable.removeCallback(callback);
      await meters.createView('cumulative').collect(1000);
      assert.deepEqual([callback.mock.callCount(), other.mock.callCount()], [0, 1]);
    });

    it('may add and remove callbacks while they run', async () => {
      const { meters, meter } = createNative();
      const observable = create(meter);
      const added: ObservableCallback = (result) => result.observe(2, { added: true });
      const first: ObservableCallback = (result) => {
        result.observe(1);
        observable.removeCallback(first);
        observable.addCallback(added);
      };
      observable.addCallback(first);
      const view = meters.createView('cumulative');
      assert.deepEqual(await valuesOf(view), { x: 1 });
      assert.deepEqual(await valuesOf(view), { 'x {"added":true}': 2 });
    });

    it('cost their own readings only when they throw, at once or later', async () => {
      const { meters, meter } = createNative();
      const observable = create(meter);
      let broken = true;
      observable.addCallback((result) => {
        result.observe(1, { of: 'first' });
        if (broken) throw new Error('at once');
      });
      observable.addCallback(async (result) => {
        result.observe(2, { of: 'second' });
        await turn();
        if (broken) throw new Error('later');
      });
      observable.addCallback((result) => result.observe(3, { of: 'third' }));
      const view = meters.createView('cumulative');
      const { values, errors } = await collect(view);
      assert.deepEqual(values, { 'x {"of":"third"}': 3 });
      assert.deepEqual(errors, ['at once', 'later']);
      broken = false;
      assert.equal(Object.keys(await valuesOf(view)).length, 3);
    });

    it('are handed values that are of no collection once they have ended', async () => {
      const { meters, meter } = createNative();
      const observe: ((value: number) => void)[] = [];
      create(meter).addCallback((result) => {
        observe.push((value) => result.observe(value, { late: true }));
        result.observe(1);
      });
      const [first, second] = [meters.createView('cumulative'), meters.createView('cumulative')];
      const running = first.collect(1000);
      for (const each of observe) each(7);
      assert.deepEqual([...toPoints((await running).scopes).keys()], ['x']);
      for (const each of observe) each(8);
      for (const view of [first, second]) assert.deepEqual(await valuesOf(view), { x: 1 });
      assert.equal(meters.stats()[0]?.series, 1);
    });

    it('may use one attributes object for all that they observe', async () => {
      const { meters, meter } = createNative();
      create(meter).addCallback((result) => {
        const attributes: Record<string, number> = {};
        for (let cpu = 0; cpu < 4; cpu++) {
          attributes.cpu = cpu;
          result.observe(cpu * 10, attributes);
        }
        attributes.cpu = 99;
      });
      const view = meters.createView('cumulative');
      const expected = { 'x {"cpu":0}': 0, 'x {"cpu":1}': 10, 'x {"cpu":2}': 20, 'x {"cpu":3}': 30 };
      for (let i = 0; i < 2; i++) assert.deepEqual(await valuesOf(view), expected);
    });

    it('set a series that they observe twice to what they observed last', async () => {
      const { meters, meter } = createNative();
      create(meter).addCallback((result) => {
        for (const value of [5, 9, 7]) result.observe(value);
      });
      const [cumulative, delta] = [meters.createView('cumulative'), meters.createView('delta')];
      for (const expected of [7, kind === 'observable counter' ? 0 : 7]) {
        assert.deepEqual(await valuesOf(cumulative), { x: 7 });
        if (expected === 7) assert.deepEqual(await valuesOf(delta), { x: 7 });
        else assert.deepEqual(await valuesOf(delta), { x: 0 });
      }
    });
  });
}

describe('a callback that hangs', () => {
  it('is waited for once, then left out at once, and taken again when it has ended', async () => {
    const { meters, meter } = createNative();
    const hanging: PromiseWithResolvers<undefined>[] = [];
    const callback = mock.fn<ObservableCallback>(async (result) => {
      result.observe(1, { of: 'hanging' });
      const until = Promise.withResolvers<undefined>();
      hanging.push(until);
      await until.promise;
    });
    meter.createObservableGauge('x').addCallback(callback);
    meter.createObservableGauge('y').addCallback((result) => result.observe(2));
    const view = meters.createView('cumulative');
    assert.deepEqual(await collect(view, 1_000), {
      values: { y: 2 },
      errors: ['the callback of x has not ended within 1000 ms'],
    });
    // Were it waited for, the error would be another one.
    for (let i = 0; i < 3; i++) {
      const { values, errors } = await collect(view, 5_000);
      assert.deepEqual(values, { y: 2 });
      assert.deepEqual(errors, ['the callback of x has not ended since it was late']);
    }
    assert.equal(callback.mock.callCount(), 1);
    hanging[0]?.resolve(undefined);
    await turn();
    const running = collect(view);
    hanging[1]?.resolve(undefined);
    assert.deepEqual(await running, { values: { y: 2, 'x {"of":"hanging"}': 1 }, errors: [] });
    assert.equal(callback.mock.callCount(), 2);
  });

  it('is not heard of again when it fails late', async (t) => {
    const unhandled = t.mock.fn();
    process.on('unhandledRejection', unhandled);
    t.after(() => process.off('unhandledRejection', unhandled));
    const { meters, meter } = createNative();
    const until = Promise.withResolvers<undefined>();
    meter.createObservableGauge('x').addCallback(async () => {
      await until.promise;
    });
    const view = meters.createView('cumulative');
    assert.equal((await collect(view, 1)).errors.length, 1);
    until.reject(new Error('late'));
    await turn();
    assert.equal(unhandled.mock.callCount(), 0);
  });

  it('is named with all instruments of a batch', async () => {
    const { meters, meter } = createNative();
    const observables = ['x', 'y'].map((name) => meter.createObservableGauge(name));
    meter.addBatchObservableCallback(() => new Promise(() => {}), observables);
    const { errors } = await collect(meters.createView('cumulative'), 1);
    assert.deepEqual(errors, ['the callback of x, y has not ended within 1 ms']);
  });
});

describe('consumers that collect at the same time', () => {
  it('share one run of an asynchronous callback, and all get what it observed', async () => {
    const { meters, meter } = createNative();
    const until = Promise.withResolvers<undefined>();
    const callback = mock.fn<ObservableCallback>(async (result) => {
      await until.promise;
      result.observe(5);
    });
    meter.createObservableCounter('x').addCallback(callback);
    const views = (['cumulative', 'delta', 'delta', 'low_memory'] as const).map((preference) =>
      meters.createView(preference),
    );
    const running = views.map((view) => collect(view));
    until.resolve(undefined);
    for (const { values, errors } of await Promise.all(running)) assert.deepEqual([values, errors], [{ x: 5 }, []]);
    assert.equal(callback.mock.callCount(), 1);
  });

  it('have each their own patience', async () => {
    const { meters, meter } = createNative();
    const until = Promise.withResolvers<undefined>();
    meter.createObservableGauge('x').addCallback(async (result) => {
      await until.promise;
      result.observe(5);
    });
    const [patient, impatient] = [meters.createView('cumulative'), meters.createView('cumulative')];
    const running = collect(patient);
    assert.equal((await collect(impatient, 1)).errors.length, 1);
    until.resolve(undefined);
    assert.deepEqual(await running, { values: { x: 5 }, errors: [] });
    assert.deepEqual(await collect(impatient), { values: { x: 5 }, errors: [] });
  });

  it('share what was recorded between them: of two collections of one delta view it is in one', async () => {
    const { meters, meter } = createNative();
    meter.createCounter('x').add(3);
    const view = meters.createView('delta');
    assert.deepEqual(
      (await Promise.all([collect(view), collect(view)])).map(({ values }) => values),
      [{ x: 3 }, {}],
    );
  });
});

describe('a batch callback', () => {
  afterEach(() => diag.disable());

  it('observes the instruments that it was added for, and no others', async () => {
    const { meters, meter } = createNative();
    const [x, y, z] = ['x', 'y', 'z'].map((name) => meter.createObservableGauge(name));
    assert.ok(x && y && z);
    const callback: BatchObservableCallback = (result) => {
      result.observe(x, 1);
      result.observe(y, 2, { of: 'y' });
      result.observe(z, 3);
      result.observe(createNative().meter.createObservableGauge('x'), 4);
      result.observe({ addCallback: () => {}, removeCallback: () => {} }, 5);
    };
    meter.addBatchObservableCallback(callback, [x, y]);
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), { x: 1, 'y {"of":"y"}': 2 });
  });

  it('is called once for the same instruments in any order, and is removed by them', async () => {
    const { meters, meter } = createNative();
    const [x, y] = ['x', 'y'].map((name) => meter.createObservableGauge(name));
    assert.ok(x && y);
    const callback = mock.fn<BatchObservableCallback>();
    meter.addBatchObservableCallback(callback, [x, y]);
    meter.addBatchObservableCallback(callback, [y, x, y]);
    meter.addBatchObservableCallback(callback, [x]);
    const view = meters.createView('cumulative');
    await view.collect(1000);
    assert.equal(callback.mock.callCount(), 2);
    meter.removeBatchObservableCallback(callback, [y]);
    meter.removeBatchObservableCallback(callback, [y, x]);
    await view.collect(1000);
    assert.equal(callback.mock.callCount(), 3);
  });

  it('takes all its readings with it when it fails', async () => {
    const { meters, meter } = createNative();
    const x = meter.createObservableGauge('x');
    x.addCallback((result) => result.observe(7, { of: 'another callback' }));
    const fail: BatchObservableCallback = (result) => {
      result.observe(x, 1);
      throw new Error('broken');
    };
    meter.addBatchObservableCallback(fail, [x]);
    const { values, errors } = await collect(meters.createView('cumulative'));
    assert.deepEqual([values, errors], [{ 'x {"of":"another callback"}': 7 }, ['broken']]);
  });

  it('is not taken without an instrument of ours, and says so', async () => {
    const { meters, meter } = createNative();
    const error = mock.fn();
    const ignore = (): void => {};
    diag.setLogger(
      { error, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
      { suppressOverrideMessage: true },
    );
    const callback = mock.fn<BatchObservableCallback>();
    meter.addBatchObservableCallback(callback, []);
    meter.addBatchObservableCallback(callback, [{ addCallback: ignore, removeCallback: ignore }]);
    await meters.createView('cumulative').collect(1000);
    assert.deepEqual([error.mock.callCount(), callback.mock.callCount()], [2, 0]);
  });
});
