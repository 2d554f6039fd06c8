import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as prometheusIo from '@prometheus-io/client';
import * as promClient from 'prom-client';
import type { Metric } from '../../src/metric/model.ts';
import { fromPrometheusRegistry, type PrometheusRegistry } from '../../src/telemetry/prometheus-registry.ts';
import { clients, createOpenMetricsRegistry } from './prometheus-clients.ts';

const NOW_MS = 1_700_000_000_123;

async function metricsOf(registry: PrometheusRegistry): Promise<Metric[]> {
  const scopes = await fromPrometheusRegistry(registry, { nowMs: () => NOW_MS }).collect();
  return scopes.flatMap(({ metrics }) => metrics);
}

const help = 'a help';

for (const [packageName, client] of Object.entries(clients)) {
  describe(`a registry of ${packageName} as a source`, () => {
    it('gives a counter as a cumulative monotonic sum since an unknown start', async () => {
      const registry = new client.Registry();
      const registers = [registry];
      const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs done.', registers, labelNames: ['queue'] });
      counter.inc({ queue: 'a' }, 2);
      counter.inc({ queue: 'b' });
      assert.deepEqual(await fromPrometheusRegistry(registry, { scope: 'shop', nowMs: () => NOW_MS }).collect(), [
        {
          scope: { name: 'shop', version: '', schemaUrl: '' },
          metrics: [
            {
              name: 'jobs_total',
              description: 'Jobs done.',
              unit: '',
              kind: 'sum',
              monotonic: true,
              temporality: 'cumulative',
              points: {
                attributes: [{ queue: 'a' }, { queue: 'b' }],
                startTimesMs: Float64Array.of(0, 0),
                timesMs: Float64Array.of(NOW_MS, NOW_MS),
                values: Float64Array.of(2, 1),
              },
            },
          ],
        },
      ]);
    });

    it('gives a gauge with every value as it is', async () => {
      const registry = new client.Registry();
      new client.Gauge({ name: 'g', help, registers: [registry] }).set(-Infinity);
      assert.deepEqual(await metricsOf(registry), [
        {
          name: 'g',
          description: help,
          unit: '',
          kind: 'gauge',
          points: {
            attributes: [{}],
            startTimesMs: Float64Array.of(0),
            timesMs: Float64Array.of(NOW_MS),
            values: Float64Array.of(-Infinity),
          },
        },
      ]);
    });

    it('gives a histogram by its single buckets', async () => {
      const registry = new client.Registry();
      const config = { name: 'h', help, registers: [registry], buckets: [1, 2, 4], labelNames: ['a'] };
      const histogram = new client.Histogram(config);
      for (const value of [1, 1, 3, 5, 5, 5]) histogram.observe({ a: 'x' }, value);
      histogram.observe({ a: 'y' }, 2);
      assert.deepEqual(await metricsOf(registry), [
        {
          name: 'h',
          description: help,
          unit: '',
          kind: 'histogram',
          temporality: 'cumulative',
          points: [
            {
              attributes: [{ a: 'x' }, { a: 'y' }],
              startTimesMs: Float64Array.of(0, 0),
              timesMs: Float64Array.of(NOW_MS, NOW_MS),
              bounds: [1, 2, 4],
              bucketCounts: Float64Array.of(2, 0, 1, 3, 0, 1, 0, 0),
              counts: Float64Array.of(6, 1),
              sums: Float64Array.of(20, 2),
            },
          ],
        },
      ]);
    });

    it('gives a summary with its quantiles in order', async () => {
      const registry = new client.Registry();
      const summary = new client.Summary({ name: 's', help, registers: [registry], percentiles: [1, 0, 0.5] });
      for (const value of [10, 20, 60]) summary.observe(value);
      assert.deepEqual(await metricsOf(registry), [
        {
          name: 's',
          description: help,
          unit: '',
          kind: 'summary',
          points: [
            {
              attributes: [{}],
              startTimesMs: Float64Array.of(0),
              timesMs: Float64Array.of(NOW_MS),
              counts: Float64Array.of(3),
              sums: Float64Array.of(90),
              quantiles: [0, 0.5, 1],
              quantileValues: Float64Array.of(10, 20, 60),
            },
          ],
        },
      ]);
    });

    it('keeps a summary whose quantiles were given in percent, without them', async () => {
      const registry = new client.Registry();
      new client.Summary({ name: 's', help, registers: [registry], percentiles: [0.5, 99] }).observe(2);
      const [summary] = await metricsOf(registry);
      assert.ok(summary?.kind === 'summary');
      assert.deepEqual(summary.points[0]?.quantiles, [0.5]);
      assert.deepEqual(summary.points[0].counts, Float64Array.of(1));
    });

    it('takes a bound of +Inf for the last bucket, with its exemplar', async () => {
      const registry = createOpenMetricsRegistry(client);
      const config = { name: 'h', help, registers: [registry], buckets: [1, Infinity], enableExemplars: true };
      const histogram = new client.Histogram(config);
      for (const value of [1, 2, 3]) histogram.observe({ value, exemplarLabels: value === 3 ? { user: '7' } : {} });
      const [metric] = await metricsOf(registry);
      assert.ok(metric?.kind === 'histogram');
      assert.deepEqual(metric.points[0]?.bounds, [1]);
      assert.deepEqual(metric.points[0].bucketCounts, Float64Array.of(1, 2));
      assert.deepEqual(
        metric.points[0].exemplars?.map((exemplar) => exemplar?.value),
        [undefined, 3],
      );
    });

    it('keeps le and quantile to itself, also where default labels have these names', async () => {
      const registry = new client.Registry();
      registry.setDefaultLabels({ le: 'x', quantile: 'y' });
      new client.Histogram({ name: 'h', help, registers: [registry], buckets: [1] }).observe(1);
      new client.Summary({ name: 's', help, registers: [registry], percentiles: [0.5] }).observe(1);
      const attributes = (await metricsOf(registry)).map(
        ({ points }) => points instanceof Array && points[0]?.attributes,
      );
      assert.deepEqual(attributes, [[{ quantile: 'y' }], [{ le: 'x' }]]);
    });

    it('gives no metric that has no sample yet', async () => {
      const registry = new client.Registry();
      const config = { help, registers: [registry], labelNames: ['a'] };
      new client.Counter({ ...config, name: 'c_total' });
      new client.Gauge({ ...config, name: 'g' });
      new client.Histogram({ ...config, name: 'h' });
      new client.Summary({ ...config, name: 's' });
      new client.Gauge({ help, registers: [registry], name: 'only' });
      assert.deepEqual(
        (await metricsOf(registry)).map(({ name }) => name),
        ['only'],
      );
    });

    it('writes nothing into what it has given', async () => {
      const registry = new client.Registry();
      const registers = [registry];
      const labels = { a: 'x' };
      const counter = new client.Counter({ name: 'c_total', help, registers, labelNames: ['a'] });
      const histogram = new client.Histogram({ name: 'h', help, registers, buckets: [1] });
      counter.inc(labels);
      const given = await metricsOf(registry);
      const before = structuredClone(given);
      labels.a = 'y';
      counter.inc({ a: 'x' });
      histogram.observe(1);
      await registry.metrics();
      assert.deepEqual(given, before);
    });

    it('rejects with the error of a callback of the registry', async () => {
      const registry = new client.Registry();
      const collect = () => Promise.reject(new Error('no reading'));
      new client.Gauge({ name: 'g', help, registers: [registry], collect });
      await assert.rejects(metricsOf(registry), new Error('no reading'));
    });

    const exemplars: Record<string, { labels: Record<string, string>; given: object | undefined }> = {
      'OpenMetrics names': {
        labels: { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) },
        given: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
      },
      "the packages' own names, capital letters and other labels": {
        labels: { traceId: '0AF7651916CD43DD8448EB211C80319C', spanId: '00F067AA0BA902B7', user: '7' },
        given: {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: '00f067aa0ba902b7',
          attributes: { user: '7' },
        },
      },
      'ids of another form, which stay what they are': {
        labels: { trace_id: '123', span_id: 'b'.repeat(16) },
        given: { traceId: '', spanId: 'b'.repeat(16), attributes: { trace_id: '123' } },
      },
      'no labels of a span': { labels: { user: '7' }, given: { traceId: '', spanId: '', attributes: { user: '7' } } },
      'labels so long that the package refuses them': { labels: { user: 'x'.repeat(130) }, given: undefined },
    };
    for (const [what, { labels, given }] of Object.entries(exemplars)) {
      it(`gives exemplars with ${what}`, async (t) => {
        t.mock.timers.enable({ apis: ['Date'], now: NOW_MS });
        const registry = createOpenMetricsRegistry(client);
        const config = { help, registers: [registry], enableExemplars: true };
        const counter = new client.Counter({ ...config, name: 'c_total' });
        const histogram = new client.Histogram({ ...config, name: 'h', buckets: [1, 2] });
        record(() => counter.inc({ value: 1, exemplarLabels: labels }));
        record(() => histogram.observe({ value: 1.5, exemplarLabels: labels }));
        record(() => histogram.observe({ value: 3, exemplarLabels: labels }));

        const [sum, buckets] = await metricsOf(registry);
        assert.ok(sum?.kind === 'sum' && buckets?.kind === 'histogram');
        const of = (value: number) => given && { value, timeMs: NOW_MS, ...given };
        assert.deepEqual(sum.points.exemplars, given && [of(1)]);
        assert.deepEqual(buckets.points[0]?.exemplars, given && [undefined, of(1.5), of(3)]);
      });
    }
  });
}

