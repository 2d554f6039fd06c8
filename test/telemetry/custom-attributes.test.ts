// What custom metrics carry: the model that they are recorded for, and the attributes that were declared.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { CustomCounter, CustomDistribution, CustomGauge } from '../../src/telemetry/custom-metric.ts';
import type { CustomMetrics } from '../../src/telemetry/custom-metrics.ts';
import { customSamples, engineNames, telemetryOn } from './telemetry-on.ts';

for (const engine of engineNames) {
  describe(`custom metrics in a model with the engine ${engine}`, () => inModels(engine));
  describe(`custom metrics with declared attributes and the engine ${engine}`, () => declared(engine));
}

function inModels(engine: 'native' | 'sdk'): void {
  const labels = (name: string, version?: string): string =>
    `inference_model_name="${name}"${version === undefined ? '' : `,inference_model_version="${version}"`}`;

  it('carry its name, and its version if it has one', async () => {
    const telemetry = telemetryOn(engine);
    const { custom } = telemetry;
    const jobs = custom.register('jobs', { kind: 'counter' });
    custom.inModel({ name: 'iris', version: '3' }, () => jobs.inc(1));
    custom.inModel({ name: 'wine' }, () => jobs.inc(2));
    jobs.inc(4);
    assert.deepEqual(await customSamples(telemetry), {
      [`jobs_total{${labels('iris', '3')}}`]: 1,
      [`jobs_total{${labels('wine')}}`]: 2,
      jobs_total: 4,
    });
  });

  it('carry them whatever kind they are, and however they are recorded', async () => {
    const telemetry = telemetryOn(engine);
    const { custom } = telemetry;
    const size = custom.register('size', { kind: 'gauge' });
    custom.inModel({ name: 'iris' }, () => {
      size.set(5);
      size.inc();
      size.dec(2);
      custom.register('wait', { kind: 'summary' }).observe(1);
      custom.register('score', { buckets: [1] }).observe(1);
      custom.log({ jobs: 1 });
    });
    const model = labels('iris');
    const samples = await customSamples(telemetry);
    assert.equal(samples[`size{${model}}`], 4);
    for (const name of ['wait', 'score', 'jobs']) assert.equal(samples[`${name}_count{${model}}`], 1, name);
    assert.ok(Object.keys(samples).every((key) => key.includes(model)));
  });

  it('carry those of the innermost one, of which nothing is left afterwards', async () => {
    const telemetry = telemetryOn(engine);
    const { custom } = telemetry;
    const jobs = custom.register('jobs', { kind: 'counter' });
    custom.inModel({ name: 'outer', version: '1' }, () => {
      custom.inModel({ name: 'inner' }, () => jobs.inc(1));
      jobs.inc(2);
    });
    jobs.inc(4);
    assert.deepEqual(await customSamples(telemetry), {
      [`jobs_total{${labels('inner')}}`]: 1,
      [`jobs_total{${labels('outer', '1')}}`]: 2,
      jobs_total: 4,
    });
  });

  it('carry what is given explicitly in place of them', async () => {
    const telemetry = telemetryOn(engine);
    const jobs = telemetry.custom.register('jobs', { kind: 'counter' });
    const own: Attributes = { 'inference.model.name': 'own', a: 'x' };
    telemetry.custom.inModel({ name: 'iris', version: '3' }, () => jobs.inc(1, own));
    assert.deepEqual(await customSamples(telemetry), { [`jobs_total{a="x",${labels('own', '3')}}`]: 1 });
    assert.deepEqual(own, { 'inference.model.name': 'own', a: 'x' });
  });

  it('are of the model that they were awaited in, while others run', async () => {
    const telemetry = telemetryOn(engine);
    const { custom } = telemetry;
    const steps = custom.register('steps', { kind: 'counter' });
    const names = ['a', 'b', 'c', 'd'];
    const predict = async (): Promise<void> => {
      for (let step = 0; step < 5; step++) {
        steps.inc();
        await turn();
      }
    };
    await Promise.all(names.map((name) => custom.inModel({ name }, predict)));
    assert.deepEqual(
      await customSamples(telemetry),
      Object.fromEntries(names.map((name) => [`steps_total{${labels(name)}}`, 5])),
    );
  });

  it('are of no model of another telemetry', async () => {
    const [telemetry, other] = [telemetryOn(engine), telemetryOn(engine)];
    other.custom.inModel({ name: 'other' }, () => telemetry.custom.log({ score: 1 }));
    assert.equal((await customSamples(telemetry)).score_count, 1);
    assert.deepEqual(await customSamples(other), {});
  });

  it('return, throw and reject as what was run does', async () => {
    const { custom } = telemetryOn(engine);
    const fault = new Error('of the model');
    assert.equal(
      custom.inModel({ name: 'a' }, () => 7),
      7,
    );
    assert.equal(await custom.inModel({ name: 'a' }, () => Promise.resolve(8)), 8);
    assert.throws(() => custom.inModel({ name: 'a' }, () => { throw fault; }), fault); // prettier-ignore
    await assert.rejects(
      custom.inModel({ name: 'a' }, () => Promise.reject(fault)),
      fault,
    );
  });
}

