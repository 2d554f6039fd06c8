import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, it } from 'node:test';
import {
  context,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  ValueType,
  type Context,
  type ContextManager,
} from '@opentelemetry/api';
import type { BindableMeter, ExemplarFilter, View } from '../../src/instruments/index.ts';
import type { Exemplar, Metric } from '../../src/metric/model.ts';
import { collect, createNative } from './native.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** A context with a span; the last digit of the span's id tells them apart. */
function inSpan(digit: number, { sampled = true, traceId = TRACE } = {}): Context {
  const spanId = `b7ad6b716920333${digit}`;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags });
}

const spanOf = ({ spanId }: Exemplar): number => Number(spanId.at(-1));

/** What keeps the active context in Node, as the SDK's own does. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.call(self, ...args));
  }
  bind<T>(_: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    this.#storage.disable();
    return this;
  }
}

afterEach(() => context.disable());

interface Recording {
  readonly record: (value: number, given?: Context) => void;
  readonly remove: () => boolean;
}

/** All that have exemplars, on the series without attributes, with and without `bind`. */
const kinds: Record<string, (meter: BindableMeter) => Recording> = {
  counter: (meter) => {
    const counter = meter.createCounter('x');
    return { record: (value, given) => counter.add(value, undefined, given), remove: () => counter.remove({}) };
  },
  'bound counter': (meter) => {
    const [counter, bound] = [meter.createCounter('x'), meter.createCounter('x').bind({})];
    return { record: (value, given) => bound.add(value, given), remove: () => counter.remove({}) };
  },
  histogram: (meter) => {
    const histogram = meter.createHistogram('x', { advice: { explicitBucketBoundaries: [10, 100] } });
    return { record: (value, given) => histogram.record(value, {}, given), remove: () => histogram.remove({}) };
  },
  'bound histogram': (meter) => {
    const histogram = meter.createHistogram('x', { advice: { explicitBucketBoundaries: [10, 100] } });
    const bound = histogram.bind({});
    return { record: (value, given) => bound.record(value, given), remove: () => histogram.remove({}) };
  },
  'exponential histogram': (meter) => {
    const histogram = meter.createHistogram('x', { aggregation: 'base2_exponential_bucket_histogram' });
    const bound = histogram.bind({});
    return { record: (value, given) => bound.record(value, given), remove: () => histogram.remove({}) };
  },
  gauge: (meter) => {
    const gauge = meter.createGauge('x');
    const bound = gauge.bind({});
    return { record: (value, given) => bound.record(value, given), remove: () => gauge.remove({}) };
  },
};

async function exemplarsOf(view: View): Promise<readonly Exemplar[]> {
  return (await collect(view)).get('x')?.exemplars ?? [];
}

/** Records 1 with each of these contexts in turn, a second apart. */
function createRecorded(kind: string, filter: ExemplarFilter) {
  const native = createNative({ filter });
  const recording = kinds[kind]?.(native.meter);
  assert.ok(recording);
  const record = (value: number, given?: Context): void => {
    native.clock.nowMs += 1000;
    recording.record(value, given);
  };
  return { ...native, remove: recording.remove, record, view: native.meters.createView('cumulative') };
}

