import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Metric } from '../../src/metric/model.ts';
import { ProtobufError } from '../../src/otlp/protobuf-error.ts';
import {
  type Bytes,
  cumulative,
  decode,
  double,
  fixed64,
  gauge,
  histogram,
  inScope,
  int,
  keyValue,
  message,
  onlyMetric,
  string,
  varint,
} from './wire.ts';

// What the official serializer never writes: exemplars, summaries, zero thresholds, and messages in other shapes than its own.

const exponential = (...points: Bytes[]): Bytes => message(2, string(1, 'e'), message(10, cumulative, ...points));
const summary = (...points: Bytes[]): Bytes => message(2, string(1, 's'), message(11, ...points));

function read<K extends Metric['kind']>(metric: Bytes, kind: K) {
  const found = onlyMetric(decode(inScope(metric)));
  assert.equal(found.kind, kind);
  return found.points as Extract<Metric, { kind: K }>['points'];
}

const columns = (rows: number) => ({
  attributes: Array.from({ length: rows }, () => ({})),
  startTimesMs: new Float64Array(rows),
  timesMs: new Float64Array(rows),
});

const sint = (field: number, value: number): Bytes =>
  varint(field, value >= 0 ? 2n * BigInt(value) : -2n * BigInt(value) - 1n);
const count = (value: number | bigint): Bytes => fixed64(4, BigInt(value));

describe('an exponential histogram point', () => {
  it('is read with every field, in any order', () => {
    const point = message(
      1,
      double(14, 1e-9),
      double(13, 40),
      double(12, -3),
      message(9, message(2, int(1n)), sint(1, -1)),
      message(8, sint(1, 2), message(2, int(3n), int(300n), int(0n))),
      fixed64(7, 4n),
      sint(6, -2),
      double(5, 12.5),
      count(308),
      fixed64(3, 2_000_000n),
      fixed64(2, 1_000_000n),
      keyValue(1, 'k', string(1, 'v')),
    );
    assert.deepEqual(read(exponential(point), 'exponential_histogram'), {
      attributes: [{ k: 'v' }],
      startTimesMs: Float64Array.of(1),
      timesMs: Float64Array.of(2),
      histograms: [
        {
          scale: -2,
          count: 308,
          sum: 12.5,
          min: -3,
          max: 40,
          zeroCount: 4,
          zeroThreshold: 1e-9,
          positive: { offset: 2, counts: Float64Array.of(3, 300, 0) },
          negative: { offset: -1, counts: Float64Array.of(1) },
        },
      ],
    });
  });

  it('has an unknown sum, minimum and maximum and no buckets where nothing is said of them', () => {
    const none = { offset: 0, counts: new Float64Array(0) };
    const unknown = { sum: NaN, min: NaN, max: NaN };
    assert.deepEqual(read(exponential(message(1, count(1))), 'exponential_histogram').histograms, [
      { scale: 0, count: 1, ...unknown, zeroCount: 0, zeroThreshold: 0, positive: none, negative: none },
    ]);
  });

  it('may have its bucket counts packed, unpacked, in several runs and in two parts of one message', () => {
    const runs = message(8, varint(2, 1), message(2, int(2n), int(2n ** 40n)), message(2), varint(2, 3));
    const point = message(1, count(1), runs, message(8, sint(1, 7), varint(2, 2n ** 64n - 1n)));
    assert.deepEqual(read(exponential(point), 'exponential_histogram').histograms[0]?.positive, {
      offset: 7,
      counts: Float64Array.of(1, 2, 2 ** 40, 3, 2 ** 64),
    });
  });

  it('has any scale and offset of 32 bits', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (scale, offset) => {
        const point = message(1, count(1), sint(6, scale), message(9, sint(1, offset)));
        const { histograms } = read(exponential(point), 'exponential_histogram');
        assert.deepEqual([histograms[0]?.scale, histograms[0]?.negative.offset], [scale, offset]);
      }),
    );
  });
});

