import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ProtobufError } from '../../src/otlp/protobuf-error.ts';
import {
  type Bytes,
  cumulative,
  decode,
  double,
  fixed32,
  fixed64,
  gauge,
  histogram,
  inScope,
  int,
  keyValue,
  message,
  onlyMetric,
  rawDouble,
  rawFixed64,
  string,
  varint,
} from './wire.ts';

function gaugeValues(...points: Bytes[]): number[] {
  const metric = onlyMetric(decode(inScope(gauge(...points))));
  assert.equal(metric.kind, 'gauge');
  return [...metric.points.values];
}

function attributesOf(...attributes: Bytes[]): unknown {
  const metric = onlyMetric(decode(inScope(gauge(message(1, double(4, 1), ...attributes)))));
  assert.equal(metric.kind, 'gauge');
  return metric.points.attributes[0];
}

test('an empty request holds nothing', () => {
  assert.deepEqual(decode(), { snapshots: [], unsupported: [] });
});

test('each ResourceMetrics is a snapshot of its own, also without a resource or scopes', () => {
  const named = message(1, keyValue(1, 'service.name', string(1, 'a')));
  assert.deepEqual(decode(message(1, named), message(1), message(1, message(2, string(3, 'url')))).snapshots, [
    { resource: { 'service.name': 'a' }, scopes: [] },
    { resource: {}, scopes: [] },
    { resource: {}, scopes: [{ scope: { name: '', version: '', schemaUrl: 'url' }, metrics: [] }] },
  ]);
});

test('unknown fields of every wire type are skipped in every message', () => {
  const unknown = [varint(100, 2n ** 63n), fixed64(101, 7n), string(102, '\n\n'), fixed32(103)].flat();
  const value = message(2, unknown, string(1, 'v'), unknown);
  const point = message(1, unknown, double(4, 1.5), message(7, unknown, string(1, 'k'), value, unknown), unknown);
  const metric = message(
    2,
    unknown,
    string(1, 'm'),
    message(5, unknown, point, unknown),
    message(12, unknown),
    unknown,
  );
  const scope = message(1, unknown, string(1, 's'), keyValue(3, 'a', string(1, 'b')), unknown);
  const resource = message(1, unknown, varint(2, 5), unknown);
  const request = decode(unknown, message(1, unknown, resource, message(2, unknown, scope, metric, unknown)), unknown);
  const points = { attributes: [{ k: 'v' }], startTimesMs: Float64Array.of(0), timesMs: Float64Array.of(0) };
  assert.deepEqual(request, {
    snapshots: [
      {
        resource: {},
        scopes: [
          {
            scope: { name: 's', version: '', schemaUrl: '' },
            metrics: [
              {
                name: 'm',
                description: '',
                unit: '',
                kind: 'gauge',
                integer: false,
                points: { ...points, values: Float64Array.of(1.5) },
              },
            ],
          },
        ],
      },
    ],
    unsupported: [],
  });
});

test('fields may come in any order', () => {
  const point = message(
    1,
    keyValue(7, 'k', varint(2, 1)),
    fixed64(6, 5n),
    fixed64(3, 2_000_000n),
    fixed64(2, 1_000_000n),
  );
  const metric = message(
    2,
    message(7, varint(3, 1), cumulative, point),
    string(3, 'By'),
    string(2, 'd'),
    string(1, 'n'),
  );
  const request = decode(message(1, message(2, string(3, 'url'), metric, message(1, string(1, 's')))));
  assert.equal(request.snapshots[0]?.scopes[0]?.scope.name, 's');
  assert.deepEqual(onlyMetric(request), {
    name: 'n',
    description: 'd',
    unit: 'By',
    kind: 'sum',
    monotonic: true,
    integer: true,
    temporality: 'cumulative',
    points: {
      attributes: [{ k: true }],
      startTimesMs: Float64Array.of(1),
      timesMs: Float64Array.of(2),
      values: Float64Array.of(5),
    },
  });
});

