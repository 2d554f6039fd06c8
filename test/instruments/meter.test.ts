import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { diag, ValueType, type DiagLogger } from '@opentelemetry/api';
import type { HistogramMetric, Metric } from '../../src/metric/model.ts';
import { createMeters, type View } from '../../src/instruments/index.ts';
import { createNative, valuesOf } from './native.ts';

/** The specification's, for histograms that are told nothing. */
const DEFAULT_BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

async function metricsOf(view: View): Promise<readonly Metric[]> {
  const { scopes } = await view.collect(1000);
  return scopes.flatMap(({ metrics }) => metrics);
}

async function boundsOf(view: View): Promise<(readonly number[])[]> {
  const metrics = await metricsOf(view);
  return metrics.flatMap((metric) => (metric as HistogramMetric).points.map(({ bounds }) => bounds));
}

const warnings: string[] = [];
beforeEach(() => {
  warnings.length = 0;
  const warn = (text: string): number => warnings.push(text);
  const ignore = mock.fn();
  const logger: DiagLogger = { warn, error: warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { suppressOverrideMessage: true });
});
afterEach(() => diag.disable());

describe('a meter', () => {
  it('is the same for the same scope, and another for another version or schema', () => {
    const { meters } = createNative();
    const scope = { name: 'a', version: '1', schemaUrl: 'https://example.org/1' };
    assert.equal(meters.getMeter(scope), meters.getMeter({ ...scope }));
    assert.equal(meters.getMeter({ name: 'a' }), meters.getMeter({ name: 'a', version: '', schemaUrl: '' }));
    const others = [{ name: 'b' }, { name: 'a', version: '1' }, { name: 'a', schemaUrl: '1' }];
    assert.equal(new Set([scope, { name: 'a' }, ...others].map((each) => meters.getMeter(each))).size, 5);
  });

  it('shows scopes in the order of their creation, those that have something', async () => {
    const { meters } = createNative();
    const names = ['z', 'empty', 'a'];
    const counters = names.map((name) => meters.getMeter({ name, version: '2' }).createCounter('requests'));
    const view = meters.createView('cumulative');
    for (const i of [2, 0]) counters[i]?.add(1);
    const { scopes } = await view.collect(1000);
    assert.deepEqual(
      scopes.map(({ scope }) => scope),
      ['z', 'a'].map((name) => ({ name, version: '2', schemaUrl: '' })),
    );
  });

  it('keeps instruments of one name in two scopes apart', async () => {
    const { meters } = createNative();
    for (const [i, name] of ['a', 'b'].entries())
      meters
        .getMeter({ name })
        .createCounter('requests')
        .add(i + 1);
    const metrics = await metricsOf(meters.createView('cumulative'));
    assert.deepEqual(
      metrics.map((metric) => metric.kind === 'sum' && metric.points.values[0]),
      [1, 2],
    );
  });

  it('gives the same instrument for the same name, whatever its case', async () => {
    const { meters, meter } = createNative();
    const first = meter.createCounter('Requests', { unit: '{request}' });
    assert.equal(meter.createCounter('requests', { unit: '{request}' }), first);
    meter.createCounter('REQUESTS', { unit: '{request}' }).add(2);
    first.add(1);
    assert.deepEqual(await valuesOf(meters.createView('cumulative')), { Requests: 3 });
    assert.deepEqual(warnings, []);
  });

  it('keeps the longer description', async () => {
    const { meters, meter } = createNative();
    const view = meters.createView('cumulative');
    meter.createCounter('requests', { description: 'Requests' }).add(1);
    const [shown] = await metricsOf(view);
    meter.createCounter('requests', { description: 'Requests that came in' });
    meter.createCounter('requests', { description: 'Short' });
    assert.equal((await metricsOf(view))[0]?.description, 'Requests that came in');
    assert.equal(shown?.description, 'Requests', 'what was collected before is not touched');
    assert.deepEqual(warnings, []);
  });

  it('creates what disagrees in kind, unit or type of value once more, and warns', async () => {
    const { meters, meter } = createNative();
    const view = meters.createView('cumulative');
    meter.createCounter('work', { unit: 's' }).add(1);
    meter.createUpDownCounter('work', { unit: 's' }).add(-2);
    meter.createCounter('Work', { unit: 'ms' }).add(3);
    meter.createHistogram('work', { unit: 's' }).record(4);
    meter.createHistogram('work', { unit: 's', aggregation: 'summary' }).record(5);
    meter.createCounter('work', { unit: 's', valueType: ValueType.INT }).add(6);
    meter.createCounter('work', { unit: 's' }).add(10);
    assert.deepEqual(
      (await metricsOf(view)).map((metric) => [
        metric.kind,
        metric.unit,
        metric.kind === 'sum' && metric.points.values[0],
      ]),
      [
        ['sum', 's', 11],
        ['sum', 's', -2],
        ['sum', 'ms', 3],
        ['histogram', 's', false],
        ['summary', 's', false],
        ['sum', 's', 6],
      ],
    );
    assert.equal(warnings.length, 5);
    assert.match(warnings[0] ?? '', /the metric work is created once more, as another kind or with another unit/);
  });

  it('warns of names that OpenTelemetry does not allow, and records all the same', async () => {
    const { meters, meter } = createNative();
    const names = ['', '1st', 'has space', 'é', `a${'b'.repeat(255)}`];
    for (const name of names) meter.createCounter(name).add(1);
    assert.equal(warnings.length, names.length);
    assert.match(warnings[2] ?? '', /"has space"/);
    for (const name of ['a', 'A.b-c/d_1', `a${'b'.repeat(254)}`]) meter.createCounter(name).add(1);
    assert.equal(warnings.length, names.length);
    assert.equal(Object.keys(await valuesOf(meters.createView('cumulative'))).length, names.length + 3);
  });

  it('cuts the fractions of an instrument of whole numbers off', async () => {
    const { meters, meter } = createNative();
    const options = { valueType: ValueType.INT };
    meter.createCounter('counter', options).add(2.9);
    meter.createUpDownCounter('up_down', options).add(-2.9);
    meter.createGauge('gauge', options).record(-7.5);
    meter.createObservableCounter('observed', options).addCallback((result) => result.observe(8.5));
    meter.createObservableGauge('level', options).addCallback((result) => result.observe(-1.5));
    const view = meters.createView('cumulative');
    assert.deepEqual(await valuesOf(view), { counter: 2, up_down: -2, gauge: -7, observed: 8, level: -1 });
    for (const metric of await metricsOf(view)) assert.equal('integer' in metric && metric.integer, true, metric.name);
  });

  it('cuts the fractions of what goes into a histogram of whole numbers off', async () => {
    const { meters, meter } = createNative();
    const options = { valueType: ValueType.INT, advice: { explicitBucketBoundaries: [2] } };
    meter.createHistogram('bounds', options).record(2.9);
    meter.createHistogram('powers', { ...options, aggregation: 'base2_exponential_bucket_histogram' }).record(2.9);
    for (const metric of await metricsOf(meters.createView('cumulative'))) {
      assert.ok(metric.kind === 'histogram' || metric.kind === 'exponential_histogram');
      const points = metric.kind === 'histogram' ? metric.points[0] : metric.points.histograms[0];
      assert.deepEqual([points && 'sums' in points ? points.sums[0] : points?.sum], [2], metric.name);
      if (metric.kind === 'histogram') assert.deepEqual([...(metric.points[0]?.bucketCounts ?? [])], [1, 0]);
    }
  });

  it('does not say that doubles are whole numbers', async () => {
    const { meters, meter } = createNative();
    meter.createCounter('counter', { valueType: ValueType.DOUBLE }).add(2.5);
    meter.createGauge('gauge').record(3);
    for (const metric of await metricsOf(meters.createView('cumulative'))) assert.ok(!('integer' in metric));
  });

  it('shows nothing of an instrument that was never recorded on', async () => {
    const { meters, meter } = createNative();
    meter.createCounter('counter');
    meter.createHistogram('histogram');
    meter.createObservableGauge('gauge').addCallback(() => {});
    for (const preference of ['cumulative', 'delta'] as const) {
      assert.deepEqual(await meters.createView(preference).collect(1000), { scopes: [], errors: [] });
    }
  });

  it('shows what was recorded before the view was made, to a delta view once', async () => {
    const { meters, meter } = createNative();
    const [counter, histogram] = [meter.createCounter('counter'), meter.createHistogram('histogram')];
    const exponential = meter.createHistogram('exponential', { aggregation: 'base2_exponential_bucket_histogram' });
    const recordAll = (): void => {
      counter.add(1);
      histogram.record(1);
      exponential.record(1);
    };
    recordAll();
    await meters.createView('cumulative').collect(1000);
    recordAll();
    const view = meters.createView('delta');
    assert.deepEqual(await valuesOf(view), { counter: 2, histogram: 2, exponential: 2 });
    assert.deepEqual(await valuesOf(view), {});
    recordAll();
    assert.deepEqual(await valuesOf(view), { counter: 1, histogram: 1, exponential: 1 });
  });

  it('counts in stats what each instrument has', () => {
    const meters = createMeters({ cardinalityLimit: 7, exemplarFilter: 'always_off', nowMs: Date.now });
    const meter = meters.getMeter({ name: 'test' });
    const counter = meter.createCounter('counter');
    meter.createHistogram('histogram', { cardinalityLimit: 1 });
    counter.add(1, { a: 1 });
    counter.add(1, { a: 2 });
    const none = { overflowed: new Map(), refused: new Map() };
    assert.deepEqual(meters.stats(), [
      { name: 'counter', limit: 7, series: 2, ...none },
      { name: 'histogram', limit: 1, series: 0, ...none },
    ]);
  });
});