describe('a summary point', () => {
  const quantile = (at: number, value: number): Bytes => message(6, double(1, at), double(2, value));

  it('is read with every field, in one block per set of quantiles', () => {
    const points = [
      message(1, keyValue(7, 'k', string(1, 'a')), count(3), double(5, 9), quantile(0.5, 2), quantile(1, 4)),
      message(1, count(1), fixed64(2, 1_000_000n), fixed64(3, 2_000_000n)),
      message(1, quantile(0.5, NaN), fixed64(3, 3_000_000n), quantile(1, -1)),
    ];
    assert.deepEqual(read(summary(...points), 'summary'), [
      {
        attributes: [{ k: 'a' }, {}],
        startTimesMs: Float64Array.of(0, 0),
        timesMs: Float64Array.of(0, 3),
        counts: Float64Array.of(3, 0),
        sums: Float64Array.of(9, 0),
        quantiles: [0.5, 1],
        quantileValues: Float64Array.of(2, 4, NaN, -1),
      },
      {
        attributes: [{}],
        startTimesMs: Float64Array.of(1),
        timesMs: Float64Array.of(2),
        counts: Float64Array.of(1),
        sums: Float64Array.of(0),
        quantiles: [],
        quantileValues: new Float64Array(0),
      },
    ]);
  });

  it('has the quantile 0 where a quantile does not say which it is', () => {
    const [block] = read(summary(message(1, count(1), message(6, double(2, 7)), quantile(0.5, 8))), 'summary');
    assert.deepEqual([block?.quantiles, block?.quantileValues], [[0, 0.5], Float64Array.of(7, 8)]);
  });
});

describe('exemplars', () => {
  const traceId = Array.from({ length: 16 }, (_, i) => 0xa0 + i);
  const spanId = [0, 1, 2, 3, 4, 5, 6, 0xff];
  const at = (ms: number): Bytes => fixed64(2, BigInt(ms) * 1_000_000n);
  const noSpan = { traceId: '', spanId: '' };

  it('have a value of either type, a time, ids in hex and filtered attributes', () => {
    const full = [at(5), message(5, traceId), message(4, spanId), keyValue(7, 'user', varint(3, 1)), keyValue(7, 'a')];
    const metric = gauge(
      message(1, double(4, 1), message(5, double(3, 0.25), ...full)),
      message(1, double(4, 2)),
      message(1, double(4, 3), message(5, fixed64(6, 2n ** 64n - 7n))),
    );
    assert.deepEqual(read(metric, 'gauge').exemplars, [
      {
        value: 0.25,
        timeMs: 5,
        traceId: 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
        spanId: '00010203040506ff',
        attributes: { user: 1, a: undefined },
      },
      undefined,
      { value: -7, timeMs: 0, ...noSpan },
    ]);
  });

  it('have no span where an id is empty or zero', () => {
    const zeros = message(5, double(3, 1), message(5, new Array<number>(16).fill(0)), message(4));
    assert.deepEqual(read(gauge(message(1, double(4, 1), zeros)), 'gauge').exemplars, [
      { value: 1, timeMs: 0, ...noSpan },
    ]);
  });

  it('are left out without a value', () => {
    const worthless = [message(5, at(1)), message(5, double(3, NaN)), message(5)];
    assert.ok(!('exemplars' in read(gauge(message(1, double(4, 1), ...worthless)), 'gauge')));
  });

  it('of a number are reduced to the latest, or to the last of one time', () => {
    const values = [...[1, 3, 2].map((ms) => [ms, ms]), [3, 4]].map(([ms = 0, value = 0]) =>
      message(5, at(ms), double(3, value)),
    );
    const { exemplars } = read(gauge(message(1, ...values, double(4, 1))), 'gauge');
    assert.deepEqual(exemplars, [{ value: 4, timeMs: 3, ...noSpan }]);
  });

  it('of a histogram are put into the bucket of their value, whose upper bound is within, the latest in each', () => {
    const exemplar = (value: number, ms: number): Bytes => message(8, at(ms), double(3, value));
    const buckets = [double(7, 1), double(7, 2), ...[1n, 2n, 3n].map((each) => fixed64(6, each))];
    const points = [
      message(1, ...buckets, count(6)),
      // Before the bounds are known.
      message(1, exemplar(1, 9), exemplar(-Infinity, 8), exemplar(2.5, 7), exemplar(Infinity, 7), ...buckets, count(6)),
      message(1, count(6), exemplar(5, 1)),
    ];
    const found = read(histogram(...points), 'histogram').map(({ exemplars = [] }) =>
      exemplars.map((each) => each?.value),
    );
    assert.deepEqual(found, [[undefined, undefined, undefined, 1, undefined, Infinity], [5]]);
  });

  it('of a histogram find their bucket as a search from the first to the last would', () => {
    const value = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double({ noNaN: true }));
    const bounds = fc.uniqueArray(fc.integer({ min: -9, max: 9 }), { maxLength: 9 });
    fc.assert(
      fc.property(value, bounds, (exemplar, unordered) => {
        const ordered = unordered.toSorted((a, b) => a - b);
        const counts = [...ordered, 0].map(() => fixed64(6, 0n));
        const point = message(1, message(8, double(3, exemplar)), ...ordered.map((each) => double(7, each)), ...counts);
        const [block] = read(histogram(point), 'histogram');
        const bucket = ordered.findIndex((bound) => exemplar <= bound);
        assert.equal(block?.exemplars?.[bucket < 0 ? ordered.length : bucket]?.value, exemplar);
        assert.equal(block.exemplars.length, ordered.length + 1);
      }),
    );
  });

  it('of an exponential histogram are all kept', () => {
    const points = [
      message(1, count(1)),
      message(1, count(1), message(11, double(3, 2)), message(11), message(11, fixed64(6, 1n))),
    ];
    const values = read(exponential(...points), 'exponential_histogram').exemplars?.map((row) =>
      row.map(({ value }) => value),
    );
    assert.deepEqual(values, [[], [2, 1]]);
  });
});

