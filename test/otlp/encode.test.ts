import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes, Exemplar, Metric, NumberPoints, Snapshot, SumMetric } from '../../src/metric/model.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { snapshotRows } from '../exposition/hostile-rows.ts';
import { runs } from '../exposition/runs.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { countPoints } from '../support/count-points.ts';
import { encoded, encodedBytes } from './encoded.ts';
import { expectedRequest } from './expected.ts';
import { decodeRequest } from './messages.ts';

const described = { name: 'm', description: '', unit: '' };
const timeMs = 1_700_000_000_000.25;
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

function numbersOf(values: readonly number[], more: Partial<NumberPoints> = {}): NumberPoints {
  const column = () => Float64Array.from(values, () => timeMs);
  const attributes = values.map((_, i) => ({ i }));
  return { attributes, startTimesMs: column(), timesMs: column(), values: Float64Array.from(values), ...more };
}

function sumOf(points: NumberPoints, more: Partial<SumMetric> = {}): SumMetric {
  return { ...described, kind: 'sum', monotonic: true, temporality: 'cumulative', points, ...more };
}

function inScope(...metrics: Metric[]): Snapshot {
  return { resource: { r: 1 }, scopes: [{ scope: { name: 's', version: '2', schemaUrl: 'https://x' }, metrics }] };
}

/** Of one metric of one point. */
function pointOf(metric: Metric): unknown {
  const { dropped, batches } = encoded([inScope(metric)]);
  assert.deepEqual(dropped, []);
  const [batch] = batches;
  assert.ok(batch);
  assert.equal(batch.points, 1);
  const request = decodeRequest(batch.bytes) as { resourceMetrics: { scopeMetrics: { metrics: object[] }[] }[] };
  const [only] = request.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
  const data = Object.values(only ?? {}).find((field) => typeof field === 'object') as { dataPoints: unknown[] };
  return data.dataPoints[0];
}

const at = { attributes: [{}], startTimesMs: Float64Array.of(0), timesMs: Float64Array.of(timeMs) };
const timeUnixNano = '1700000000000250000';

