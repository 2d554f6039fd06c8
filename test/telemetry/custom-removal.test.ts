// Series of custom metrics end: removed, expired, or never begun because there are too many.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { CustomMetrics } from '../../src/telemetry/custom-metrics.ts';
import { customSamples, telemetryOn } from './telemetry-on.ts';

/** One of each kind. */
function registerAll(custom: CustomMetrics) {
  const counter = custom.register('counter', { kind: 'counter' });
  const gauge = custom.register('gauge', { kind: 'gauge' });
  const histogram = custom.register('histogram', { buckets: [1] });
  const summary = custom.register('summary', { kind: 'summary' });
  return [
    {
      metric: counter,
      record: (value: number, attributes?: Attributes) => counter.inc(value, attributes),
      sample: 'counter_total',
    },
    {
      metric: gauge,
      record: (value: number, attributes?: Attributes) => gauge.inc(value, attributes),
      sample: 'gauge',
    },
    {
      metric: histogram,
      record: (value: number, attributes?: Attributes) => histogram.observe(value, attributes),
      sample: 'histogram_count',
    },
    {
      metric: summary,
      record: (value: number, attributes?: Attributes) => summary.observe(value, attributes),
      sample: 'summary_count',
    },
  ];
}

describe('removing from a custom metric', () => {
  it('ends the series of these attributes and no other, whatever kind it is of', async () => {
    const telemetry = telemetryOn('native');
    for (const { metric, record } of registerAll(telemetry.custom)) {
      record(1);
      record(1, { a: 'x' });
      record(1, { a: 'y' });
      assert.deepEqual(
        [metric.remove({ a: 'x' }), metric.remove({ a: 'x' }), metric.remove({ a: 'z' })],
        [true, false, false],
      );
    }
    const samples = await customSamples(telemetry);
    for (const { sample } of registerAll(telemetry.custom)) {
      assert.deepEqual([samples[sample], samples[`${sample}{a="x"}`], samples[`${sample}{a="y"}`]], [1, undefined, 1]);
    }
  });

  it('ends the series without attributes if none are given, which begins at 0 when it is recorded on again', async () => {
    const telemetry = telemetryOn('native');
    for (const { metric, record, sample } of registerAll(telemetry.custom)) {
      record(1);
      record(1);
      assert.equal(metric.remove(), true);
      assert.equal((await customSamples(telemetry))[sample], undefined);
      record(1);
      assert.equal((await customSamples(telemetry))[sample], 1);
    }
  });

  it('ends the series of the model that it is called in', async () => {
    const telemetry = telemetryOn('native');
    const { custom } = telemetry;
    const jobs = custom.register('jobs', { kind: 'counter', attributes: ['a'] });
    for (const name of ['iris', 'wine']) custom.inModel({ name, version: '1' }, () => jobs.inc(1, { a: 'x' }));
    jobs.inc(1, { a: 'x' });
    assert.equal(
      custom.inModel({ name: 'iris', version: '2' }, () => jobs.remove({ a: 'x' })),
      false,
    );
    assert.equal(
      custom.inModel({ name: 'iris', version: '1' }, () => jobs.remove({ a: 'x' })),
      true,
    );
    assert.deepEqual(await customSamples(telemetry), {
      'jobs_total{a="x",inference_model_name="wine",inference_model_version="1"}': 1,
      'jobs_total{a="x"}': 1,
    });
  });

  it('does nothing with the engine sdk, and says so', async () => {
    const telemetry = telemetryOn('sdk');
    for (const { metric, record } of registerAll(telemetry.custom)) {
      record(1, { a: 'x' });
      assert.equal(metric.remove({ a: 'x' }), false);
    }
    const samples = await customSamples(telemetry);
    for (const { sample } of registerAll(telemetry.custom)) assert.equal(samples[`${sample}{a="x"}`], 1);
  });
});

for (const kind of ['counter', 'gauge', 'histogram', 'summary'] as const) {
  it(`the limit of series of a ${kind} is its own, and the others keep that of all`, async () => {
    const telemetry = telemetryOn('native', { cardinalityLimit: 3 });
    telemetry.custom.register('few', { kind, cardinalityLimit: 2 });
    telemetry.custom.register('others', { kind });
    for (let i = 0; i < 5; i++) telemetry.custom.log({ few: 1, others: 1 }, { i });
    const names = Object.keys(await customSamples(telemetry)).filter((name) => !/_(bucket|sum)/.test(name));
    assert.deepEqual(
      ['few', 'others'].map((name) => names.filter((each) => each.startsWith(name)).length),
      [3, 4],
    );
    assert.equal(names.filter((name) => name.includes('otel_metric_overflow="true"')).length, 2);
  });

  it(`a series of a ${kind} expires if that was asked for, and no series of another metric`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
    const telemetry = telemetryOn('native');
    telemetry.custom.register('brief', { kind, expireAfterMs: 10_000 });
    telemetry.custom.register('long', { kind });
    const shown = async (): Promise<string[]> => {
      const names = Object.keys(await customSamples(telemetry)).filter((name) => !/_(bucket|sum)/.test(name));
      return names.map((name) => name.replace(/_(total|count)/, ''));
    };
    telemetry.custom.log({ brief: 1, long: 1 }, { a: 'x' });
    assert.deepEqual(await shown(), ['brief{a="x"}', 'long{a="x"}']);
    t.mock.timers.tick(6_000);
    telemetry.custom.log({ brief: 1 }, { a: 'y' });
    assert.deepEqual(await shown(), ['brief{a="x"}', 'brief{a="y"}', 'long{a="x"}']);
    t.mock.timers.tick(6_000);
    assert.deepEqual(await shown(), ['brief{a="y"}', 'long{a="x"}']);
  });
}

it('a limit and an expiry have no effect with the engine sdk', async () => {
  const telemetry = telemetryOn('sdk');
  telemetry.custom.register('few', { kind: 'counter', cardinalityLimit: 1, expireAfterMs: 1 });
  for (let i = 0; i < 3; i++) telemetry.custom.log({ few: 1 }, { i });
  assert.equal(Object.keys(await customSamples(telemetry)).length, 3);
});