for (const kind of Object.keys(kinds)) {
  describe(`the exemplar of a ${kind}`, () => {
    it('is, with trace_based, the latest measurement that was made in a sampled span', async () => {
      const { record, view } = createRecorded(kind, 'trace_based');
      record(1);
      assert.deepEqual(await exemplarsOf(view), []);
      record(2, inSpan(1));
      record(3, inSpan(2));
      record(4, inSpan(3, { sampled: false }));
      record(5, inSpan(4, { traceId: '0'.repeat(32) }));
      record(6, ROOT_CONTEXT);
      record(7);
      const exemplars = (await exemplarsOf(view)).toSorted((a, b) => a.timeMs - b.timeMs);
      // Values of 2 and 3 are in one bucket of all but the exponential histogram, and there they may share.
      assert.deepEqual(exemplars.at(-1), { value: 3, timeMs: 4000, traceId: TRACE, spanId: 'b7ad6b7169203332' });
      assert.equal(exemplars.length, 1);
    });

    it('is, with always_on, the latest measurement, in a span or not', async () => {
      const { record, view } = createRecorded(kind, 'always_on');
      record(2, inSpan(1, { sampled: false }));
      assert.deepEqual(await exemplarsOf(view), [
        { value: 2, timeMs: 2000, traceId: TRACE, spanId: 'b7ad6b7169203331' },
      ]);
      record(2.5);
      assert.deepEqual(await exemplarsOf(view), [{ value: 2.5, timeMs: 3000, traceId: '', spanId: '' }]);
    });

    it('is, with always_off, none', async () => {
      context.setGlobalContextManager(new Contexts());
      const { record, view, meters } = createRecorded(kind, 'always_off');
      context.with(inSpan(1), () => record(1));
      record(2, inSpan(1));
      for (const each of [view, meters.createView('delta')]) {
        const { scopes } = await each.collect(1000);
        const blocks = scopes[0]?.metrics.flatMap(({ points }: Metric): readonly object[] =>
          'attributes' in points ? [points] : points,
        );
        assert.ok(blocks?.every((points) => !('exemplars' in points)));
      }
    });

    it('is taken from the active span, where somebody keeps it, and rather from a context that is given', async () => {
      context.setGlobalContextManager(new Contexts());
      const { record, view } = createRecorded(kind, 'trace_based');
      context.with(inSpan(1), () => record(2));
      assert.deepEqual((await exemplarsOf(view)).map(spanOf), [1]);
      context.with(inSpan(2, { sampled: false }), () => record(2));
      record(2);
      assert.deepEqual((await exemplarsOf(view)).map(spanOf), [1]);
      context.with(inSpan(3), () => record(2, inSpan(4)));
      assert.deepEqual((await exemplarsOf(view)).map(spanOf), [4]);
    });

    it('is not of what was refused', async () => {
      const { record, view } = createRecorded(kind, 'trace_based');
      record(1, inSpan(1));
      record('1' as unknown as number, inSpan(2));
      if (kind !== 'gauge') record(NaN, inSpan(3));
      assert.deepEqual((await exemplarsOf(view)).map(spanOf), [1]);
    });

    it('ends with its series', async () => {
      const { record, remove, view } = createRecorded(kind, 'trace_based');
      record(2, inSpan(1));
      remove();
      record(2);
      assert.deepEqual(await exemplarsOf(view), []);
    });

    if (kind === 'gauge') return;
    it('is shown to a delta view once', async () => {
      const { clock, meters, record, view } = createRecorded(kind, 'trace_based');
      const [often, seldom] = [meters.createView('delta'), meters.createView('delta')];
      record(2, inSpan(1));
      clock.nowMs += 1;
      assert.deepEqual((await exemplarsOf(often)).map(spanOf), [1]);
      record(2);
      assert.deepEqual(await exemplarsOf(often), []);
      assert.deepEqual((await exemplarsOf(view)).map(spanOf), [1]);
      record(2, inSpan(2));
      assert.deepEqual((await exemplarsOf(often)).map(spanOf), [2]);
      assert.deepEqual((await exemplarsOf(seldom)).map(spanOf), [2]);
    });

    it('is shown, after a removal, with the rest of the series', async () => {
      const { meters, record, remove } = createRecorded(kind, 'trace_based');
      const delta = meters.createView('delta');
      record(2, inSpan(1));
      remove();
      assert.deepEqual((await exemplarsOf(delta)).map(spanOf), [1]);
    });
  });
}

