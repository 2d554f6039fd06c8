import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exponential, gauge, histogram, oneScope } from './family-rows.ts';
import { decodeFamilies, type HistogramMessage, type MetricMessage } from './metric-family.ts';
import { pageOf } from './page.ts';
import { toSnapshot, type ExemplarRow, type ExponentialHistogramRow, type MetricRows } from './snapshot.ts';

// Read by protobufjs, by the public definition of the messages.

function pageWith(...metrics: MetricRows[]) {
  const { bytes, dropped } = pageOf(toSnapshot(oneScope(...metrics)), { format: 'protobuf' });
  return { bytes, dropped, families: decodeFamilies(bytes).map(({ family }) => family) };
}

function metricOf(metric: MetricRows): MetricMessage {
  const { families, dropped } = pageWith(metric);
  assert.deepEqual(dropped, []);
  return families[0]?.metric?.[0] ?? assert.fail('no metric');
}

const nativeOf = (row: ExponentialHistogramRow): HistogramMessage | undefined =>
  metricOf(exponential('a', { points: [{ sum: 1, ...row }] })).histogram;

/** Without the fields that are the same in all of them. */
const cases: Record<string, { in: ExponentialHistogramRow; out: Partial<HistogramMessage> }> = {
  "writes the specification's example as it does": {
    in: { scale: 0, positive: { offset: 3, counts: [10, 0, 0, 20, 5, 2] } },
    out: {
      sampleCount: '37',
      schema: 0,
      positiveSpan: [
        { offset: 4, length: 1 },
        { offset: 2, length: 3 },
      ],
      positiveDelta: ['10', '10', '-15', '-3'],
    },
  },
  'leaves out empty buckets at both ends': {
    in: { scale: 3, positive: { offset: -5, counts: [0, 0, 1, 0] } },
    out: { sampleCount: '1', schema: 3, positiveSpan: [{ offset: -2, length: 1 }], positiveDelta: ['1'] },
  },
  'writes negative buckets by their magnitude, beside positive ones': {
    in: {
      scale: 0,
      zeroCount: 3,
      positive: { offset: 0, counts: [1] },
      negative: { offset: -2, counts: [2, 1] },
      sum: -1,
    },
    out: {
      sampleCount: '7',
      sampleSum: -1,
      schema: 0,
      zeroCount: '3',
      positiveSpan: [{ offset: 1, length: 1 }],
      positiveDelta: ['1'],
      negativeSpan: [{ offset: -1, length: 2 }],
      negativeDelta: ['2', '-1'],
    },
  },
  'keeps scale 8': {
    in: { scale: 8, positive: { offset: 0, counts: [1, 1] } },
    out: { sampleCount: '2', schema: 8, positiveSpan: [{ offset: 1, length: 2 }], positiveDelta: ['1', '0'] },
  },
  'makes scale 9 coarser by one': {
    // Pairs of indices (-2, -1), (0, 1) and (2, 3).
    in: { scale: 9, positive: { offset: -1, counts: [1, 2, 4, 8, 16] } },
    out: { sampleCount: '31', schema: 8, positiveSpan: [{ offset: 0, length: 3 }], positiveDelta: ['1', '5', '18'] },
  },
  'makes scale 20 coarser by twelve, negative buckets too': {
    in: {
      scale: 20,
      positive: { offset: 4095, counts: [1, 2] },
      negative: { offset: -4096, counts: [...new Array<number>(4096).fill(1), 5] },
    },
    out: {
      sampleCount: '4104',
      schema: 8,
      positiveSpan: [{ offset: 1, length: 2 }],
      positiveDelta: ['1', '1'],
      negativeSpan: [{ offset: 0, length: 2 }],
      negativeDelta: ['4096', '-4091'],
    },
  },
  'keeps scale -4': {
    in: { scale: -4, positive: { offset: 0, counts: [1] } },
    out: { sampleCount: '1', schema: -4, positiveSpan: [{ offset: 1, length: 1 }], positiveDelta: ['1'] },
  },
  'keeps the zero threshold that there is': {
    in: { scale: 0, zeroCount: 1, zeroThreshold: 0.25 },
    out: { sampleCount: '1', schema: 0, zeroThreshold: 0.25, zeroCount: '1' },
  },
  'writes counts beyond 32 bits': {
    in: { scale: 0, zeroCount: 2 ** 40, positive: { offset: 0, counts: [2 ** 45, 1] } },
    out: {
      sampleCount: String(2 ** 40 + 2 ** 45 + 1),
      schema: 0,
      zeroCount: String(2 ** 40),
      positiveSpan: [{ offset: 1, length: 2 }],
      positiveDelta: [String(2 ** 45), String(1 - 2 ** 45)],
    },
  },
};