describe('minima and maxima of a histogram', () => {
  it('are columns where at least one row has them', () => {
    const points = [message(1, count(1), double(11, -1)), message(1, count(2), double(11, NaN))];
    assert.deepEqual(read(histogram(...points), 'histogram'), [
      {
        ...columns(2),
        bounds: [],
        bucketCounts: Float64Array.of(1, 2),
        counts: Float64Array.of(1, 2),
        sums: Float64Array.of(NaN, NaN),
        mins: Float64Array.of(-1, NaN),
      },
    ]);
    const [block] = read(histogram(message(1, count(1), double(12, 5))), 'histogram');
    assert.deepEqual([block?.mins, block?.maxs], [undefined, Float64Array.of(5)]);
  });
});

describe('a sum or gauge', () => {
  const isInteger = (...points: Bytes[]): unknown => {
    const metric = onlyMetric(decode(inScope(gauge(...points))));
    return metric.kind === 'gauge' && metric.integer;
  };
  const asInt = message(1, fixed64(6, 1n));
  const asDouble = message(1, double(4, 1));

  it('is of integers if all of its points came as such', () => {
    assert.deepEqual([isInteger(asInt, asInt), isInteger(asInt, asDouble), isInteger(asDouble)], [true, false, false]);
    // The value is a oneof, so the last counts.
    assert.deepEqual([isInteger(message(1, double(4, 1), fixed64(6, 1n)))], [true]);
    assert.deepEqual([isInteger(message(1, fixed64(6, 1n), double(4, 1)))], [false]);
    // A point without a value has no say.
    assert.deepEqual([isInteger(asInt, message(1), message(1, double(4, 1), varint(8, 1)))], [true]);
  });
});