function declared(engine: 'native' | 'sdk'): void {
  const registerAll = (custom: CustomMetrics, attributes: string[]) => {
    const counter = custom.register('counter', { kind: 'counter', attributes });
    const gauge = custom.register('gauge', { kind: 'gauge', attributes });
    const histogram = custom.register('histogram', { attributes });
    const summary = custom.register('summary', { kind: 'summary', attributes });
    return { counter, gauge, histogram, summary };
  };
  interface Registered {
    readonly counter: CustomCounter;
    readonly gauge: CustomGauge;
    readonly histogram: CustomDistribution;
    readonly summary: CustomDistribution;
  }
  const ways: Record<string, (registered: Registered, attributes?: Attributes) => void> = {
    'counter inc': ({ counter }, attributes) => counter.inc(1, attributes),
    'gauge set': ({ gauge }, attributes) => gauge.set(1, attributes),
    'gauge inc': ({ gauge }, attributes) => gauge.inc(1, attributes),
    'gauge dec': ({ gauge }, attributes) => gauge.dec(1, attributes),
    'histogram observe': ({ histogram }, attributes) => histogram.observe(1, attributes),
    'summary observe': ({ summary }, attributes) => summary.observe(1, attributes),
    'counter remove': ({ counter }, attributes) => counter.remove(attributes),
    'gauge remove': ({ gauge }, attributes) => gauge.remove(attributes),
    'histogram remove': ({ histogram }, attributes) => histogram.remove(attributes),
    'summary remove': ({ summary }, attributes) => summary.remove(attributes),
  };
  const wrong: Record<string, { given: Attributes | undefined; says: string }> = {
    'no attributes': { given: undefined, says: 'a is missing; b is missing' },
    'a missing one': { given: { b: 1 }, says: 'a is missing' },
    'one without a value': { given: { a: 1, b: undefined }, says: 'b is missing' },
    'one that is null': { given: { a: null, b: 1 }, says: 'a is missing' },
    'an unknown one': { given: { a: 1, b: 2, c: 3 }, says: 'c was not declared' },
    'a missing and an unknown one': { given: { A: 1, b: 2 }, says: 'a is missing; A was not declared' },
    "the model's, which come by themselves": {
      given: { a: 1, b: 2, 'inference.model.name': 'x' },
      says: 'inference.model.name was not declared',
    },
  };
  for (const [what, { given, says }] of Object.entries(wrong)) {
    it(`refuse ${what}, naming them, and record nothing`, async () => {
      const telemetry = telemetryOn(engine);
      const registered = registerAll(telemetry.custom, ['b', 'a']);
      for (const [way, record] of Object.entries(ways)) {
        const message = `${way.split(' ')[0]} was registered with the attributes a, b: ${says}`;
        assert.throws(() => record(registered, given), { name: 'TypeError', message });
      }
      for (const name of Object.keys(registered)) {
        const message = `${name} was registered with the attributes a, b: ${says}`;
        assert.throws(() => telemetry.custom.log({ [name]: 1 }, given), { name: 'TypeError', message });
      }
      assert.deepEqual(await customSamples(telemetry), {});
    });
  }

  it('take them in any order, in a model or not, and values that are falsy', async () => {
    const telemetry = telemetryOn(engine);
    const { counter } = registerAll(telemetry.custom, ['b', 'a', 'b']);
    counter.inc(1, { a: 0, b: false });
    counter.inc(2, { b: false, a: 0 });
    telemetry.custom.inModel({ name: 'iris' }, () => counter.inc(4, { a: 0, b: false }));
    telemetry.custom.log({ counter: 8 }, { a: 0, b: false });
    assert.deepEqual(await customSamples(telemetry), {
      'counter_total{a="0",b="false"}': 11,
      'counter_total{a="0",b="false",inference_model_name="iris"}': 4,
    });
  });

  it('refuse any where none were declared to be there, and take any where nothing was declared', async () => {
    const telemetry = telemetryOn(engine);
    const none = telemetry.custom.register('none', { kind: 'counter', attributes: [] });
    none.inc(1);
    none.inc(1, {});
    const message = 'none was registered with the attributes (none): a was not declared';
    assert.throws(() => none.inc(1, { a: 1 }), { name: 'TypeError', message });
    const any = telemetry.custom.register('any', { kind: 'counter' });
    any.inc(1, { a: 1 });
    any.inc(1, { b: 1 });
    const samples = { none_total: 2, 'any_total{a="1"}': 1, 'any_total{b="1"}': 1 };
    assert.deepEqual(await customSamples(telemetry), samples);
  });

  it('record all values of a log or none of them, in whatever order they stand', async () => {
    const telemetry = telemetryOn(engine);
    const { custom } = telemetry;
    custom.register('strict', { kind: 'counter', attributes: ['a'] });
    custom.register('free', { kind: 'counter' });
    assert.throws(() => custom.log({ free: 1, strict: 1, unknown: 1 }), { name: 'TypeError' });
    assert.throws(() => custom.log({ unknown: 1, strict: 1, free: 1 }), { name: 'TypeError' });
    assert.deepEqual(await customSamples(telemetry), {});
    custom.log({ free: 1, strict: 1 }, { a: 'x' });
    assert.deepEqual(await customSamples(telemetry), { 'free_total{a="x"}': 1, 'strict_total{a="x"}': 1 });
  });

  for (const [what, shown] of [
    [null, 'null'],
    ['DE', '"DE"'],
    [['DE'], 'a list'],
    [5, '5'],
    [() => {}, 'a function'],
  ] as const) {
    it(`refuse ${shown} in place of attributes, whether any were declared or not, and record nothing`, async () => {
      const telemetry = telemetryOn(engine);
      const given = what as unknown as Attributes;
      const refusal = (name: string) => ({
        name: 'TypeError',
        message: `${name}: the attributes must be an object (got ${shown})`,
      });
      const any = telemetry.custom.register('any', { kind: 'counter' });
      assert.throws(() => any.inc(1, given), refusal('any'));
      const registered = registerAll(telemetry.custom, []);
      for (const [way, record] of Object.entries(ways)) {
        assert.throws(() => record(registered, given), refusal(way.split(' ')[0] ?? ''));
      }
      assert.throws(() => telemetry.custom.log({ any: 1, unknown: 1 }, given), refusal('log'));
      assert.deepEqual(await customSamples(telemetry), {});
    });
  }

  it('refuse what is no object in place of the values of a log', async () => {
    const telemetry = telemetryOn(engine);
    for (const [values, shown] of [
      [null, 'null'],
      [undefined, 'undefined'],
      ['any', '"any"'],
      [[1], 'a list'],
    ] as const) {
      const message = `log: the values must be an object (got ${shown})`;
      assert.throws(() => telemetry.custom.log(values as unknown as Record<string, number>), {
        name: 'TypeError',
        message,
      });
    }
    assert.deepEqual(await customSamples(telemetry), {});
  });
}
