// What users record, on both engines, and as it comes out: on the page of a scrape and in what is pushed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CustomMetrics } from '../../src/telemetry/custom-metrics.ts';
import { toPoints } from './engines.ts';
import { customSamples, engineNames, pageOf, telemetryOn } from './telemetry-on.ts';

const MLSERVER_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** What is recorded -> all samples of custom metrics. */
const recordings: Record<string, { record: (custom: CustomMetrics) => void; samples: Record<string, number> }> = {
  'a counter, by 1 unless an amount is given': {
    record: (custom) => {
      const jobs = custom.register('jobs', { kind: 'counter' });
      jobs.inc();
      jobs.inc(2.5);
      jobs.inc(0);
      jobs.inc(undefined, { queue: 'a' });
      jobs.inc(3, { queue: 'a' });
    },
    samples: { jobs_total: 3.5, 'jobs_total{queue="a"}': 4 },
  },
  'a gauge, set and moved by 1 unless an amount is given': {
    record: (custom) => {
      const size = custom.register('size', { kind: 'gauge' });
      size.inc();
      size.inc(4);
      size.dec();
      size.dec(0.5);
      size.set(10, { pool: 'a' });
      size.dec(12, { pool: 'a' });
      size.set(7, { pool: 'b' });
      size.set(-3, { pool: 'b' });
      size.dec(undefined, { pool: 'c' });
    },
    samples: { size: 3.5, 'size{pool="a"}': -2, 'size{pool="b"}': -3, 'size{pool="c"}': -1 },
  },
  'a histogram, its bounds inclusive': {
    record: (custom) => {
      const score = custom.register('score', { kind: 'histogram', buckets: [1, 2] });
      for (const value of [0, 1, 1.5, 2, 9]) score.observe(value);
      score.observe(2, { of: 'x' });
    },
    samples: {
      'score_bucket{le="1"}': 2,
      'score_bucket{le="2"}': 4,
      'score_bucket{le="+Inf"}': 5,
      score_sum: 13.5,
      score_count: 5,
      'score_bucket{of="x",le="1"}': 0,
      'score_bucket{of="x",le="2"}': 1,
      'score_bucket{of="x",le="+Inf"}': 1,
      'score_sum{of="x"}': 2,
      'score_count{of="x"}': 1,
    },
  },
  'a metric with a unit, which is said in its name': {
    record: (custom) => {
      custom.register('wait', { kind: 'counter', unit: 's' }).inc(0.5);
      custom.register('free', { kind: 'gauge', unit: 'By' }).set(4096);
      custom.register('load', { kind: 'gauge', unit: '1' }).set(0.25);
      custom.register('cats', { kind: 'gauge', unit: '{cat}' }).set(9);
    },
    samples: { wait_seconds_total: 0.5, free_bytes: 4096, load_ratio: 0.25, cats: 9 },
  },
  'log: counted in a counter, set in a gauge': {
    record: (custom) => {
      custom.register('jobs', { kind: 'counter' });
      custom.register('size', { kind: 'gauge' });
      custom.log({ jobs: 2, size: 5 });
      custom.log({ jobs: 3, size: 4 });
      custom.log({ jobs: 1 }, { queue: 'a' });
    },
    samples: { jobs_total: 5, size: 4, 'jobs_total{queue="a"}': 1 },
  },
  'log: recorded in a histogram, with the attributes that are given': {
    record: (custom) => {
      custom.register('score', { buckets: [1] });
      custom.log({ score: 1 }, { of: 'x' });
      custom.log({ score: 2 }, { of: 'x' });
    },
    samples: {
      'score_bucket{of="x",le="1"}': 1,
      'score_bucket{of="x",le="+Inf"}': 2,
      'score_sum{of="x"}': 3,
      'score_count{of="x"}': 2,
    },
  },
  'nothing, where nothing was recorded': {
    record: (custom) => {
      custom.register('a', { kind: 'counter' });
      custom.register('b');
      custom.log({});
    },
    samples: {},
  },
};