describe('a request', () => {
  it('is nothing where there are no points', () => {
    assert.deepEqual(encoded([]), { batches: [], dropped: [] });
    assert.deepEqual(encoded([inScope(), inScope(sumOf(numbersOf([])))]), { batches: [], dropped: [] });
  });

  it('says what the model says, of whatever comes', () => {
    fc.assert(
      fc.property(fc.array(snapshotRows, { maxLength: 3 }), (rows) => {
        const snapshots = rows.map(toSnapshot);
        const { message, points, dropped } = expectedRequest(snapshots);
        const result = encoded(snapshots);
        assert.equal(result.batches[0]?.points ?? 0, points);
        assert.deepEqual(result.dropped, dropped);
        const bytes = result.batches[0]?.bytes ?? new Uint8Array(0);
        assert.deepEqual(decodeRequest(bytes), message);
        decodeExportMetricsRequest(bytes);
      }),
      runs({ short: 300, long: 20_000 }),
    );
  });

  const points: Record<string, { metric: Metric; is: object }> = {
    'an exemplar, with its span and what its series does not say': {
      metric: sumOf({
        ...at,
        values: Float64Array.of(2.5),
        exemplars: [{ value: 1.5, timeMs, traceId, spanId, attributes: { a: 'b' } }],
      }),
      is: {
        timeUnixNano,
        asDouble: 2.5,
        exemplars: [
          {
            filteredAttributes: [{ key: 'a', value: { stringValue: 'b' } }],
            timeUnixNano,
            asDouble: 1.5,
            spanId,
            traceId,
          },
        ],
      },
    },
    'an exemplar of an integer without a span': {
      metric: sumOf(
        { ...at, values: Float64Array.of(7), exemplars: [{ value: 3, timeMs: 0, traceId: '', spanId: '' }] },
        { integer: true },
      ),
      is: { timeUnixNano, asInt: '7', exemplars: [{ asInt: '3' }] },
    },
    'an exemplar of ids that are none': {
      metric: sumOf({
        ...{ ...at, values: Float64Array.of(7) },
        exemplars: [{ value: 3, timeMs: 0, traceId: traceId.replace('a', 'x'), spanId: `${spanId}00` }],
      }),
      is: { timeUnixNano, asDouble: 7, exemplars: [{ asDouble: 3 }] },
    },
    'an integer that a double does not hold exactly': {
      metric: sumOf({ ...at, values: Float64Array.of(2 ** 53) }, { integer: true }),
      is: { timeUnixNano, asDouble: 2 ** 53 },
    },
    'a start time': {
      metric: sumOf({ ...at, startTimesMs: Float64Array.of(1), values: Float64Array.of(-0) }),
      is: { startTimeUnixNano: '1000000', timeUnixNano, asDouble: -0 },
    },
    'a summary, whose sum may be none': {
      metric: {
        ...{ ...described, kind: 'summary' },
        points: [
          {
            ...{ ...at, counts: Float64Array.of(3), sums: Float64Array.of(NaN) },
            ...{ quantiles: [0, 0.5, 1], quantileValues: Float64Array.of(1, NaN, 3) },
          },
        ],
      },
      is: {
        ...{ timeUnixNano, count: '3', sum: NaN },
        quantileValues: [
          { quantile: 0, value: 1 },
          { quantile: 0.5, value: NaN },
          { quantile: 1, value: 3 },
        ],
      },
    },
    'an exponential histogram with a zero threshold': {
      metric: {
        ...{ ...described, kind: 'exponential_histogram', temporality: 'delta' },
        points: {
          ...at,
          histograms: [
            {
              ...{ scale: -3, count: 2 ** 53, sum: NaN, min: -1, max: NaN, zeroCount: 2, zeroThreshold: 1e-9 },
              positive: { offset: -7, counts: Float64Array.of(0, 127, 128, 2 ** 32, 2 ** 53 - 1) },
              negative: { offset: 0, counts: new Float64Array(0) },
            },
          ],
          exemplars: [[1, 2].map((value): Exemplar => ({ value, timeMs: 0, traceId, spanId: '' }))],
        },
      },
      is: {
        ...{ timeUnixNano, count: '9007199254740992', scale: -3, zeroCount: '2', min: -1, zeroThreshold: 1e-9 },
        positive: { offset: -7, bucketCounts: ['0', '127', '128', '4294967296', '9007199254740991'] },
        negative: {},
        exemplars: [
          { asDouble: 1, traceId },
          { asDouble: 2, traceId },
        ],
      },
    },
    'a histogram of one bucket': {
      metric: {
        ...{ ...described, kind: 'histogram', temporality: 'cumulative' },
        points: [
          {
            ...at,
            bounds: [],
            ...{ bucketCounts: Float64Array.of(4), counts: Float64Array.of(4), sums: Float64Array.of(8) },
          },
        ],
      },
      is: { timeUnixNano, count: '4', sum: 8, bucketCounts: ['4'] },
    },
  };
  for (const [what, { metric, is }] of Object.entries(points)) {
    it(`has ${what}`, () => assert.deepEqual(pointOf(metric), is));
  }

  it('has a resource for each snapshot', () => {
    const [one, two] = [inScope(sumOf(numbersOf([1]))), inScope(sumOf(numbersOf([2])))];
    const { message } = expectedRequest([one, { ...two, resource: { r: 2 } }]);
    const bytes = encodedBytes(one, { ...two, resource: { r: 2 } });
    assert.deepEqual(decodeRequest(bytes), message);
    assert.equal((message.resourceMetrics as unknown[]).length, 2);
  });
});

