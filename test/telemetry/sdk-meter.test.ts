// What the SDK's meter lacks, and how it is made up for. What both engines promise is in test/contract/.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { BindableMeter } from '../../src/instruments/index.ts';
import { createTestEngine, pointsOf } from './engines.ts';
import { metricOf } from './telemetry-on.ts';

const ways: Record<string, (meter: BindableMeter, attributes: Attributes) => void> = {
  'a counter': (meter, attributes) => meter.createCounter('m').add(1, attributes),
  'a bound counter': (meter, attributes) => meter.createCounter('m').bind(attributes).add(1),
  'an up-down counter': (meter, attributes) => meter.createUpDownCounter('m').add(1, attributes),
  'a gauge': (meter, attributes) => meter.createGauge('m').record(1, attributes),
  'a bound gauge': (meter, attributes) => meter.createGauge('m').bind(attributes).add(1),
  'a histogram': (meter, attributes) => meter.createHistogram('m').record(1, attributes),
  'a bound histogram': (meter, attributes) => meter.createHistogram('m').bind(attributes).record(1),
};

describe('attributes on the meter of the SDK', () => {
  for (const [what, record] of Object.entries(ways)) {
    it(`of ${what} are copied, without those that have no value`, async () => {
      const { meter, pull } = createTestEngine('sdk');
      const attributes: Attributes = { a: '1', b: undefined, c: null, d: false, e: 0, f: '' };
      const before = { ...attributes };
      record(meter, attributes);
      assert.deepEqual(attributes, before);
      attributes.a = '2';
      const metric = await metricOf(pull, 'm');
      assert.ok(metric);
      const points = metric.kind === 'histogram' ? metric.points[0] : metric.points;
      assert.deepEqual(points && 'attributes' in points && points.attributes, [{ a: '1', d: false, e: 0, f: '' }]);
    });
  }

  it('that have no value make no series of their own', async () => {
    for (const [what, record] of Object.entries(ways)) {
      const { meter, pull } = createTestEngine('sdk');
      for (const attributes of [{ a: 1 }, { a: 1, b: undefined }, { b: null, a: 1 }]) record(meter, attributes);
      assert.deepEqual(Object.keys((await pointsOf(pull)).m ?? {}), ['a=1'], what);
    }
  });
});

describe('a gauge on the meter of the SDK', () => {
  it('goes up and down from what was recorded last, in whatever way', async () => {
    const { meter, pull } = createTestEngine('sdk');
    const gauge = meter.createGauge('g');
    const [one, same, other] = [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 2 }].map((attributes) => gauge.bind(attributes));
    one?.add(5);
    same?.add(-2);
    other?.add(1);
    gauge.record(10, { b: 2, a: 1 });
    one?.add(1);
    same?.record(20);
    one?.add(-0.5);
    assert.deepEqual(await pointsOf(pull), { g: { 'a=1,b=2': 19.5, 'a=2': 1 } });
  });

  it('counts from 0 again for a set that was recorded longest ago, where there are too many', async () => {
    const { meter, pull } = createTestEngine('sdk', {}, { cardinalityLimit: 10_000 });
    const gauge = meter.createGauge('g');
    for (let i = 0; i < 2_000; i++) gauge.bind({ i }).add(10);
    gauge.bind({ i: 0 }).add(1); // Now it is not the oldest.
    gauge.bind({ i: 2_000 }).add(10);
    for (const i of [0, 1, 2]) gauge.bind({ i }).add(1);
    const { g } = await pointsOf(pull);
    assert.deepEqual([g?.['i=0'], g?.['i=1'], g?.['i=3']], [12, 1, 10]);
  });
});

describe('a histogram on the meter of the SDK', () => {
  it('that is a summary has one bucket, whatever is advised', async () => {
    const { meter, pull } = createTestEngine('sdk');
    const advice = { explicitBucketBoundaries: [1, 2] };
    meter.createHistogram('plain', { aggregation: 'summary' }).record(3);
    meter.createHistogram('advised', { aggregation: 'summary', advice }).record(3);
    for (const name of ['plain', 'advised']) {
      const metric = await metricOf(pull, name);
      assert.ok(metric?.kind === 'histogram');
      assert.deepEqual([metric.points[0]?.bounds, [...(metric.points[0]?.bucketCounts ?? [])]], [[], [1]]);
    }
  });

  it('cannot be an exponential one, and says so', () => {
    const { meter } = createTestEngine('sdk');
    const aggregation = 'base2_exponential_bucket_histogram';
    assert.throws(() => meter.createHistogram('h', { aggregation }), {
      message: 'h: the engine sdk takes base2_exponential_bucket_histogram from views only',
    });
  });
});