for (const engine of engineNames) {
  describe(`custom metrics with the engine ${engine}`, () => {
    for (const [what, { record, samples }] of Object.entries(recordings)) {
      it(`show ${what}`, async () => {
        const telemetry = telemetryOn(engine);
        record(telemetry.custom);
        assert.deepEqual(await customSamples(telemetry), samples);
        assert.deepEqual(telemetry.lines, []);
      });
    }

    it('are histograms on the bounds of MLServer unless they are said to be something else', async () => {
      const telemetry = telemetryOn(engine);
      const { custom } = telemetry;
      custom.register('registered').observe(0.06);
      custom.log({ logged: 0.06 });
      const samples = await customSamples(telemetry);
      for (const name of ['registered', 'logged']) {
        const buckets = MLSERVER_BOUNDS.map((bound) => [`${name}_bucket{le="${bound}"}`, bound < 0.06 ? 0 : 1]);
        for (const [key = '', value] of buckets) assert.equal(samples[key], value, String(key));
        assert.equal(samples[`${name}_bucket{le="+Inf"}`], 1);
        assert.equal(samples[`${name}_sum`], 0.06);
      }
      assert.equal(Object.keys(samples).length, 2 * (MLSERVER_BOUNDS.length + 3));
    });

    it('keep count and sum of a summary', async () => {
      const telemetry = telemetryOn(engine);
      const summary = telemetry.custom.register('size', { kind: 'summary', unit: 'By' });
      for (const value of [1, 2, 4]) summary.observe(value);
      telemetry.custom.log({ size: 8 });
      // The SDK knows no summaries: there it is a histogram without bounds.
      const bucket = engine === 'sdk' ? { 'size_bytes_bucket{le="+Inf"}': 4 } : {};
      assert.deepEqual(await customSamples(telemetry), { ...bucket, size_bytes_sum: 15, size_bytes_count: 4 });
      const { types } = await pageOf(telemetry);
      assert.equal(types.get('size_bytes'), engine === 'sdk' ? 'histogram' : 'summary');
    });

    it('have the description that is given, alone or among the options, as their help', async () => {
      const telemetry = telemetryOn(engine);
      const { custom } = telemetry;
      custom.register('alone', 'Given alone').observe(1);
      custom.register('among', { kind: 'gauge', description: 'Given among others' }).set(1);
      custom.log({ none: 1 });
      const { helps } = await pageOf(telemetry);
      assert.deepEqual(
        ['alone', 'among', 'none'].map((name) => helps.get(name)),
        ['Given alone', 'Given among others', undefined],
      );
    });

    it('have the longest of several descriptions, also when the metric was logged first', async () => {
      const telemetry = telemetryOn(engine);
      const { custom } = telemetry;
      custom.log({ m: 1 });
      custom.register('m', 'The longer one').observe(1);
      custom.register('m', 'Shorter');
      custom.register('m');
      assert.equal((await pageOf(telemetry)).helps.get('m'), 'The longer one');
      assert.equal((await customSamples(telemetry)).m_count, 2);
    });

    it('are pushed as they are scraped', async () => {
      const telemetry = telemetryOn(engine);
      const { custom } = telemetry;
      custom.inModel({ name: 'iris' }, () => {
        custom.register('jobs', { kind: 'counter', unit: '{job}', description: 'Jobs done' }).inc(2);
        custom.register('size', { kind: 'gauge' }).set(-5, { pool: 'a' });
        custom.register('total', { kind: 'summary' }).observe(3);
        custom.log({ score: 0.3 });
      });
      const resourceMetrics = (await telemetry.pushed.collect(1_000)).resourceMetrics();
      const scopeMetrics = resourceMetrics.scopeMetrics.filter(({ scope }) => scope.name === 'metergate.custom');
      const model = 'inference.model.name=iris';
      const { size, ...others } = toPoints({ ...resourceMetrics, scopeMetrics });
      assert.deepEqual(others, { jobs: { [model]: 2 }, total: { [model]: 1 }, score: { [model]: 1 } });
      assert.deepEqual(Object.values(size ?? {}), [-5]);
      const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
      assert.deepEqual(metrics.find(({ descriptor }) => descriptor.name === 'jobs')?.descriptor.unit, '{job}');
      const score = metrics.find(({ descriptor }) => descriptor.name === 'score')?.dataPoints[0]?.value;
      const counts = [...MLSERVER_BOUNDS, Infinity].map((bound) => (bound === 0.5 ? 1 : 0));
      assert.partialDeepStrictEqual(score, { sum: 0.3, count: 1, buckets: { boundaries: MLSERVER_BOUNDS, counts } });
    });

    it('leave out what is no number, and what a counter cannot grow by, and go on', async () => {
      const telemetry = telemetryOn(engine);
      const { custom } = telemetry;
      custom.register('jobs', { kind: 'counter' });
      custom.register('size', { kind: 'gauge' });
      custom.register('score', { buckets: [1] });
      custom.log({ jobs: 5, size: 5, score: 5 });
      const nonsense = ['7', undefined, null, {}, [], true] as unknown[] as number[];
      for (const value of nonsense) custom.log({ jobs: value, size: value, score: value });
      custom.log({ jobs: -1 });
      custom.register('size', { kind: 'gauge' }).inc('1' as unknown as number);
      custom.log({ jobs: 1 });
      custom.register('size', { kind: 'gauge' }).inc(1);
      const { jobs_total, size, score_sum, score_count } = await customSamples(telemetry);
      assert.deepEqual(
        { jobs_total, size, score_sum, score_count },
        { jobs_total: 6, size: 6, score_sum: 5, score_count: 1 },
      );
    });

    it('move a gauge by finite amounts only: anything else would stay in it', async () => {
      const telemetry = telemetryOn(engine);
      const size = telemetry.custom.register('size', { kind: 'gauge' });
      for (const amount of [1, NaN, Infinity, -Infinity, 2]) size.inc(amount);
      size.dec(NaN);
      assert.deepEqual(await customSamples(telemetry), { size: 3 });
      size.set(NaN);
      assert.deepEqual(await customSamples(telemetry), { size: NaN });
      size.set(5);
      assert.deepEqual(await customSamples(telemetry), { size: 5 });
    });

    it('take an attribute without a value for one that is not there', async () => {
      const telemetry = telemetryOn(engine);
      const jobs = telemetry.custom.register('jobs', { kind: 'counter' });
      const size = telemetry.custom.register('size', { kind: 'gauge' });
      for (const attributes of [{}, { a: undefined }, { a: null }, undefined]) {
        jobs.inc(1, attributes);
        size.inc(1, attributes);
      }
      assert.deepEqual(await customSamples(telemetry), { jobs_total: 4, size: 4 });
    });

    it('keep the attributes that were given, whatever happens to the object', async () => {
      const telemetry = telemetryOn(engine);
      const attributes = { a: '1' };
      telemetry.custom.log({ score: 1 }, attributes);
      telemetry.custom.register('jobs', { kind: 'counter' }).inc(1, attributes);
      attributes.a = '2';
      const samples = await customSamples(telemetry);
      assert.deepEqual([samples['score_count{a="1"}'], samples['jobs_total{a="1"}']], [1, 1]);
    });

    it('do not fail for attributes that are hostile', async () => {
      const telemetry = telemetryOn(engine);
      const jobs = telemetry.custom.register('jobs', { kind: 'counter' });
      jobs.inc(1, { le: 'x', __name__: 'y', otel_scope_name: 'z', 'a.b': '1', a_b: '2', '': 'empty', '1st': '"\n\\' });
      const page = await pageOf(telemetry);
      assert.equal(page.samples.filter(({ name }) => name === 'jobs_total').length, 1);
    });
  });
}