describe('exemplars', () => {
  it('are one for each bucket of a histogram, at its place', async () => {
    const { clock, meters, meter } = createNative({ filter: 'trace_based' });
    const histogram = meter.createHistogram('x', { advice: { explicitBucketBoundaries: [10, 100, 1000] } });
    for (const [value, digit] of [
      [1, 1],
      [50, 2],
      [5, 3],
      [10_000, 4],
      [60, 5],
    ] as const) {
      clock.nowMs++;
      histogram.record(value, { model: 'iris' }, inSpan(digit));
      histogram.record(value, { model: 'wine' });
    }
    const { scopes } = await meters.createView('cumulative').collect(1000);
    const [metric] = scopes[0]?.metrics ?? [];
    assert.ok(metric?.kind === 'histogram');
    assert.deepEqual(
      metric.points[0]?.exemplars?.map((exemplar) => exemplar && [exemplar.value, spanOf(exemplar)]),
      [[5, 3], [60, 5], undefined, [10_000, 4], undefined, undefined, undefined, undefined],
    );
  });

  it('are of several sizes in an exponential histogram, and 20 of a series at most', async () => {
    const { clock, meters, meter } = createNative({ filter: 'trace_based' });
    const histogram = meter.createHistogram('x', { aggregation: 'base2_exponential_bucket_histogram' });
    for (let exponent = -50; exponent < 50; exponent++) {
      clock.nowMs++;
      histogram.record(2 ** exponent, {}, inSpan(1));
      histogram.record(-(2 ** exponent), { negative: true }, inSpan(1));
    }
    histogram.record(0, {}, inSpan(2));
    const points = await collect(meters.createView('cumulative'));
    const exemplars = points.get('x')?.exemplars ?? [];
    assert.equal(exemplars.length, 20);
    assert.deepEqual(
      exemplars.filter((each) => spanOf(each) === 2).map(({ value }) => value),
      [0],
    );
    assert.equal(points.get('x {"negative":true}')?.exemplars.length, 20);
  });

  it('stay with their rows when these are sparse', async () => {
    const { meters, meter } = createNative({ filter: 'trace_based' });
    const counter = meter.createCounter('x');
    for (let i = 0; i < 20; i++) counter.add(i, { i }, inSpan(i % 10));
    for (let i = 0; i < 20; i += 3) counter.remove({ i });
    for (const [series, { value, exemplars }] of await collect(meters.createView('cumulative'))) {
      assert.deepEqual(exemplars.map(spanOf), [Number(value) % 10], series);
    }
  });

  it('have the integer that was added, where fractions are cut off', async () => {
    const { meters, meter } = createNative({ filter: 'trace_based' });
    meter.createCounter('x', { valueType: ValueType.INT }).add(2.75, {}, inSpan(1));
    assert.deepEqual(
      (await exemplarsOf(meters.createView('cumulative'))).map(({ value }) => value),
      [2],
    );
  });

  it('come from the active span from the next collection on, where somebody keeps it only later', async () => {
    const { meters, meter } = createNative({ filter: 'trace_based' });
    const counter = meter.createCounter('x');
    const view = meters.createView('cumulative');
    context.setGlobalContextManager(new Contexts());
    counter.add(1);
    await collect(view);
    context.with(inSpan(7), () => counter.add(1));
    assert.deepEqual((await exemplarsOf(view)).map(spanOf), [7]);
  });

  it('are kept over an await by the context manager', async () => {
    context.setGlobalContextManager(new Contexts());
    const { meters, meter } = createNative({ filter: 'trace_based' });
    const bound = meter.createCounter('x').bind({});
    await context.with(inSpan(8), async () => {
      await Promise.resolve();
      bound.add(1);
    });
    assert.deepEqual((await exemplarsOf(meters.createView('cumulative'))).map(spanOf), [8]);
  });

  it('of what found no room are with the overflow', async () => {
    const { meters, meter } = createNative({ limit: 1, filter: 'trace_based' });
    const counter = meter.createCounter('x');
    for (let i = 0; i < 3; i++) counter.add(1, { i }, inSpan(i));
    const points = await collect(meters.createView('cumulative'));
    assert.deepEqual(points.get('x {"otel.metric.overflow":true}')?.exemplars.map(spanOf), [2]);
  });
});