describe('points that say nothing', () => {
  const metrics: Record<string, Bytes> = {
    'a histogram without buckets, count and time': histogram(message(1), message(1, double(5, 1))),
    'an exponential histogram without count and time': exponential(message(1), message(1, fixed64(7, 1n))),
    'a summary without count and time': summary(message(1), message(1, double(5, 1))),
    'an exponential histogram that is flagged': exponential(message(1, count(1), varint(10, 1))),
    'a summary that is flagged': summary(message(1, count(1), varint(8, 1))),
  };
  for (const [name, metric] of Object.entries(metrics)) {
    it(`${name} is left out`, () => {
      const { snapshots, unsupported } = decode(inScope(metric));
      assert.deepEqual([snapshots[0]?.scopes[0]?.metrics, unsupported], [[], []]);
    });
  }

  it('a point that has no measurement yet but a time is one', () => {
    const timed = message(1, fixed64(3, 1n));
    for (const metric of [histogram(timed), exponential(timed), summary(timed)]) {
      assert.doesNotThrow(() => onlyMetric(decode(inScope(metric))));
    }
  });
});

const quantiles = (...at: number[]): Bytes =>
  summary(message(1, count(1), ...at.map((each) => message(6, double(1, each)))));
const withExemplar = (...parts: Bytes[]): Bytes => gauge(message(1, double(4, 1), message(5, double(3, 1), ...parts)));
const bucketsOf = (...parts: Bytes[]): Bytes => exponential(message(1, message(8, ...parts)));

const errorCases: Record<string, { in: Bytes; code: ProtobufError['code'] }> = {
  'quantiles that do not ascend': { in: quantiles(0.5, 0.4), code: 'invalid_quantiles' },
  'one quantile twice': { in: quantiles(0.5, 0.5), code: 'invalid_quantiles' },
  'a quantile below 0': { in: quantiles(-0.1), code: 'invalid_quantiles' },
  'a quantile above 1': { in: quantiles(1.1), code: 'invalid_quantiles' },
  'a quantile that is not a number': { in: quantiles(NaN), code: 'invalid_quantiles' },
  'empty quantiles': { in: summary(message(1, message(6), message(6))), code: 'invalid_quantiles' },
  'a trace id of 15 bytes': { in: withExemplar(message(5, new Array<number>(15).fill(1))), code: 'invalid_id' },
  'a span id of 16 bytes': { in: withExemplar(message(4, new Array<number>(16).fill(1))), code: 'invalid_id' },
  'bucket counts of 64 bits each': { in: bucketsOf(fixed64(2, 1n)), code: 'wrong_wire_type' },
  'an offset of 64 bits': { in: bucketsOf(fixed64(1, 1n)), code: 'wrong_wire_type' },
  'a packed bucket count that is cut off': { in: bucketsOf(message(2, [1, 0x80])), code: 'truncated' },
  'a packed bucket count without end': {
    in: bucketsOf(message(2, new Array<number>(11).fill(0x80))),
    code: 'malformed_varint',
  },
};
for (const [name, { in: metric, code }] of Object.entries(errorCases)) {
  it(`${name} is an error of code ${code}`, () => {
    assert.throws(
      () => decode(inScope(metric)),
      (error) => error instanceof ProtobufError && error.code === code,
    );
  });
}

it('a message that is cut off anywhere, or has any byte changed, decodes or is a ProtobufError', () => {
  const spans = [message(5, new Array<number>(16).fill(7)), message(4, new Array<number>(8).fill(7))];
  const exemplar = (field: number): Bytes => message(field, double(3, 1), fixed64(2, 1n), ...spans, keyValue(7, 'a'));
  const buckets = [fixed64(6, 1n), double(7, 1), fixed64(6, 1n), double(11, 1), double(12, 1)];
  const metrics = [
    gauge(message(1, fixed64(6, 1n), exemplar(5))),
    histogram(message(1, count(2), ...buckets, exemplar(8))),
    exponential(message(1, count(1), sint(6, 3), message(8, sint(1, 4), message(2, int(300n))), exemplar(11))),
    quantiles(0.25, 0.5),
  ];
  const bytes = inScope(...metrics);
  decode(bytes);
  for (let i = 0; i < bytes.length; i++) {
    const changed = [0, 1, 0x7f, 0x80, 0xff].map((byte) => bytes.with(i, byte));
    for (const mutilated of [bytes.slice(0, i), ...changed]) {
      try {
        decode(mutilated);
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error));
      }
    }
  }
});
