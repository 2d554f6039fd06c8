import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { startCollector } from '../support/collector.ts';
import { skipWithout } from '../support/interop.ts';
import { lastPoints, sumBy } from '../support/otlp-json.ts';
import { eventually, startProcess } from '../support/processes.ts';
import { startPrometheus } from '../support/prometheus.ts';

test(
  'the Collector writes what the official exporter pushed and shows it under Prometheus names',
  { skip: skipWithout('otelcol') },
  async (t) => {
    const collector = await startCollector();
    t.after(() => collector.stop());
    const exporter = new OTLPMetricExporter({ url: collector.grpcUrl });
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': 'iris-gateway', 'service.instance.id': 'gateway-1' }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    t.after(() => provider.shutdown());
    const meter = provider.getMeter('starters');
    const requests = meter.createCounter('inference.requests', { unit: '{request}' });
    const duration = meter.createHistogram('inference.request.duration', { unit: 's' });

    requests.add(1, { 'inference.outcome': 'success' });
    await provider.forceFlush();
    requests.add(41, { 'inference.outcome': 'success' });
    requests.add(2, { 'inference.outcome': 'failure' });
    duration.record(0.25);
    duration.record(0.5);
    await provider.forceFlush();

    const points = await eventually(async () => {
      const last = lastPoints(await collector.fileMetrics());
      return last.some(({ name }) => name === 'inference.request.duration') ? last : undefined;
    });
    assert.deepEqual(sumBy(points, 'inference.requests', 'inference.outcome'), { success: 42, failure: 2 });
    const histogram = points.find(({ name }) => name === 'inference.request.duration');
    assert.deepEqual([histogram?.value, histogram?.sum], [2, 0.75]);
    assert.equal(histogram?.resource['service.name'], 'iris-gateway');

    const page = await (await fetch(collector.prometheusUrl)).text();
    const line = page
      .split('\n')
      .find((each) => each.startsWith('inference_requests_total{') && each.includes('"success"'));
    for (const part of ['job="iris-gateway"', 'instance="gateway-1"', 'inference_outcome="success"'])
      assert.ok(line?.includes(part), part);
    assert.match(line ?? '', /\} 42$/);
    assert.match(page, /^inference_request_duration_seconds_count\{.*\} 2$/m);
  },
);

test('Prometheus answers a query with what it scraped', { skip: skipWithout('prometheus') }, async (t) => {
  const page = createServer((_, response) => {
    response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end('# TYPE answers_total counter\nanswers_total{of="life"} 42\n');
  }).listen(0, '127.0.0.1');
  await once(page, 'listening');
  t.after(() => page.close());
  const address = `127.0.0.1:${(page.address() as AddressInfo).port}`;
  const prometheus = await startPrometheus({ scrapeTargets: [{ job: 'page', address }], scrapeIntervalMs: 100 });
  t.after(() => prometheus.stop());

  // Prometheus hands its targets to the scrape loops every 5 s only.
  const samples = await eventually(async () => {
    const found = await prometheus.query('answers_total');
    return found.length > 0 ? found : undefined;
  });

  const labels = { __name__: 'answers_total', of: 'life', job: 'page', instance: address };
  assert.deepEqual(samples, [{ labels, value: 42 }]);
  await assert.rejects(prometheus.query('answers_total{'), /bad_data/);
});

test('a process that ends before it is ready is reported with what it wrote', async () => {
  const args = ['-e', 'console.error("no such model"); process.exit(3)'];
  await assert.rejects(startProcess({ command: process.execPath, args, ready: { line: /never/ } }), /no such model/);
});

test('a process that ignores SIGTERM is killed', async () => {
  const args = ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'];
  const stubborn = await startProcess({ command: process.execPath, args, ready: { line: /^up$/m } });
  assert.deepEqual(await stubborn.stop({ killAfterMs: 50 }), { code: null, signal: 'SIGKILL' });
});