describe('the bounds of a histogram', () => {
  const cases: Record<string, { advised?: number[]; bounds: number[]; warns?: RegExp }> = {
    'are the default ones where none are advised': { bounds: DEFAULT_BOUNDS },
    'are those advised': { advised: [-1, 0, 0.5], bounds: [-1, 0, 0.5] },
    'may be none': { advised: [], bounds: [] },
    'may end with infinity, which is dropped': { advised: [1, 2, Infinity], bounds: [1, 2] },
    'may be infinity alone': { advised: [Infinity], bounds: [] },
    'must ascend': { advised: [1, 1], bounds: DEFAULT_BOUNDS, warns: /advised for latency do not ascend: 1, 1;/ },
    'must not go down': { advised: [2, 1], bounds: DEFAULT_BOUNDS, warns: /do not ascend: 2, 1;/ },
    'must be numbers': { advised: [1, NaN, 3], bounds: DEFAULT_BOUNDS, warns: /do not ascend: 1, NaN, 3;/ },
    'must not begin with minus infinity': { advised: [-Infinity, 1], bounds: DEFAULT_BOUNDS, warns: /-Infinity/ },
    'may have no infinity in between': { advised: [1, Infinity, Infinity], bounds: DEFAULT_BOUNDS, warns: /Infinity/ },
  };
  for (const [name, { advised, bounds, warns }] of Object.entries(cases)) {
    it(name, async () => {
      const { meters, meter } = createNative();
      const advice = advised === undefined ? undefined : { explicitBucketBoundaries: advised };
      meter.createHistogram('latency', { ...(advice && { advice }) }).record(0.7);
      assert.deepEqual(await boundsOf(meters.createView('cumulative')), [bounds]);
      assert.equal(warnings.length, warns === undefined ? 0 : 1);
      if (warns) assert.match(warnings[0] ?? '', warns);
    });
  }

  it('do not change when the list that was advised does', async () => {
    const { meters, meter } = createNative();
    const explicitBucketBoundaries = [1, 2];
    meter.createHistogram('latency', { advice: { explicitBucketBoundaries } }).record(1.5);
    explicitBucketBoundaries.push(3);
    assert.deepEqual(await boundsOf(meters.createView('cumulative')), [[1, 2]]);
  });

  it('take a value that is equal to one into the bucket that it ends', async () => {
    const { meters, meter } = createNative();
    const histogram = meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [-1, 0, 1] } });
    for (const value of [-2, -1, -0.5, 0, 1, 1.5]) histogram.record(value);
    const [metric] = await metricsOf(meters.createView('cumulative'));
    assert.deepEqual([...((metric as HistogramMetric).points[0]?.bucketCounts ?? [])], [2, 2, 1, 1]);
  });
});