function record(recording: () => void): void {
  try {
    recording();
  } catch (error) {
    assert.ok(error instanceof RangeError); // Too long; the value is recorded nevertheless.
  }
}

interface ForeignSample {
  readonly value?: unknown;
  readonly labels?: unknown;
  readonly metricName?: string;
}

const histogramOf = (...values: ForeignSample[]) => ({ name: 'h', help, type: 'histogram', values });
const summaryOf = (...values: ForeignSample[]) => ({ name: 'h', help, type: 'summary', values });
const bucket = (le: unknown, value: unknown, labels = {}) => ({
  metricName: 'h_bucket',
  labels: { ...labels, le },
  value,
});
const sum = (value: unknown, labels = {}) => ({ metricName: 'h_sum', labels, value });
const count = (value: unknown, labels = {}) => ({ metricName: 'h_count', labels, value });

function foreign(...metrics: unknown[]): PrometheusRegistry {
  return { getMetricsAsJSON: () => Promise.resolve(metrics) };
}

describe('a series that is not consistent is left out, and those beside it are not:', () => {
  const good = { a: 'good' };
  const cases: Record<string, ForeignSample[]> = {
    'buckets that fall': [bucket(1, 3), bucket(2, 2), bucket('+Inf', 3), sum(1), count(3)],
    'a bucket above the count': [bucket(1, 4), sum(1), count(3)],
    'a last bucket that is not the count': [bucket(1, 1), bucket('+Inf', 2), sum(1), count(3)],
    'two buckets of one bound that differ': [bucket(1, 1), bucket('1.0', 2), bucket('+Inf', 2), sum(1), count(2)],
    'a bucket without a count': [bucket(1, NaN), bucket('+Inf', 2), sum(1), count(2)],
    'a bound that is no number': [bucket('one', 1), bucket('+Inf', 2), sum(1), count(2)],
    'no sum': [bucket('+Inf', 2), count(2)],
    'a sum that is no number': [bucket('+Inf', 2), sum('1'), count(2)],
    'no count': [bucket('+Inf', 2), sum(1)],
    'a count of NaN': [bucket('+Inf', 2), sum(1), count(NaN)],
    'a negative count': [bucket('+Inf', -1), sum(1), count(-1)],
    'a count of halves, the mean of two workers': [bucket('+Inf', 1.5), sum(1), count(1.5)],
    'a count that a double cannot hold': [bucket('+Inf', 2 ** 60), sum(1), count(2 ** 60)],
  };
  for (const [what, samples] of Object.entries(cases)) {
    it(what, async () => {
      const kept = [bucket(1, 1, good), bucket('+Inf', 2, good), sum(9, good), count(2, good)];
      const [metric, ...others] = await metricsOf(foreign(histogramOf(...samples, ...kept)));
      assert.ok(metric?.kind === 'histogram');
      assert.deepEqual(
        metric.points.map(({ attributes }) => attributes),
        [[good]],
      );
      assert.deepEqual(others, []);
      assert.deepEqual(await metricsOf(foreign(histogramOf(...samples))), []);
    });
  }

  it('a summary without a sum, without a count, or with a count that is none', async () => {
    const quantile = { labels: { quantile: 0.5 }, value: 1 };
    for (const samples of [
      [quantile, count(1)],
      [quantile, sum(1)],
      [quantile, sum(1), count(NaN)],
      [quantile, sum(1), count(-1)],
    ]) {
      const [metric] = await metricsOf(foreign(summaryOf(...samples, sum(9, good), count(2, good))));
      assert.ok(metric?.kind === 'summary');
      assert.deepEqual(
        metric.points.map(({ attributes }) => attributes),
        [[good]],
      );
      assert.deepEqual(await metricsOf(foreign(summaryOf(...samples))), []);
    }
  });
});

