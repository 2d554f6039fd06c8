// A downstream's span comes with the request as `traceparent`; the measurements of that request keep it as their exemplar.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exemplar } from '../../../src/metric/model.ts';
import { createTelemetry, type Telemetry } from '../../../src/telemetry/index.ts';
import type { ExemplarFilter } from '../../../src/instruments/index.ts';
import { metricOf } from '../../telemetry/telemetry-on.ts';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { INFER, METADATA, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const span = { traceId: TRACE, spanId: SPAN };
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

const INFERENCE = ['inference.requests', 'inference.request.duration'];
const HTTP = ['http.server.request.duration', 'http.server.request.body.size', 'http.server.response.body.size'];

interface RunningOptions {
  readonly filter?: ExemplarFilter;
  /** Of the upstream. */
  readonly status?: number;
  readonly delayMs?: number;
}

/** The proxy with telemetry of its own filter, in front of an upstream that answers with a body of 300 bytes. */
async function start(t: TestContext, { filter = 'trace_based', status = 200, delayMs = 0 }: RunningOptions = {}) {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => void sleep(delayMs).then(() => response.writeHead(status).end('x'.repeat(300))));
  });
  const telemetry = createTelemetry({ exemplarFilter: filter });
  const { instruments, events } = telemetry;
  const { url } = await startProxy(t, [upstreamAt(upstream.url)], { instruments, events });
  let sent = 0;
  /** Resolves when the request has been measured. */
  const request = async (traceparent?: string | string[], path = INFER): Promise<void> => {
    const headers = traceparent === undefined ? {} : { traceparent };
    await send(url, { method: 'POST', path, body: 'y'.repeat(5_000), headers });
    sent++;
    await until('it is measured', async () => (await requestsMeasured(telemetry)) === sent);
  };
  return { telemetry, request };
}

async function requestsMeasured({ pull }: Telemetry): Promise<number> {
  const metric = await metricOf(pull, 'http.server.response.body.size');
  if (metric?.kind !== 'histogram') return 0;
  return metric.points.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0), 0);
}

interface Found extends Exemplar {
  /** Of the bucket that it stands in: values above the first and up to the second, and how many there are. */
  readonly bucket?: readonly [above: number, upTo: number, count: number];
  readonly outcome: unknown;
}

/** The exemplars of a metric in a scrape made now. */
async function exemplarsOf({ pull }: Telemetry, name: string): Promise<Found[]> {
  const metric = await metricOf(pull, name);
  if (metric?.kind === 'sum') {
    const { exemplars = [], attributes } = metric.points;
    return exemplars.flatMap((each, row) =>
      each ? [{ ...each, outcome: attributes[row]?.['inference.outcome'] }] : [],
    );
  }
  assert.ok(metric?.kind === 'histogram', `${name} is not there`);
  return metric.points.flatMap(({ exemplars = [], attributes, bounds, bucketCounts }) => {
    const edges = [-Infinity, ...bounds, Infinity];
    const width = bounds.length + 1;
    return exemplars.flatMap((each, slot) => {
      const [above = NaN, upTo = NaN] = edges.slice(slot % width);
      const outcome = attributes[Math.floor(slot / width)]?.['inference.outcome'];
      return each ? [{ ...each, outcome, bucket: [above, upTo, bucketCounts[slot] ?? NaN] as const }] : [];
    });
  });
}

async function allExemplars(telemetry: Telemetry): Promise<Found[]> {
  return (await Promise.all([...INFERENCE, ...HTTP].map((name) => exemplarsOf(telemetry, name)))).flat();
}

