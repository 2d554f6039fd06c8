import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import { pageOf } from './page.ts';
import { parseError, withoutPromtool } from './promtool.ts';

async function scrapeSdk() {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    readers: [reader],
    views: [{ instrumentName: 'wait', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter('till', '1.2.0');

  const sold = meter.createCounter('items.sold', { unit: '{item}', description: 'Items sold' });
  for (let i = 0; i < 1000; i += 1) sold.add(i % 3, { kind: i % 2 === 0 ? 'tea' : 'milk' });
  const open = meter.createUpDownCounter('carts.open');
  for (let i = 0; i < 10; i += 1) open.add(i % 4 === 0 ? -1 : 1);
  const size = meter.createHistogram('cart.size', {
    unit: 'By',
    advice: { explicitBucketBoundaries: [10, 1_000_000] },
  });
  for (const value of [0, 10, 11, 2_000_000]) size.record(value);
  meter.createObservableGauge('shelf.fill', { unit: '1' }).addCallback((result) => {
    result.observe(0.5, { shelf: 'a/b' });
  });
  meter.createHistogram('wait').record(1);
  // Two instruments that want one name: the second would break the page.
  meter.createGauge('cart.size.bytes.count').record(3);
  provider.getMeter('other').createCounter('items_sold').add(7);

  const { resourceMetrics, errors } = await reader.collect();
  assert.deepEqual(errors, []);
  const { snapshot, unsupported } = fromSdk(resourceMetrics);
  await provider.shutdown();
  const { text, dropped } = pageOf(snapshot);
  return { page: text, dropped, unsupported };
}

// Of the 500 even i, i % 3 goes 0, 2, 1 over 166 times (3 each) and then 0, 2; of the odd ones 1, 0, 2 and then 1, 0.
const teaSold = 166 * 3 + 2;
const milkSold = 166 * 3 + 1;

it('a collection of the official SDK becomes a page with the numbers that were recorded', async () => {
  const { page, dropped, unsupported } = await scrapeSdk();
  const scope = 'otel_scope_name="till",otel_scope_version="1.2.0"';
  // The SDK hands scopes over in the order in which their callbacks end.
  assert.deepEqual(
    page.trimEnd().split('\n').sort(),
    [
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{service_name="shop"} 1',
      '# HELP items_sold_total Items sold',
      '# TYPE items_sold_total counter',
      `items_sold_total{kind="tea",${scope}} ${teaSold}`,
      `items_sold_total{kind="milk",${scope}} ${milkSold}`,
      'items_sold_total{otel_scope_name="other"} 7',
      '# TYPE carts_open gauge',
      `carts_open{${scope}} 4`,
      '# TYPE cart_size_bytes histogram',
      `cart_size_bytes_bucket{${scope},le="10"} 2`,
      `cart_size_bytes_bucket{${scope},le="1e+06"} 3`,
      `cart_size_bytes_bucket{${scope},le="+Inf"} 4`,
      `cart_size_bytes_sum{${scope}} 2000021`,
      `cart_size_bytes_count{${scope}} 4`,
      '# TYPE shelf_fill_ratio gauge',
      `shelf_fill_ratio{${scope},shelf="a/b"} 0.5`,
      '# TYPE wait histogram',
      `wait_bucket{${scope},le="0.5"} 0`,
      `wait_bucket{${scope},le="1"} 1`,
      `wait_bucket{${scope},le="+Inf"} 1`,
      `wait_sum{${scope}} 1`,
      `wait_count{${scope}} 1`,
    ].sort(),
  );
  assert.deepEqual(dropped, [{ name: 'cart.size.bytes.count', reason: 'name_conflict', series: 1 }]);
  assert.deepEqual(unsupported, []);
});

it('promtool reads a collection of the official SDK', { skip: withoutPromtool }, async () => {
  assert.equal(parseError((await scrapeSdk()).page), undefined);
});