describe('rows that no point can hold', () => {
  const good = numbersOf([1, 2, 3]);
  const histogram = (more: object): Metric => ({
    ...{ ...described, kind: 'histogram', temporality: 'delta' },
    points: [
      {
        ...{ attributes: [{ i: 0 }, { i: 1 }], startTimesMs: new Float64Array(2), timesMs: new Float64Array(2) },
        ...{ bounds: [1], bucketCounts: Float64Array.of(1, 1, 1, 1) },
        ...{ counts: Float64Array.of(2, 2), sums: Float64Array.of(1, 1), ...more },
      },
    ],
  });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const exotic = (value: unknown): Attributes => ({ a: value }) as Attributes;
  const unreadable = Object.defineProperty({}, 'a', {
    enumerable: true,
    get: () => {
      throw new Error('not now');
    },
  });
  const deep = Array.from({ length: 30 }).reduce((inner: unknown) => [inner], 1);
  const cases: Record<string, { metric: Metric; dropped: number; left: number }> = {
    'a negative count': { metric: histogram({ counts: Float64Array.of(-1, 2) }), dropped: 1, left: 1 },
    'a count that is no whole number': { metric: histogram({ counts: Float64Array.of(2, 0.5) }), dropped: 1, left: 1 },
    'a bucket that is not a number': {
      metric: histogram({ bucketCounts: Float64Array.of(1, 1, 1, NaN) }),
      dropped: 1,
      left: 1,
    },
    'a bucket beyond 2^53': {
      metric: histogram({ bucketCounts: Float64Array.of(1, 2 ** 54, 1, 1) }),
      dropped: 1,
      left: 1,
    },
    'too few buckets': { metric: histogram({ bucketCounts: Float64Array.of(1, 1, 1) }), dropped: 1, left: 1 },
    'no counts': { metric: histogram({ counts: new Float64Array(0) }), dropped: 2, left: 0 },
    'bounds that descend': {
      metric: histogram({ bounds: [2, 1], bucketCounts: new Float64Array(6) }),
      dropped: 2,
      left: 0,
    },
    'too few values': { metric: sumOf({ ...good, values: Float64Array.of(1) }), dropped: 2, left: 1 },
    'too few times': { metric: sumOf({ ...good, timesMs: new Float64Array(2) }), dropped: 1, left: 2 },
    'attributes that throw': { metric: sumOf({ ...good, attributes: [{}, unreadable, {}] }), dropped: 1, left: 2 },
    'attributes that contain themselves': {
      metric: sumOf({ ...good, attributes: [exotic(cyclic), {}, {}] }),
      dropped: 1,
      left: 2,
    },
    'attributes nested without end': {
      metric: sumOf({ ...good, attributes: [{}, {}, exotic(deep)] }),
      dropped: 1,
      left: 2,
    },
    'attributes that are none': {
      metric: sumOf({ ...good, attributes: [{}, null as unknown as Attributes, {}] }),
      dropped: 1,
      left: 2,
    },
  };
  for (const [what, { metric, dropped, left }] of Object.entries(cases)) {
    it(`because of ${what} are left out and reported, and the others go on`, () => {
      const after = sumOf(numbersOf([5]), { name: 'after' });
      const result = encoded([inScope(metric, after)]);
      assert.deepEqual(result.dropped, [{ metric: 'm', points: dropped }]);
      assert.equal(result.batches[0]?.points, left + 1);
      const { snapshots } = decodeExportMetricsRequest(result.batches[0].bytes);
      assert.deepEqual(snapshots.map(countPoints), [left + 1]);
    });
  }

  it('are not the ones whose exemplars or resource cannot be read', () => {
    const exemplar: Exemplar = { value: 1, timeMs, traceId, spanId, attributes: unreadable };
    const snapshot = inScope(sumOf(numbersOf([1], { exemplars: [exemplar] })));
    const resource = Object.defineProperty(
      { r: 1, x: cyclic },
      'a',
      Object.getOwnPropertyDescriptor(unreadable, 'a') ?? {},
    );
    const result = encoded([{ ...snapshot, resource: resource as unknown as Attributes }]);
    assert.deepEqual(result.dropped, []);
    assert.deepEqual(
      decodeRequest(result.batches[0]?.bytes ?? new Uint8Array(0)),
      expectedRequest([inScope(sumOf(numbersOf([1])))]).message,
    );
  });
});