describe('a foreign registry', () => {
  it('may have buckets in any order, and series of different bounds, which are grouped', async () => {
    const [x, y, z] = [{ a: 'x' }, { a: 'y' }, { a: 'z' }];
    const registry = foreign(
      histogramOf(
        ...[count(3, x), bucket('+Inf', 3, x), bucket(2, 2, x), sum(5, x), bucket(1, 0, x)],
        ...[bucket(7, 1, y), sum(6, y), count(4, y)],
        ...[bucket(1, 1, z), bucket(2, 1, z), sum(7, z), count(1, z)],
      ),
    );
    const [metric] = await metricsOf(registry);
    assert.ok(metric?.kind === 'histogram');
    assert.deepEqual(
      metric.points.map(({ attributes, bounds, bucketCounts, counts, sums }) => {
        return { attributes, bounds, bucketCounts: [...bucketCounts], counts: [...counts], sums: [...sums] };
      }),
      [
        { attributes: [x, z], bounds: [1, 2], bucketCounts: [0, 2, 1, 1, 0, 0], counts: [3, 1], sums: [5, 7] },
        { attributes: [y], bounds: [7], bucketCounts: [1, 3], counts: [4], sums: [6] },
      ],
    );
  });

  it('may have series whose labels would read alike without their borders', async () => {
    const labelSets = [{ a: 'x,b,y' }, { a: 'x', b: 'y' }, { a: 'x","b":"y' }];
    const samples = labelSets.flatMap((labels) => [count(0, labels), sum(0, labels)]);
    const [metric] = await metricsOf(foreign(histogramOf(...samples, sum(1, { b: 'y', a: 'x' }))));
    assert.ok(metric?.kind === 'histogram');
    assert.deepEqual(metric.points[0]?.attributes, labelSets);
    assert.deepEqual([...metric.points[0].sums], [0, 1, 0]);
  });

  it('may have anything beside its metrics, which is ignored', async () => {
    const gauge = { name: 'g', type: 'gauge', values: [{ value: 1 }, { value: '2' }, { labels: {} }, null, 3] };
    const strangers = [
      undefined,
      null,
      'g',
      {},
      { name: 'i', help, type: 'info', values: [{ value: 1, labels: {} }] },
      { name: 'n', help, type: 2, values: [{ value: 1, labels: {} }] },
      { name: 'v', help, type: 'gauge' },
      { name: 5, help, type: 'gauge', values: [{ value: 1, labels: {} }] },
    ];
    const metrics = await metricsOf(foreign(...strangers, gauge, ...strangers));
    assert.deepEqual(
      metrics.map((metric) => [metric.name, metric.description, metric.kind === 'gauge' && [...metric.points.values]]),
      [['g', '', [1]]],
    );
  });

  it('may have samples of its own in a histogram, which are ignored', async () => {
    const created = { metricName: 'h_created', labels: {}, value: NOW_MS };
    const [metric] = await metricsOf(foreign(histogramOf(created, bucket('+Inf', 2), sum(1), count(2))));
    assert.ok(metric?.kind === 'histogram');
    assert.deepEqual([...(metric.points[0]?.bucketCounts ?? [])], [2]);
  });

  it('may have exemplars without a value or a time, which are left out', async () => {
    const samples = [{ value: 1, timestamp: 2.5 }, { value: 1 }, { timestamp: 2.5 }, null, 'e'].map((exemplar) => {
      return { value: 1, exemplar };
    });
    const [metric] = await metricsOf(foreign({ name: 'c_total', help, type: 'counter', values: samples }));
    assert.ok(metric?.kind === 'sum');
    const kept = { value: 1, timeMs: 2500, traceId: '', spanId: '' };
    assert.deepEqual(metric.points.exemplars, [kept, undefined, undefined, undefined, undefined]);
  });

  it('without a metric gives nothing, not an empty scope', async () => {
    assert.deepEqual(await fromPrometheusRegistry(foreign()).collect(), []);
  });

  it('that throws costs a rejection, not the caller', async () => {
    const registry = {
      getMetricsAsJSON(): Promise<never> {
        throw new Error('broken');
      },
    };
    await assert.rejects(fromPrometheusRegistry(registry).collect(), new Error('broken'));
  });
});

it('a registry is taken as each package types it, and is named like its scope', async () => {
  for (const source of [
    fromPrometheusRegistry(new prometheusIo.Registry(), { scope: 'shop' }),
    fromPrometheusRegistry(new promClient.Registry(), { scope: 'shop' }),
  ]) {
    assert.equal(source.name, 'shop');
    assert.deepEqual(await source.collect(), []);
  }
});