test('of a field that comes twice the last counts, and of two kinds of data the last', () => {
  const twice = message(2, string(1, 'a'), string(1, 'b'), message(5, message(1, double(4, 1), fixed64(6, 2n))));
  const metric = onlyMetric(decode(inScope(twice)));
  assert.equal(metric.name, 'b');
  assert.deepEqual(metric.kind === 'gauge' && metric.points.values, Float64Array.of(2));
  const point = message(1, double(4, 1));
  const sumLast = message(2, message(5, point), message(7, cumulative, point));
  assert.equal(onlyMetric(decode(inScope(sumLast))).kind, 'sum');
  const summaryLast = message(2, message(5, point), message(11, message(1, fixed64(4, 1n))), message(11));
  assert.equal(onlyMetric(decode(inScope(summaryLast))).kind, 'summary');
  const otherBetween = message(2, message(5, point), message(11), message(5, message(1, double(4, 2))));
  const gaugeAgain = onlyMetric(decode(inScope(otherBetween)));
  assert.deepEqual(gaugeAgain.kind === 'gauge' && gaugeAgain.points.values, Float64Array.of(2));
});

test('a message that comes in two parts is one', () => {
  const resource = (key: string): Bytes => message(1, keyValue(1, key, string(1, key)));
  const data = (value: number): Bytes => message(5, message(1, double(4, value)));
  const request = decode(message(1, resource('a'), resource('b'), message(2, message(2, data(1), data(2)))));
  assert.deepEqual(request.snapshots[0]?.resource, { a: 'a', b: 'b' });
  const metric = onlyMetric(request);
  assert.deepEqual(metric.kind === 'gauge' && metric.points.values, Float64Array.of(1, 2));
});

test('points without a recorded value are left out, and metrics without points', () => {
  const flagged = [message(1, double(4, 1), varint(8, 1)), message(1, varint(8, 3), fixed64(6, 1n))];
  assert.deepEqual(gaugeValues(...flagged, message(1), message(1, double(4, 2), varint(8, 2))), [2]);
  const histograms = histogram(message(1, fixed64(4, 1n), varint(10, 1)));
  assert.deepEqual(decode(inScope(gauge(...flagged), histograms)), {
    snapshots: [{ resource: {}, scopes: [{ scope: { name: '', version: '', schemaUrl: '' }, metrics: [] }] }],
    unsupported: [],
  });
});

test('metrics that the model has no place for are named', () => {
  const named = (name: string, ...data: Bytes[]): Bytes => message(2, string(1, name), ...data);
  const point = message(1, double(4, 1));
  const { unsupported } = decode(
    inScope(named('not counted: no points', message(10, cumulative)), named('nor here', message(11))),
    inScope(
      named('sum without temporality', message(7, point)),
      named('temporality 3', message(7, point, varint(2, 3))),
    ),
    inScope(
      named('histogram without temporality', message(9, message(1))),
      named('exponential histogram without temporality', message(10, message(1))),
      named('no data'),
      named('new', message(13)),
    ),
  );
  assert.deepEqual(unsupported, [
    'sum without temporality',
    'temporality 3',
    'histogram without temporality',
    'exponential histogram without temporality',
    'no data',
    'new',
  ]);
});

test('integers keep their sign and are exact to 2^53, then nearest', () => {
  const cases = [
    0n,
    -1n,
    2n ** 53n - 1n,
    -(2n ** 53n) + 1n,
    2n ** 53n + 1n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    -(2n ** 32n),
  ];
  const points = cases.map((value) => message(1, fixed64(6, BigInt.asUintN(64, value))));
  assert.deepEqual(gaugeValues(...points), cases.map(Number));
  for (const value of cases) assert.deepEqual(attributesOf(keyValue(7, 'k', varint(3, value))), { k: Number(value) });
  for (let bit = 0n; bit < 63n; bit++) {
    assert.deepEqual(attributesOf(keyValue(7, 'k', varint(3, 1n << bit))), { k: 2 ** Number(bit) });
  }
});

test('times are exact where they are whole milliseconds, else good to 0.25 microseconds', () => {
  const read = (nanoseconds: bigint): number => {
    const metric = onlyMetric(decode(inScope(gauge(message(1, double(4, 1), fixed64(3, nanoseconds))))));
    return metric.kind === 'gauge' ? (metric.points.timesMs[0] ?? NaN) : NaN;
  };
  for (const ms of [0n, 1n, 1_767_225_600_123n, 1_767_225_600_999n, 18_446_744_073_709n]) {
    assert.equal(read(ms * 1_000_000n), Number(ms));
  }
  assert.ok(Math.abs(read(1_767_225_600_123_456_789n) - 1_767_225_600_123.4568) <= 0.00025);
});

