// Instruments of users that are made with a `MeterProvider` of the official SDK, in our scrapes and exports.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { MeterProvider, type IMetricReader, type MetricData, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { createEncoder } from '../../src/otlp/encode.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { engineNames, metricOf, samplesOf, telemetryOn, type TelemetryOn } from './telemetry-on.ts';
import { pageOf as encodePage } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

function providerOf(...readers: IMetricReader[]): MeterProvider {
  const provider = new MeterProvider({ readers });
  ended.push(() => provider.shutdown());
  return provider;
}

function telemetryFor(engine: 'native' | 'sdk'): TelemetryOn {
  const telemetry = telemetryOn(engine, { destinations: [{ name: 'deltas', temporality: 'delta' }] });
  ended.push(() => telemetry.shutdown());
  return telemetry;
}

const valuesOf = (metric: Awaited<ReturnType<typeof metricOf>>): number[] | undefined =>
  metric?.kind === 'sum' || metric?.kind === 'gauge' ? [...metric.points.values] : undefined;

for (const engine of engineNames) {
  describe(`a MeterProvider with our reader, on the engine ${engine}`, () => {
    it('has its instruments in every scrape and export, as totals', async () => {
      const telemetry = telemetryFor(engine);
      const counter = providerOf(telemetry.sdkReader())
        .getMeter('theirs', '1')
        .createCounter('orders', { unit: '{order}' });
      counter.add(2, { shop: 'a' });
      const scraped = async () => {
        const { snapshot, errors } = await telemetry.pull.collect();
        assert.deepEqual(errors, []);
        return samplesOf(readPage(encodePage(snapshot).text), 'theirs');
      };
      assert.deepEqual(await scraped(), { 'orders_total{shop="a"}': 2 });
      assert.deepEqual(valuesOf(await metricOf(telemetry.pushed, 'orders')), [2]);
      counter.add(3, { shop: 'a' });
      assert.deepEqual(await scraped(), { 'orders_total{shop="a"}': 5 });

      const { snapshot } = await telemetry.pushed.collect();
      const parts = [...createEncoder().encode([snapshot], { batchBytesMax: 1e6, drop: () => assert.fail('dropped') })];
      const sent = parts.flatMap((part) => (part ? decodeExportMetricsRequest(part.bytes).snapshots : []));
      const orders = sent
        .flatMap(({ scopes }) => scopes.flatMap(({ metrics }) => metrics))
        .find(({ name }) => name === 'orders');
      assert.ok(orders?.kind === 'sum' && orders.temporality === 'cumulative');
      assert.deepEqual([...orders.points.values], [5]);
    });

    it('has nothing before it has the reader, and nothing after it is shut down', async () => {
      const telemetry = telemetryFor(engine);
      const reader = telemetry.sdkReader();
      const first = await telemetry.pull.collect();
      assert.deepEqual(first.errors, []);
      const provider = new MeterProvider({ readers: [reader] });
      provider.getMeter('theirs').createUpDownCounter('open').add(4);
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'open')), [4]);
      await provider.shutdown();
      const last = await telemetry.pull.collect();
      assert.deepEqual(last.errors, []);
      assert.equal(
        last.snapshot.scopes.some(({ scope }) => scope.name === 'theirs'),
        false,
      );
    });

    it('may be one of several', async () => {
      const telemetry = telemetryFor(engine);
      const [one, two] = [telemetry.sdkReader(), telemetry.sdkReader()].map((reader) => providerOf(reader));
      one?.getMeter('one').createGauge('g1').record(1);
      two?.getMeter('two').createGauge('g2').record(2);
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'g1')), [1]);
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'g2')), [2]);
    });

    it('has a callback that fails reported, and the rest of it kept', async () => {
      const telemetry = telemetryFor(engine);
      const meter = providerOf(telemetry.sdkReader()).getMeter('theirs');
      meter.createObservableGauge('good').addCallback((result) => result.observe(1));
      meter.createObservableGauge('bad').addCallback(() => {
        throw new Error('no such sensor');
      });
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'good')), [1]);
      const [line] = telemetry.lines.filter(({ message }) => message === 'source failed');
      assert.deepEqual(line?.fields, { 'metergate.source': 'sdk', error: 'Error: no such sensor' });
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'metergate.scrape.source.errors')), [1]);
    });

    it('has a callback that hangs cost its own metric only', async () => {
      const telemetry = telemetryFor(engine);
      const meter = providerOf(telemetry.sdkReader()).getMeter('theirs');
      meter.createObservableGauge('good').addCallback((result) => result.observe(1));
      meter.createObservableGauge('bad').addCallback(() => new Promise(() => {}));
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'good')), [1]);
      assert.equal(
        telemetry.lines.some(({ message }) => message === 'source failed'),
        true,
      );
    });

    it('has metrics of kinds that are not known reported, and the others kept', async () => {
      const telemetry = telemetryFor(engine);
      const reader = telemetry.sdkReader();
      const provider = providerOf(reader);
      provider.getMeter('theirs').createGauge('good').record(1);
      withUnknownKind(reader);
      assert.deepEqual(valuesOf(await metricOf(telemetry.pull, 'good')), [1]);
      const [line] = telemetry.lines.filter(({ message }) => message === 'source failed');
      assert.equal(line?.fields.error, 'the metric odd is of a kind that is not known');
    });
  });
}

/** What the reader collects from now on has one more metric, as an SDK newer than ours could give it. */
function withUnknownKind(reader: IMetricReader): void {
  const collect = reader.collect.bind(reader);
  const odd = { descriptor: { name: 'odd' }, dataPointType: 99, dataPoints: [] } as unknown as MetricData;
  reader.collect = async (options): ReturnType<MetricProducer['collect']> => {
    const result = await collect(options);
    for (const scope of result.resourceMetrics.scopeMetrics) scope.metrics.push(odd);
    return result;
  };
}