describe('a page of protobuf: native histograms', () => {
  for (const [behaviour, { in: row, out }] of Object.entries(cases)) {
    it(behaviour, () =>
      assert.deepEqual(nativeOf(row), { sampleSum: 1, zeroThreshold: 1e-128, zeroCount: '0', ...out }),
    );
  }

  it('has one without values seen to be native, by its zero threshold', () => {
    assert.deepEqual(nativeOf({ scale: 5, sum: 0 }), {
      ...{ sampleCount: '0', sampleSum: 0, schema: 5 },
      ...{ zeroThreshold: 1e-128, zeroCount: '0' },
    });
  });

  it('leaves out what is coarser than schema -4, and what has no sum', () => {
    const one = { positive: { offset: 0, counts: [1] } };
    const points = [
      { attributes: { of: 'coarse' }, scale: -5, sum: 1, ...one },
      { attributes: { of: 'no sum' }, scale: 0, ...one },
      { attributes: { of: 'both' }, scale: -10, ...one },
      { attributes: { of: 'good' }, scale: 0, sum: 1, ...one },
    ];
    const { families, dropped } = pageWith(exponential('a', { points }));
    assert.deepEqual(
      families[0]?.metric?.map(({ label }) => label),
      [[{ name: 'of', value: 'good' }]],
    );
    assert.deepEqual(dropped, [
      { name: 'a', reason: 'bad_value', series: 1 },
      { name: 'a', reason: 'no_sum', series: 2 },
    ]);
  });

  it('counts what is in the buckets, whatever count the source has: Prometheus refuses a page where they differ', () => {
    const snapshot = toSnapshot(oneScope(exponential('a')));
    const points = snapshot.scopes[0]?.metrics[0]?.points;
    assert.ok(points && 'histograms' in points);
    Object.assign(points.histograms[0] ?? {}, { count: 99 });
    const [decoded] = decodeFamilies(pageOf(snapshot, { format: 'protobuf' }).bytes);
    assert.equal(decoded?.family.metric?.[0]?.histogram?.sampleCount, '1');
  });

  it('stand beside explicit ones of the same family', () => {
    const { families } = pageWith(
      exponential('a'),
      histogram('a', { points: [{ attributes: { x: 'y' }, bounds: [1], buckets: [1, 2], sum: 9 }] }),
    );
    assert.equal(families.length, 1);
    assert.deepEqual(
      families[0]?.metric?.map((metric) => [metric.histogram?.schema, metric.histogram?.bucket?.length]),
      [
        [0, undefined],
        [undefined, 2],
      ],
    );
  });
});

