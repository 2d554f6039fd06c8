// Origins of metrics besides the engine, in the collections of every consumer. What one of them does costs its own metrics only.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import type { Metric, ScopeMetrics } from '../../src/metric/model.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import { fromPrometheusRegistry } from '../../src/telemetry/prometheus-registry.ts';
import type { Source } from '../../src/telemetry/source.ts';
import { readPage } from '../exposition/read-page.ts';
import { servePull } from '../pull/scrape.ts';
import { toPoints } from './engines.ts';
import { clients } from './prometheus-clients.ts';
import {
  destination,
  engineNames,
  metricOf,
  pageOf,
  samplesOf,
  telemetryOn,
  type TelemetryOn,
} from './telemetry-on.ts';

function gauge(name: string, value: number, unit = ''): Metric {
  const points = {
    attributes: [{ from: 'source' }],
    startTimesMs: Float64Array.of(0),
    timesMs: Float64Array.of(1_700_000_000_000),
    values: Float64Array.of(value),
  };
  return { name, description: '', unit, kind: 'gauge', points };
}

function scopeOf(...metrics: Metric[]): ScopeMetrics {
  return { scope: { name: 'elsewhere', version: '', schemaUrl: '' }, metrics };
}

/** A source that the test answers, run by run. */
function controlled(name = 'controlled') {
  const runs: PromiseWithResolvers<readonly ScopeMetrics[]>[] = [];
  const source: Source = {
    name,
    collect: () => {
      const run = Promise.withResolvers<readonly ScopeMetrics[]>();
      runs.push(run);
      return run.promise;
    },
  };
  return { source, runs };
}

function last<T>(list: readonly T[]): T {
  return list.at(-1) ?? assert.fail('there is none');
}

async function elsewhere(reader: Reader, timeoutMs = 1_000) {
  const { snapshot, errors } = await reader.collect(timeoutMs);
  const scopes = snapshot.scopes.filter(({ scope }) => scope.name === 'elsewhere');
  return {
    names: scopes.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
    errors: errors.map(({ error }) => (error instanceof Error ? error.message : error)),
    ours: snapshot.scopes[0]?.metrics.some(({ name }) => name === 'metergate.build_info'),
  };
}

const NOT_VALID = 'the source bad has given what is not valid: ';
const kept = { names: ['good'], ours: true };