describe('a request with a sampled traceparent', () => {
  it('is the exemplar of its series and of the bucket that it is counted in', async (t) => {
    // So long that it is not in the first bucket of all.
    const { telemetry, request } = await start(t, { delayMs: 30 });
    const before = Date.now();
    await request(SAMPLED);
    const values: Record<string, number> = {};
    for (const name of [...INFERENCE, ...HTTP]) {
      const [exemplar, ...others] = await exemplarsOf(telemetry, name);
      assert.ok(exemplar, name);
      assert.deepEqual(others, [], name);
      assert.partialDeepStrictEqual(exemplar, span, name);
      assert.ok(exemplar.timeMs >= before && exemplar.timeMs <= Date.now());
      const [above, upTo, count] = exemplar.bucket ?? [-Infinity, Infinity, 1];
      assert.ok(exemplar.value > above && exemplar.value <= upTo, name);
      assert.equal(count, 1, name);
      values[name] = exemplar.value;
    }
    assert.deepEqual([values['inference.requests'], values[HTTP[1] ?? ''], values[HTTP[2] ?? '']], [1, 5_000, 300]);
    assert.equal(values['inference.request.duration'], values['http.server.request.duration']);
  });

  it('is the exemplar of the outcome that it had', async (t) => {
    const { telemetry, request } = await start(t, { status: 500 });
    await request(SAMPLED);
    for (const name of INFERENCE) {
      const found = (await exemplarsOf(telemetry, name)).map(({ traceId, outcome }) => [traceId, outcome]);
      assert.deepEqual(found, [[TRACE, 'failure']]);
    }
  });

  it('is the exemplar of a refusal as well', async (t) => {
    const { telemetry, request } = await start(t);
    await request(SAMPLED, '/%zz');
    const found = (await exemplarsOf(telemetry, 'inference.requests')).map(({ traceId, outcome }) => [
      traceId,
      outcome,
    ]);
    assert.deepEqual(found, [[TRACE, 'rejected']]);
    assert.equal(await metricOf(telemetry.pull, 'inference.request.duration'), undefined);
  });

  it('that asks for no prediction is one of HTTP only', async (t) => {
    const { telemetry, request } = await start(t);
    await request(SAMPLED, METADATA);
    for (const name of HTTP) assert.partialDeepStrictEqual(await exemplarsOf(telemetry, name), [span], name);
    assert.deepEqual(await exemplarsOf(telemetry, 'inference.requests'), []);
  });

  it('takes the place of the one before it, where that was counted in the same bucket', async (t) => {
    const { telemetry, request } = await start(t);
    const other = 'f'.repeat(32);
    await request(SAMPLED);
    await request(`00-${other}-${SPAN}-01`);
    await request();
    for (const name of ['inference.requests', 'http.server.request.body.size', 'http.server.response.body.size']) {
      assert.deepEqual(
        (await exemplarsOf(telemetry, name)).map(({ traceId }) => traceId),
        [other],
        name,
      );
    }
  });

  it('is measured as one without', async (t) => {
    const { telemetry, request } = await start(t);
    await request(SAMPLED);
    await request();
    const metric = await metricOf(telemetry.pull, 'inference.requests');
    assert.ok(metric?.kind === 'sum');
    assert.equal(
      metric.points.values.reduce((sum, value) => sum + value, 0),
      2,
    );
    const text = JSON.stringify(metric.points.attributes);
    assert.ok(!text.includes(TRACE) && !text.includes('trace'));
  });
});

describe('there is no exemplar', () => {
  const cases: Record<string, { traceparent?: string | string[]; filter?: ExemplarFilter }> = {
    'without a traceparent': {},
    'of a span that is not sampled, where the filter is trace_based': { traceparent: `00-${TRACE}-${SPAN}-00` },
    'of a traceparent that is not valid': { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` },
    'of a traceparent that came twice': { traceparent: [SAMPLED, SAMPLED] },
    'where the filter is always_off': { traceparent: SAMPLED, filter: 'always_off' },
  };
  for (const [what, { traceparent, ...options }] of Object.entries(cases)) {
    it(what, async (t) => {
      const { telemetry, request } = await start(t, options);
      await request(traceparent);
      assert.deepEqual(await allExemplars(telemetry), []);
    });
  }
});

it('every measurement has an exemplar where the filter is always_on, with the span where there is one, sampled or not', async (t) => {
  const { telemetry, request } = await start(t, { filter: 'always_on' });
  await request();
  const without = await allExemplars(telemetry);
  assert.ok(without.length >= 5);
  assert.ok(without.every(({ traceId, spanId }) => traceId === '' && spanId === ''));
  await request(SAMPLED);
  assert.partialDeepStrictEqual(await exemplarsOf(telemetry, 'http.server.response.body.size'), [span]);
  const unsampled = { traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) };
  await request(`00-${unsampled.traceId}-${unsampled.spanId}-00`);
  assert.partialDeepStrictEqual(await exemplarsOf(telemetry, 'http.server.response.body.size'), [unsampled]);
});
