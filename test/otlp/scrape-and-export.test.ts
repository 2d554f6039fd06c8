import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMeters } from '../../src/instruments/index.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { pageOf } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';
import { encodedBytes } from './encoded.ts';

describe('a scrape and an export of one snapshot', () => {
  it('hold the same values', async () => {
    const meters = createMeters({ cardinalityLimit: 100, exemplarFilter: 'always_off', nowMs: Date.now });
    const meter = meters.getMeter({ name: 's' });
    const random = (() => {
      let state = 1;
      return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    })();
    const counter = meter.createCounter('requests');
    const upDown = meter.createUpDownCounter('active');
    const gauge = meter.createGauge('temperature');
    const histogram = meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [0.1, 0.5, 1] } });
    meter.createObservableGauge('limit').addCallback((result) => result.observe(Infinity, { model: 'm1' }));
    for (let i = 0; i < 2_000; i++) {
      const set = { model: `m${Math.floor(random() * 30)}` };
      counter.add(random() * 10 ** Math.floor(random() * 20), set);
      upDown.add(Math.floor(random() * 100) - 50, set);
      gauge.record((random() - 0.5) / 3, set);
      histogram.record(random() * 2, set);
    }
    const { scopes } = await meters.createView('cumulative').collect(1_000);
    const snapshot = { resource: {}, scopes };

    const scraped = new Map<string, number>();
    for (const { name, labels, value } of readPage(pageOf(snapshot).text).samples) {
      const le = labels.has('le') ? ` ${labels.get('le')}` : '';
      scraped.set(`${name} ${labels.get('model')}${le}`, value);
    }
    const exported = new Map<string, number>();
    for (const metric of decodeExportMetricsRequest(encodedBytes(snapshot)).snapshots.flatMap((own) =>
      own.scopes.flatMap(({ metrics }) => metrics),
    )) {
      if (metric.kind === 'sum' || metric.kind === 'gauge') {
        const name = metric.kind === 'sum' && metric.monotonic ? `${metric.name}_total` : metric.name;
        metric.points.attributes.forEach(({ model }, i) =>
          exported.set(`${name} ${String(model)}`, metric.points.values[i] ?? NaN),
        );
      } else if (metric.kind === 'histogram') {
        for (const { attributes, bounds, bucketCounts, counts, sums } of metric.points) {
          attributes.forEach(({ model }, row) => {
            let below = 0;
            for (const [i, le] of [...bounds, '+Inf'].entries()) {
              below += bucketCounts[row * (bounds.length + 1) + i] ?? NaN;
              exported.set(`${metric.name}_bucket ${String(model)} ${le}`, below);
            }
            exported.set(`${metric.name}_count ${String(model)}`, counts[row] ?? NaN);
            exported.set(`${metric.name}_sum ${String(model)}`, sums[row] ?? NaN);
          });
        }
      }
    }
    const sorted = (map: Map<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.ok(exported.size > 200);
    assert.deepEqual(sorted(exported), sorted(new Map([...scraped].filter(([key]) => !key.startsWith('target_info')))));
  });
});