for (const engine of engineNames) {
  const withGood = (): TelemetryOn => {
    const telemetry = telemetryOn(engine);
    telemetry.addSource({ name: 'good', collect: () => Promise.resolve([scopeOf(gauge('good', 1))]) });
    return telemetry;
  };

  describe(`a source beside the engine ${engine}`, () => {
    const faults: Record<string, { collect: () => unknown; says: string }> = {
      throws: {
        collect: () => {
          throw new Error('no reading');
        },
        says: 'the source bad has failed: Error: no reading',
      },
      rejects: {
        collect: () => Promise.reject(new Error('no reading')),
        says: 'the source bad has failed: Error: no reading',
      },
      'throws what is no error': {
        collect: () => AbortSignal.abort('no reading').throwIfAborted(),
        says: 'the source bad has failed: no reading',
      },
      'throws what has no text': {
        collect: () => {
          throw Object.create(null);
        },
        says: 'the source bad has failed: an error that has no text',
      },
      'gives nothing': { collect: () => Promise.resolve(), says: `${NOT_VALID}scopes must be a list (got undefined)` },
      'gives nothing at once': { collect: () => undefined, says: `${NOT_VALID}scopes must be a list (got undefined)` },
      'gives what is no metric': {
        collect: () => [{ ...scopeOf(), metrics: [null] }],
        says: `${NOT_VALID}scopes[0].metrics[0] must be an object (got null)`,
      },
      'gives a metric without points': {
        collect: () => [scopeOf(gauge('bad', 1), { ...gauge('worse', 1), points: undefined } as unknown as Metric)],
        says: `${NOT_VALID}metric worse: points must be an object (got undefined)`,
      },
    };
    for (const [what, { collect, says }] of Object.entries(faults)) {
      it(`that ${what} costs its own metrics, and is named`, async () => {
        const telemetry = withGood();
        telemetry.addSource({ name: 'bad', collect: collect as Source['collect'] });
        for (const reader of [telemetry.pull, telemetry.pushed, telemetry.pull]) {
          assert.deepEqual(await elsewhere(reader), { ...kept, errors: [says] });
        }
      });
    }

    it('that hangs is waited for once, then not until it has ended, and then it is asked again', async () => {
      const telemetry = withGood();
      const { source, runs } = controlled();
      telemetry.addSource(source);
      const late = 'the source controlled has not ended within 1000 ms';
      const stillLate = 'the source controlled has not ended since it was late';
      assert.deepEqual(await elsewhere(telemetry.pull, 1_000), { ...kept, errors: [late] });
      // Who waited for it now would wait for ever.
      assert.deepEqual(await elsewhere(telemetry.pull, 2 ** 30), { ...kept, errors: [stillLate] });
      assert.deepEqual(await elsewhere(telemetry.pushed, 2 ** 30), { ...kept, errors: [stillLate] });
      assert.equal(runs.length, 1);

      last(runs).resolve([scopeOf(gauge('yesterday', 1))]);
      await new Promise(setImmediate);
      const next = elsewhere(telemetry.pull);
      assert.equal(runs.length, 2);
      last(runs).resolve([scopeOf(gauge('today', 1))]);
      assert.deepEqual(await next, { names: ['good', 'today'], ours: true, errors: [] });
    });

    it('that hangs and then rejects is asked again as well', async () => {
      const telemetry = withGood();
      const { source, runs } = controlled();
      telemetry.addSource(source);
      assert.equal((await elsewhere(telemetry.pull, 20)).errors.length, 1);
      last(runs).reject(new Error('at last'));
      await new Promise(setImmediate);
      const next = elsewhere(telemetry.pull);
      last(runs).resolve([]);
      assert.deepEqual(await next, { ...kept, errors: [] });
    });

    it('is run once for consumers that collect at the same time', async () => {
      const telemetry = telemetryOn(engine);
      const { source, runs } = controlled();
      telemetry.addSource(source);
      const collections = [telemetry.pull, telemetry.pushed, telemetry.pull].map((reader) => elsewhere(reader));
      assert.equal(runs.length, 1);
      last(runs).resolve([scopeOf(gauge('shared', 1))]);
      for (const { names, errors } of await Promise.all(collections))
        assert.deepEqual([names, errors], [['shared'], []]);

      const next = elsewhere(telemetry.pull);
      assert.equal(runs.length, 2);
      last(runs).resolve([scopeOf(gauge('again', 1))]);
      assert.deepEqual((await next).names, ['again']);
    });

    it('that fails does so for all who wait for it', async () => {
      const telemetry = telemetryOn(engine);
      const { source, runs } = controlled();
      telemetry.addSource(source);
      const collections = [telemetry.pull, telemetry.pushed].map((reader) => elsewhere(reader));
      last(runs).reject(new Error('no reading'));
      for (const { errors } of await Promise.all(collections)) {
        assert.deepEqual(errors, ['the source controlled has failed: Error: no reading']);
      }
    });

    it('is gone when it is taken out, and it alone', async () => {
      const telemetry = withGood();
      const remove = telemetry.addSource({
        name: 'good',
        collect: () => Promise.resolve([scopeOf(gauge('other', 1))]),
      });
      assert.deepEqual((await elsewhere(telemetry.pull)).names, ['good', 'other']);
      remove();
      remove();
      assert.deepEqual(await elsewhere(telemetry.pull), { ...kept, errors: [] });
      assert.deepEqual(await elsewhere(telemetry.pushed), { ...kept, errors: [] });
    });

    it('is gone when it is taken out while it hangs', async () => {
      const telemetry = withGood();
      const { source } = controlled();
      const remove = telemetry.addSource(source);
      await elsewhere(telemetry.pull, 20);
      remove();
      assert.deepEqual(await elsewhere(telemetry.pull), { ...kept, errors: [] });
    });

    it('may be added twice, and is then there twice', async () => {
      const telemetry = withGood();
      const source: Source = { name: 'good', collect: () => Promise.resolve([scopeOf(gauge('twice', 1))]) };
      const removals = [telemetry.addSource(source), telemetry.addSource(source)];
      assert.deepEqual((await elsewhere(telemetry.pull)).names, ['good', 'twice', 'twice']);
      removals[0]?.();
      assert.deepEqual((await elsewhere(telemetry.pull)).names, ['good', 'twice']);
    });

    it('comes after all that is ours, in the order in which they were added', async () => {
      const telemetry = withGood();
      telemetry.addSource({
        name: 'a',
        collect: () => Promise.resolve([scopeOf(gauge('first', 1)), scopeOf(gauge('second', 1))]),
      });
      telemetry.custom.log({ custom: 1 });
      const { snapshot } = await telemetry.pull.collect(1_000);
      assert.deepEqual(
        snapshot.scopes.map(({ scope, metrics }) => [scope.name, scope.name === 'elsewhere' ? metrics[0]?.name : '']),
        [
          ['metergate', ''],
          ['metergate.custom', ''],
          ['elsewhere', 'good'],
          ['elsewhere', 'first'],
          ['elsewhere', 'second'],
        ],
      );
    });

    it('is counted and logged where it fails, by consumer and by its name, whoever collects', async () => {
      const telemetry = telemetryOn(engine);
      const noReading = (): Promise<never> => Promise.reject(new Error('no reading'));
      for (const name of ['bad', 'worse']) telemetry.addSource({ name, collect: noReading });
      telemetry.instruments.observe('process.uptime', () => {
        throw Object.create(null);
      });
      for (const reader of [telemetry.pull, telemetry.pushed, telemetry.pushed]) await reader.collect();
      const callback = engine === 'native' ? 'process.uptime' : 'callback';
      const metric = await metricOf(telemetry.pull, 'metergate.scrape.source.errors');
      assert.ok(metric?.kind === 'sum');
      const counted = metric.points.attributes.map((attributes, row) => [
        attributes['metergate.consumer'],
        attributes['metergate.source'],
        metric.points.values[row],
      ]);
      const sources = [callback, 'bad', 'worse'];
      const expected = (consumer: string, count: number) => sources.map((source) => [consumer, source, count]);
      assert.deepEqual(counted, [...expected('pull', 1), ...expected('push/totals', 2)]);
      const logged = (consumer: string) => [
        ['source failed', consumer, callback, 'an error that has no text'],
        ['source failed', consumer, 'bad', 'Error: the source bad has failed: Error: no reading'],
        ['source failed', consumer, 'worse', 'Error: the source worse has failed: Error: no reading'],
      ];
      assert.deepEqual(
        telemetry.lines.map(({ message, fields }) => [
          message,
          fields['metergate.consumer'],
          fields['metergate.source'],
          fields.error,
        ]),
        [...logged('pull'), ...logged('push/totals')],
      );
    });

    it('that gives what is not valid leaves the pages and what is pushed as they are', async (t) => {
      const telemetry = withGood();
      telemetry.addSource({ name: 'bad', collect: () => Promise.resolve([{}] as ScopeMetrics[]) });
      const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
      for (const path of ['/metrics', '/metrics/otel-js']) {
        const { status, body } = await scrape(path);
        assert.equal(status, 200);
        assert.match(body, /^good\{.*\} 1/m);
      }
      assert.deepEqual(toPoints((await telemetry.pushed.collect()).resourceMetrics()).good, { 'from=source': 1 });
    });

    it('loses a name that one of ours has, on the page, whatever came first', async (t) => {
      const telemetry = telemetryOn(engine);
      telemetry.addSource({
        name: 'imitator',
        collect: () =>
          Promise.resolve([scopeOf(gauge('inference.requests.total', 9), gauge('mine_count', 9), gauge('kept', 9))]),
      });
      telemetry.instruments.counter('inference.requests').add(3);
      telemetry.custom.log({ mine: 1 });
      const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
      for (let i = 1; i < 3; i++) {
        const { status, body } = await scrape();
        const page = readPage(body);
        assert.equal(status, 200);
        assert.equal(page.types.get('inference_requests_total'), 'counter');
        assert.equal(page.types.get('mine'), 'histogram');
        assert.deepEqual(samplesOf(page, 'elsewhere'), { 'kept{from="source"}': 9 });
        assert.equal(samplesOf(page, 'metergate').inference_requests_total, 3);
        assert.equal(samplesOf(page, 'metergate.custom').mine_count, 1);
      }
      assert.deepEqual(
        telemetry.lines.map(({ message, fields }) => [message, fields.family, fields['metergate.reason']]),
        [
          ['family dropped', 'inference.requests.total', 'type_conflict'],
          ['family dropped', 'mine_count', 'name_conflict'],
        ],
      );
    });

    it('is in what is pushed as it is, whatever the temporality', async () => {
      const destinations = [
        { name: 'totals', temporality: 'cumulative' as const },
        { name: 'growth', temporality: 'delta' as const },
      ];
      const telemetry = telemetryOn(engine, { destinations });
      const points = { ...gaugePoints(7), attributes: [{ a: 1 }] };
      const total: Metric = {
        name: 't',
        description: '',
        unit: 's',
        kind: 'sum',
        monotonic: true,
        temporality: 'cumulative',
        points,
      };
      telemetry.addSource({ name: 'any', collect: () => Promise.resolve([scopeOf(total)]) });
      telemetry.instruments.counter('inference.requests').add(3);
      for (const name of ['totals', 'growth', 'totals', 'growth']) {
        const resourceMetrics = (await destination(telemetry, name).collect(1_000)).resourceMetrics();
        assert.deepEqual(toPoints(resourceMetrics).t, { 'a=1': 7 });
        const [data] = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
          metrics.filter(({ descriptor }) => descriptor.name === 't'),
        );
        assert.deepEqual(
          [data?.dataPointType, data?.aggregationTemporality, data?.descriptor.unit],
          [DataPointType.SUM, 1, 's'],
        );
      }
    });

    it('changes nothing of what the engine gives, and gives the same in both forms', async () => {
      const [plain, telemetry] = [telemetryOn(engine), withGood()];
      for (const { instruments, custom } of [plain, telemetry]) {
        instruments.counter('inference.requests').add(3, { 'inference.outcome': 'success' });
        instruments.histogram('inference.request.duration').record(0.2, { 'inference.model.name': 'iris' });
        custom.log({ score: 1 });
      }
      const [without, withSource] = await Promise.all(
        [plain, telemetry].map(async ({ pull }) => toPoints((await pull.collect(1_000)).resourceMetrics())),
      );
      assert.deepEqual(withSource, { ...without, good: { 'from=source': 1 } });
    });
  });

  for (const [packageName, client] of Object.entries(clients)) {
    it(`a registry of ${packageName} is scraped and pushed with the engine ${engine}`, async (t) => {
      const registry = new client.Registry();
      const registers = [registry];
      const jobs = new client.Counter({ name: 'jobs_total', help: 'Jobs done.', registers, labelNames: ['queue'] });
      const wait = new client.Histogram({ name: 'wait_seconds', help: 'Waiting.', registers, buckets: [1, 2] });
      const size = new client.Summary({ name: 'size', help: 'Sizes.', registers, percentiles: [0.5] });
      new client.Gauge({ name: 'inference_requests_total', help: 'An imitation.', registers }).set(9);
      const telemetry = telemetryOn(engine);
      telemetry.instruments.counter('inference.requests').add(3);
      const remove = telemetry.addSource(fromPrometheusRegistry(registry, { scope: 'shop' }));
      const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
      jobs.inc({ queue: 'a' }, 2);
      for (const value of [1, 1.5, 3]) wait.observe(value);
      size.observe(5);

      const shop = {
        'jobs_total{queue="a"}': 2,
        'wait_seconds_bucket{le="1"}': 1,
        'wait_seconds_bucket{le="2"}': 2,
        'wait_seconds_bucket{le="+Inf"}': 3,
        wait_seconds_sum: 5.5,
        wait_seconds_count: 3,
        'size{quantile="0.5"}': 5,
        size_sum: 5,
        size_count: 1,
      };
      const page = readPage((await scrape()).body);
      assert.deepEqual(samplesOf(page, 'shop'), shop);
      assert.deepEqual([page.helps.get('jobs_total'), page.types.get('jobs_total')], ['Jobs done.', 'counter']);
      assert.equal(samplesOf(page, 'metergate').inference_requests_total, 3);

      const pushed = toPoints((await telemetry.pushed.collect(1_000)).resourceMetrics());
      const { jobs_total, wait_seconds, size: sizes } = pushed;
      assert.deepEqual([jobs_total, wait_seconds, sizes], [{ 'queue=a': 2 }, { '': 3 }, { '': 1 }]);

      jobs.inc({ queue: 'a' });
      assert.deepEqual(samplesOf(readPage((await scrape()).body), 'shop'), { ...shop, 'jobs_total{queue="a"}': 3 });
      remove();
      assert.deepEqual(samplesOf(await pageOf(telemetry), 'shop'), {});
    });
  }
}

function gaugePoints(value: number) {
  const metric = gauge('', value);
  assert.ok(metric.kind === 'gauge');
  return metric.points;
}
