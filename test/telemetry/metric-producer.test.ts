// Our metrics in the readers of a foreign `MeterProvider` of the official SDK.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  type MetricProducer,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Telemetry } from '../../src/telemetry/index.ts';
import { readPage } from '../exposition/read-page.ts';
import { toPoints } from './engines.ts';
import { samplesOf, telemetryOn } from './telemetry-on.ts';

/** Collects when it is asked to, as a push exporter would, and wants increments. */
class PassiveReader extends MetricReader {
  constructor(metricProducers: MetricProducer[]) {
    super({ metricProducers, aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Somebody else's provider, with a counter of its own, that has our metrics in both of its readers. */
function foreignProvider(telemetry: Telemetry) {
  const page = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [telemetry.metricProducer({ temporality: 'cumulative' })],
  });
  const growth = new PassiveReader([telemetry.metricProducer({ temporality: 'delta' })]);
  const provider = new MeterProvider({ resource: resourceFromAttributes({ app: 'theirs' }), readers: [page, growth] });
  provider.getMeter('theirs').createCounter('theirs').add(1);
  return { page, growth };
}

/** Without what tells about the gateway itself. */
async function pointsOf(reader: { collect: MetricReader['collect'] }) {
  const { resourceMetrics, errors } = await reader.collect();
  assert.deepEqual(errors, []);
  const points = toPoints(resourceMetrics);
  return Object.fromEntries(Object.entries(points).filter(([name]) => name !== 'metergate.build_info'));
}

function record({ instruments, custom }: Telemetry): void {
  instruments.counter('inference.requests').add(3, { 'inference.outcome': 'success' });
  instruments.counter('inference.active_requests').add(2);
  instruments.histogram('inference.request.duration').record(0.3);
  custom.register('size', { kind: 'gauge' }).set(7);
}

const all = {
  'inference.requests': { 'inference.outcome=success': 3 },
  'inference.active_requests': { '': 2 },
  'inference.request.duration': { '': 1 },
  size: { '': 7 },
};
/** What is shown as it is, with delta temporality too. */
const upAndDown = { 'inference.active_requests': { '': 2 }, size: { '': 7 } };

describe('a metric producer', () => {
  it('gives a foreign reader of totals the same numbers as ours, beside its own', async () => {
    const telemetry = telemetryOn('native');
    const { page } = foreignProvider(telemetry);
    record(telemetry);
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await pointsOf(page), { ...all, theirs: { '': 1 } });
      assert.deepEqual(await pointsOf({ collect: () => asCollected(telemetry) }), all);
    }
  });

  it('gives what the official exporter can write, to the last sample', async () => {
    const telemetry = telemetryOn('native');
    const { page } = foreignProvider(telemetry);
    record(telemetry);
    const { resourceMetrics } = await page.collect();
    const text = new PrometheusSerializer(undefined, false, undefined, true).serialize(resourceMetrics);
    const lines = text.split('\n').filter((line) => !line.startsWith('# UNIT'));
    const samples = samplesOf(readPage(lines.join('\n')), 'metergate');
    assert.equal(samples['inference_requests_total{inference_outcome="success"}'], 3);
    assert.equal(samples.inference_request_duration_count, 1);
    assert.equal(samples['inference_request_duration_bucket{le="0.25"}'], 0);
    assert.equal(samples['inference_request_duration_bucket{le="0.5"}'], 1);
  });

  it('gives an increment once, with the time since the one before', async () => {
    const telemetry = telemetryOn('native');
    const { growth } = foreignProvider(telemetry);
    record(telemetry);
    assert.deepEqual(await pointsOf(growth), { ...all, theirs: { '': 1 } });
    const before = await growth.collect();
    assert.deepEqual(await pointsOf({ collect: () => Promise.resolve(before) }), upAndDown);
    telemetry.instruments.counter('inference.requests').add(4, { 'inference.outcome': 'success' });

    const { resourceMetrics } = await growth.collect();
    assert.deepEqual(toPoints(resourceMetrics)['inference.requests'], { 'inference.outcome=success': 4 });
    const requests = metricOf(resourceMetrics, 'inference.requests');
    assert.equal(requests?.aggregationTemporality, AggregationTemporality.DELTA);
    assert.deepEqual(
      requests.dataPoints[0]?.startTime,
      metricOf(before.resourceMetrics, 'size')?.dataPoints[0]?.endTime,
    );
  });

  it('keeps what it has given apart from every other one, and from our own readers', async () => {
    const telemetry = telemetryOn('native', { destinations: [{ name: 'growth', temporality: 'delta' }] });
    const [a, b] = [1, 2].map(() => telemetry.metricProducer({ temporality: 'delta' }));
    assert.ok(a && b);
    record(telemetry);
    assert.deepEqual(await pointsOf(a), all);
    telemetry.instruments.counter('inference.requests').add(4, { 'inference.outcome': 'success' });
    const more = { 'inference.requests': { 'inference.outcome=success': 4 } };
    assert.deepEqual(await pointsOf(a), { ...upAndDown, ...more });
    const seven = { ...all, 'inference.requests': { 'inference.outcome=success': 7 } };
    assert.deepEqual(await pointsOf(b), seven);
    assert.deepEqual(await pointsOf({ collect: () => asCollected(telemetry, 'growth') }), seven);
    assert.deepEqual(await pointsOf({ collect: () => asCollected(telemetry) }), seven);
    for (const reader of [a, b]) assert.deepEqual(await pointsOf(reader), upAndDown);
  });

  it('that is made late gives what came before it', async () => {
    const telemetry = telemetryOn('native');
    record(telemetry);
    await telemetry.pull.collect(1_000);
    telemetry.custom.log({ later: 1 });
    for (const temporality of ['cumulative', 'delta', 'low_memory'] as const) {
      assert.deepEqual(
        await pointsOf(telemetry.metricProducer({ temporality })),
        { ...all, later: { '': 1 } },
        temporality,
      );
    }
  });

  it('passes on what single sources fail with, and the rest, within the time that the reader gives', async () => {
    const telemetry = telemetryOn('native');
    telemetry.addSource({ name: 'bad', collect: () => Promise.reject(new Error('no reading')) });
    telemetry.addSource({ name: 'hanging', collect: () => new Promise(() => {}) });
    const { page } = foreignProvider(telemetry);
    record(telemetry);
    const { resourceMetrics, errors } = await page.collect({ timeoutMillis: 20 });
    assert.deepEqual(
      errors.map((error) => (error instanceof Error ? error.message : error)),
      ['the source bad has failed: Error: no reading', 'the source hanging has not ended within 20 ms'],
    );
    assert.equal(toPoints(resourceMetrics).size?.[''], 7);
  });

  for (const [what, options] of Object.entries({
    'gives no time': {},
    'gives more, for all of its export': { timeoutMillis: 30_000 },
  })) {
    it(`waits a second at most where the foreign reader ${what}`, { timeout: 120_000 }, async () => {
      const telemetry = telemetryOn('native');
      telemetry.addSource({ name: 'hanging', collect: () => new Promise(() => {}) });
      const { errors } = await telemetry.metricProducer({ temporality: 'cumulative' }).collect(options);
      assert.match(String(errors[0]), /the source hanging has not ended within 1000 ms/);
    });
  }

  it('counts and logs what single sources fail with', async () => {
    const telemetry = telemetryOn('native');
    telemetry.addSource({ name: 'bad', collect: () => Promise.reject(new Error('no reading')) });
    const producer = telemetry.metricProducer({ temporality: 'cumulative' });
    await producer.collect();
    const { resourceMetrics } = await producer.collect();
    assert.deepEqual(toPoints(resourceMetrics)['metergate.scrape.source.errors'], {
      'metergate.consumer=producer,metergate.source=bad': 1,
    });
    assert.deepEqual(
      telemetry.lines.map(({ fields }) => [fields['metergate.consumer'], fields['metergate.source']]),
      [['producer', 'bad']],
    );
  });

  it('shows the buckets that our own readers show', async () => {
    const where = { 'inference.upstream.name': 'fine' };
    const telemetry = telemetryOn('native', {
      overrides: [{ where, bounds: { 'inference.request.duration': [1, 2] } }],
    });
    const duration = telemetry.instruments.histogram('inference.request.duration');
    duration.record(1.5, where);
    const { resourceMetrics } = await telemetry.metricProducer({ temporality: 'delta' }).collect();
    const [point] = metricOf(resourceMetrics, 'inference.request.duration')?.dataPoints ?? [];
    assert.partialDeepStrictEqual(point?.value, { buckets: { boundaries: [1, 2], counts: [0, 1, 0] } });
  });

  it('fails once the telemetry is shut down', async () => {
    const telemetry = telemetryOn('native');
    const { page } = foreignProvider(telemetry);
    await telemetry.shutdown();
    await assert.rejects(page.collect(), /the engine has been shut down/);
  });

  it('is not to be had with the engine sdk, which says what to do instead', () => {
    const telemetry = telemetryOn('sdk');
    assert.throws(() => telemetry.metricProducer({ temporality: 'cumulative' }), {
      message: 'the engine sdk takes no further readers: with it, add yours to a MeterProvider of your own',
    });
  });
});

function metricOf({ scopeMetrics }: ResourceMetrics, name: string) {
  return scopeMetrics.flatMap(({ metrics }) => metrics).find(({ descriptor }) => descriptor.name === name);
}

/** A collection of one of our own readers: of the pull, or of a destination. */
async function asCollected(telemetry: Telemetry, name?: string) {
  const reader = name === undefined ? telemetry.pull : telemetry.push.get(name);
  const { resourceMetrics, errors } = (await reader?.collect(1_000)) ?? assert.fail(`no reader ${name}`);
  return { resourceMetrics: resourceMetrics(), errors: errors.map(({ error }) => error) };
}