test('bucket counts and bounds may come packed, unpacked or in several runs', () => {
  const counts = message(6, rawFixed64(1n), rawFixed64(2n));
  const unpacked = [fixed64(6, 1n), double(7, 0.5), fixed64(6, 2n), double(7, 1), fixed64(6, 3n)].flat();
  const mixed = [counts, message(7, rawDouble(0.5)), message(7), message(7, rawDouble(1)), fixed64(6, 3n)].flat();
  const metric = onlyMetric(decode(inScope(histogram(message(1, unpacked), message(1, mixed)))));
  assert.ok(metric.kind === 'histogram');
  assert.deepEqual(metric.points[0]?.bounds, [0.5, 1]);
  assert.deepEqual(metric.points[0].bucketCounts, Float64Array.of(1, 2, 3, 1, 2, 3));
});

test('histogram points are grouped by bounds, and one without buckets has its count in one', () => {
  const withBounds = (id: bigint, ...bounds: number[]): Bytes =>
    message(1, fixed64(4, id), ...bounds.map((b) => double(7, b)), ...[0, ...bounds].map(() => fixed64(6, id)));
  const metric = onlyMetric(
    decode(inScope(histogram(withBounds(1n, 5), message(1, fixed64(4, 9n), double(5, 2)), withBounds(3n, 5)))),
  );
  assert.ok(metric.kind === 'histogram');
  const columns = (rows: number): object => ({
    attributes: Array.from({ length: rows }, () => ({})),
    startTimesMs: new Float64Array(rows),
    timesMs: new Float64Array(rows),
  });
  assert.deepEqual(metric.points, [
    {
      ...columns(2),
      bounds: [5],
      bucketCounts: Float64Array.of(1, 1, 3, 3),
      counts: Float64Array.of(1, 3),
      sums: Float64Array.of(NaN, NaN),
    },
    {
      ...columns(1),
      bounds: [],
      bucketCounts: Float64Array.of(9),
      counts: Float64Array.of(9),
      sums: Float64Array.of(2),
    },
  ]);
});

const array = (...items: Bytes[]): Bytes => message(5, ...items.map((item) => message(1, item)));

const attributeCases: Record<string, { value: Bytes; out: unknown }> = {
  'bytes are base64': { value: message(7, [0xfb, 0xff]), out: '+/8=' },
  'an empty value is undefined': { value: [], out: undefined },
  'an array keeps empty values as null': { value: array(string(1, 'a'), [], varint(2, 0)), out: ['a', null, false] },
  'an array within an array is JSON': { value: array(array(varint(3, -1), array())), out: ['[-1,[]]'] },
  'a list is JSON with sorted keys': {
    value: message(6, keyValue(1, 'b', double(4, NaN)), keyValue(1, 'a', message(7, [1])), keyValue(1, '__proto__')),
    out: '{"__proto__":null,"a":"AQ==","b":null}',
  },
  'a list within an array is JSON': {
    value: array(message(6, keyValue(1, 'a', array(varint(3, 1))))),
    out: ['{"a":[1]}'],
  },
  'the last of several values counts': { value: [string(1, 'a'), varint(2, 1)].flat(), out: true },
  'a byte order mark is a character': { value: string(1, '\ufeffa'), out: '\ufeffa' },
};
for (const [name, { value, out }] of Object.entries(attributeCases)) {
  test(`of attribute values, ${name}`, () => assert.deepEqual(attributesOf(keyValue(7, 'k', value)), { k: out }));
}

test('attribute names that are special to JavaScript are names like others', () => {
  const decoded = attributesOf(
    keyValue(7, '__proto__', array(varint(2, 1))),
    keyValue(7, '1000', string(1, 'a')),
    keyValue(7, '1000', string(1, 'b')),
  );
  assert.deepEqual(decoded, JSON.parse('{"1000":"b","__proto__":[true]}'));
});

const nested = (depth: number): Bytes => (depth === 0 ? varint(2, 1) : array(nested(depth - 1)));
const inPoint = (...parts: Bytes[]): Bytes => inScope(gauge(message(1, ...parts)));
const inHistogram = (...parts: Bytes[]): Bytes => inScope(histogram(message(1, ...parts)));