it('custom metrics are the same on both engines, whatever is recorded', async () => {
  const amount = fc.integer({ min: 0, max: 1_000 });
  const step = fc.record({
    kind: fc.constantFrom('counter', 'inc', 'dec', 'set', 'histogram', 'log'),
    amount,
    attributes: fc.record({ a: fc.constantFrom('x', 'y'), b: fc.constantFrom(1, undefined) }, { requiredKeys: [] }),
    model: fc.option(
      fc.record({ name: fc.constantFrom('m', 'n'), version: fc.constant('1') }, { requiredKeys: ['name'] }),
    ),
  });
  const program = fc.array(step, { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(program, async (steps) => {
      const pages = await Promise.all(
        engineNames.map((engine) => {
          const telemetry = telemetryOn(engine);
          const { custom } = telemetry;
          for (const { kind, amount, attributes, model } of steps) {
            const record = (): void => {
              if (kind === 'counter') custom.register('c', { kind }).inc(amount, attributes);
              else if (kind === 'histogram')
                custom.register('h', { kind, buckets: [10, 100] }).observe(amount, attributes);
              else if (kind === 'log') custom.log({ c: amount, h: amount }, attributes);
              else custom.register('g', { kind: 'gauge' })[kind](amount, attributes);
            };
            custom.register('c', { kind: 'counter' });
            custom.register('h', { buckets: [10, 100] });
            if (model === null) record();
            else custom.inModel(model, record);
          }
          return customSamples(telemetry);
        }),
      );
      assert.deepEqual(pages[0], pages[1]);
    }),
    { numRuns: 50 },
  );
});