describe('a page of protobuf: exemplars and start times', () => {
  const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  const spanLabels = [
    { name: 'trace_id', value: span.traceId },
    { name: 'span_id', value: span.spanId },
  ];
  const row: ExemplarRow = { value: 0.5, time: 1_767_225_600_125.5, span, attributes: { 'a.b': 'c' } };
  const message = {
    label: [...spanLabels, { name: 'a_b', value: 'c' }],
    value: 0.5,
    timestamp: { seconds: '1767225600', nanos: 125_500_000 },
  };

  it('are those of counters, of buckets and of native histograms', () => {
    const start = 1_767_225_600_000;
    const createdTimestamp = { seconds: '1767225600', nanos: 0 };
    assert.deepEqual(metricOf({ kind: 'counter', name: 'a', points: [{ value: 1, start, exemplar: row }] }), {
      counter: { value: 1, exemplar: message, createdTimestamp },
    });
    const explicit = { bounds: [1], buckets: [1, 0], sum: 0.5, start, exemplars: [row, null] };
    assert.deepEqual(metricOf(histogram('a', { points: [explicit] })).histogram, {
      sampleCount: '1',
      sampleSum: 0.5,
      bucket: [
        { cumulativeCount: '1', upperBound: 1, exemplar: message },
        { cumulativeCount: '1', upperBound: Infinity },
      ],
      createdTimestamp,
    });
    const native = nativeOf({
      scale: 0,
      positive: { offset: -2, counts: [1] },
      start,
      exemplars: [row, { value: 0.4 }],
    });
    assert.deepEqual(native?.exemplars, [message, { value: 0.4 }]);
    assert.deepEqual(native.createdTimestamp, createdTimestamp);
    const summary = metricOf({
      kind: 'summary',
      name: 'a',
      points: [{ quantiles: [], values: [], count: 1, sum: 2, start }],
    });
    assert.deepEqual(summary, { summary: { sampleCount: '1', sampleSum: 2, createdTimestamp } });
  });

  it('are none of gauges', () => {
    const points = [{ value: 1, start: 1_767_225_600_000, exemplar: row }];
    assert.deepEqual(metricOf(gauge('a', { points })), { gauge: { value: 1 } });
  });

  it('have the span only where there is no room for the attributes, where one is called so, or where they cannot be read', () => {
    const unreadable = {
      get a(): string {
        throw new Error('no');
      },
    };
    for (const attributes of [
      { a: 'x'.repeat(65) },
      { 'trace.id': 'x' },
      unreadable,
      { b: [1n] as unknown as string },
    ]) {
      const points = [{ value: 1, exemplar: { ...row, attributes } }];
      assert.deepEqual(metricOf({ kind: 'counter', name: 'a', points }).counter?.exemplar?.label, spanLabels);
    }
    // 128 characters with the names.
    const attributes = { a: '🙂'.repeat(128 - 1 - 'trace_idspan_id'.length - 48) };
    const points = [{ value: 1, exemplar: { ...row, attributes } }];
    assert.equal(metricOf({ kind: 'counter', name: 'a', points }).counter?.exemplar?.label?.length, 3);
  });
});

describe('a page of protobuf: lengths', () => {
  it('are right where they need one byte more', () => {
    // Of messages in messages around 2^7, 2^14 and 2^21 bytes.
    const lengths = [7, 14, 21].flatMap((bits) => Array.from({ length: 40 }, (_, i) => 2 ** bits - 35 + i));
    const metrics = lengths.map((length, i) =>
      gauge(`a${i}`, { points: [{ attributes: { b: 'x'.repeat(length) }, value: i }] }),
    );
    const { families } = pageWith(...metrics);
    assert.deepEqual(
      families.map(({ metric = [] }) =>
        metric.map(({ label = [], gauge: own }) => [label[0]?.value.length, own?.value]),
      ),
      lengths.map((length, i) => [[length, i]]),
    );
  });

  it('stand before families that go out in several parts', () => {
    const points = Array.from({ length: 5000 }, (_, i) => ({
      attributes: { label: `a value that is longer ${i}` },
      value: i,
    }));
    const { bytes, families } = pageWith(gauge('first'), gauge('large', { points }), gauge('last'));
    assert.ok(bytes.length > 3 * 64 * 1024);
    assert.deepEqual(
      families.map(({ name, metric }) => [name, metric?.length]),
      [
        ['first', 1],
        ['large', 5000],
        ['last', 1],
      ],
    );
    assert.deepEqual(
      families[1]?.metric?.map(({ gauge: own }) => own?.value),
      points.map(({ value }) => value),
    );
  });
});