const errorCases: Record<string, { in: Bytes; code: ProtobufError['code']; offset?: number }> = {
  'a length beyond the end': { in: [0x0a, 0x05, 0x12], code: 'truncated', offset: 2 },
  'a length of 2^64 - 1': { in: [0x0a, ...int(-1n), 0], code: 'truncated', offset: 11 },
  'a length beyond the message around it': { in: [0x0a, 0x02, 0x12, 0x01, 0x00], code: 'truncated', offset: 4 },
  'an unknown field beyond the message around it': { in: [...message(1, [0x7d, 0, 0]), 0, 0], code: 'truncated' },
  'a value that is cut off': { in: inPoint([0x21, 0, 0]), code: 'truncated' },
  'a packed run that is no multiple of 8': { in: inHistogram(message(6, rawFixed64(1n), [0])), code: 'truncated' },
  'a varint without end': { in: [0x78, ...new Array<number>(11).fill(0x80)], code: 'malformed_varint', offset: 11 },
  'a field number 0': { in: [0x00, 0x00], code: 'malformed_tag', offset: 1 },
  'a field number beyond 2^29': { in: [...int(2n ** 32n), 0], code: 'malformed_tag' },
  'a wire type that does not exist': { in: [0x0e], code: 'malformed_tag' },
  'the start of a group': { in: [0x7b, 0x7c], code: 'group', offset: 1 },
  'the end of a group': { in: [0x7c], code: 'group' },
  'another wire type': { in: inPoint(varint(4, 1)), code: 'wrong_wire_type' },
  'a repeated field of another wire type': { in: inHistogram(varint(6, 1)), code: 'wrong_wire_type' },
  'a string that is not UTF-8': {
    in: message(1, message(2, message(3, [0x41, 0xff]))),
    code: 'invalid_utf8',
    offset: 6,
  },
  'values nested too deep': { in: inPoint(keyValue(7, 'k', nested(50))), code: 'too_deep' },
  'fewer bucket counts than bounds need': { in: inHistogram(fixed64(6, 1n), double(7, 1)), code: 'invalid_buckets' },
  'bounds without bucket counts': { in: inHistogram(double(7, 1)), code: 'invalid_buckets' },
  ...Object.fromEntries(
    [
      [2, 1],
      [1, 1],
      [1, NaN],
      [1, Infinity],
    ].map((bounds) => [
      `the bounds ${bounds.join()}`,
      {
        in: inHistogram(...bounds.map((bound) => double(7, bound)), ...[0n, 0n, 0n].map((count) => fixed64(6, count))),
        code: 'invalid_buckets',
      },
    ]),
  ),
};
for (const [name, { in: bytes, code, offset }] of Object.entries(errorCases)) {
  test(`${name} is an error of code ${code}`, () => {
    assert.throws(
      () => decode(bytes),
      (error) => error instanceof ProtobufError && error.code === code && error.offset === (offset ?? error.offset),
    );
  });
}

test('values nested as deep as protobuf parsers allow are read', () => {
  assert.deepEqual(attributesOf(keyValue(7, 'k', nested(46))), { k: ['['.repeat(45) + 'true' + ']'.repeat(45)] });
});

/** In a heap of 48 MB. */
async function assertModest(request: Bytes): Promise<void> {
  const worker = new Worker(
    `const { module, bytes } = require('node:worker_threads').workerData;
    import(module).then(({ decodeExportMetricsRequest }) => decodeExportMetricsRequest(bytes));`,
    {
      eval: true,
      workerData: { module: import.meta.resolve('../../src/otlp/decode.ts'), bytes: Uint8Array.from(request) },
      resourceLimits: { maxOldGenerationSizeMb: 48 },
    },
  );
  assert.deepEqual(await once(worker, 'exit'), [0]);
}

// V8 keeps 12 kB for an object that was simply assigned a property '1000': 120 MB for these points, as much again for the lists.
test('attribute names that look like array indices do not exhaust the memory', async () => {
  const list = message(6, keyValue(1, '1000'));
  const lists = message(5, ...new Array<Bytes>(10_000).fill(message(1, list)));
  const points = new Array<Bytes>(10_000).fill(message(1, double(4, 1), keyValue(7, '1000')));
  await assertModest(inScope(gauge(...points)));
  await assertModest(message(1, message(1, keyValue(1, 'k', lists))));
});

// A row takes some hundred bytes: 200 MB for these.
test('points of two bytes do not exhaust the memory', async () => {
  const points = new Array<Bytes>(500_000).fill(message(1)).flat();
  for (const kind of [5, 7, 9, 10, 11]) await assertModest(inScope(message(2, message(kind, cumulative, points))));
});
