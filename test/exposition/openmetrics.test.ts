import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExpositionOptions, PageOptions } from '../../src/exposition/index.ts';
import { pageOf } from './page.ts';
import { toSnapshot, type ExemplarRow, type MetricRows } from './snapshot.ts';

const start = 1_767_225_600_000;
const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const spanText = `trace_id="${span.traceId}",span_id="${span.spanId}"`;
const exemplar: ExemplarRow = { value: 0.5, time: start + 125, span, attributes: { 'a.b': 'c' } };

interface Case {
  readonly in: MetricRows;
  readonly options?: Partial<ExpositionOptions & PageOptions>;
  /** Without the end of the page. */
  readonly lines: readonly string[];
}

const cases: Record<string, Case> = {
  'names the family of a counter without _total': {
    in: { kind: 'counter', name: 'a.b', unit: 'By', description: 'Bytes', points: [{ value: 2 }] },
    lines: ['# HELP a_b_bytes Bytes', '# TYPE a_b_bytes counter', '# UNIT a_b_bytes bytes', 'a_b_bytes_total 2'],
  },
  'has counters without _total of unknown type, without exemplar and start time': {
    in: { kind: 'counter', name: 'a', points: [{ value: 2, start, exemplar }] },
    options: { strategy: 'no_translation' },
    lines: ['# TYPE a unknown', 'a 2'],
  },
  'has a counter that is called _total, and nothing else, of unknown type': {
    in: { kind: 'counter', name: '_total', points: [{ value: 2, start }] },
    options: { strategy: 'no_translation' },
    lines: ['# TYPE _total unknown', '_total 2'],
  },
  'writes a start time after each counter': {
    in: {
      kind: 'counter',
      name: 'a',
      points: [
        { value: 2, start },
        { attributes: { x: 'y' }, value: 3, start: start + 0.5 },
        { attributes: { x: 'z' }, value: 4 },
      ],
    },
    lines: [
      ...['# TYPE a counter', 'a_total 2', 'a_created 1767225600'],
      ...['a_total{x="y"} 3', 'a_created{x="y"} 1767225600.0005', 'a_total{x="z"} 4'],
    ],
  },
  'writes a start time after the samples of histograms and summaries': {
    in: {
      kind: 'histogram',
      name: 'a',
      points: [{ attributes: { x: 'y' }, bounds: [1], buckets: [1, 0], sum: 0.5, start }],
    },
    lines: [
      ...['# TYPE a histogram', 'a_bucket{x="y",le="1.0"} 1', 'a_bucket{x="y",le="+Inf"} 1'],
      ...['a_sum{x="y"} 0.5', 'a_count{x="y"} 1', 'a_created{x="y"} 1767225600'],
    ],
  },
  'writes no start times where they are not wanted': {
    in: { kind: 'summary', name: 'a', points: [{ quantiles: [0.5], values: [1], count: 1, sum: 1, start }] },
    options: { created: false },
    lines: ['# TYPE a summary', 'a{quantile="0.5"} 1', 'a_sum 1', 'a_count 1'],
  },
  'writes no start time of a gauge, and no exemplar': {
    in: { kind: 'gauge', name: 'a', points: [{ value: 1, start, exemplar }] },
    lines: ['# TYPE a gauge', 'a 1'],
  },
  'takes what is no time for none': {
    in: {
      ...{ kind: 'counter', name: 'a' },
      points: [NaN, Infinity, -1, 1e300].map((time, i) => ({
        attributes: { i },
        value: 1,
        start: time,
        exemplar: { value: 1, time },
      })),
    },
    lines: ['# TYPE a counter', ...[0, 1, 2, 3].map((i) => `a_total{i="${i}"} 1 # {} 1`)],
  },
  'writes exemplars of counters and of buckets': {
    in: {
      kind: 'histogram',
      name: 'a',
      points: [{ bounds: [1], buckets: [1, 1], sum: 3, exemplars: [exemplar, { value: 2 }] }],
    },
    lines: [
      '# TYPE a histogram',
      `a_bucket{le="1.0"} 1 # {${spanText},a_b="c"} 0.5 1767225600.125`,
      'a_bucket{le="+Inf"} 2 # {} 2',
      ...['a_sum 3', 'a_count 2'],
    ],
  },
  'writes the latest exemplar of each bucket of an exponential histogram': {
    in: {
      ...{ kind: 'exponential_histogram', name: 'a' },
      points: [
        {
          ...{ scale: 0, positive: { offset: 0, counts: [3, 1] }, sum: 8 },
          exemplars: [
            { value: 1.5, time: start + 1000 },
            { value: 2, time: start + 2000 },
            { value: 1.25, time: start },
            { value: 3, time: start },
          ],
        },
      ],
    },
    lines: [
      ...['# TYPE a histogram', 'a_bucket{le="1.0"} 0', 'a_bucket{le="2.0"} 3 # {} 2 1767225602'],
      ...['a_bucket{le="4.0"} 4 # {} 3 1767225600', 'a_bucket{le="+Inf"} 4', 'a_sum 8', 'a_count 4'],
    ],
  },
  'leaves the attributes of an exemplar out where there are more than 128 characters': {
    in: {
      kind: 'counter',
      name: 'a',
      points: [{ value: 1, exemplar: { ...exemplar, attributes: { b: 'x'.repeat(65) } } }],
    },
    lines: ['# TYPE a counter', `a_total 1 # {${spanText}} 0.5 1767225600.125`],
  },
  'escapes in exemplars, and lets no NUL through, which Prometheus does not read there': {
    in: {
      kind: 'counter',
      name: 'a',
      points: [{ value: 1, exemplar: { value: 1, attributes: { 'b.c': '"\\\n\0' } } }],
    },
    options: { strategy: 'no_utf8_escaping_with_suffixes', escaping: 'allow-utf-8' },
    lines: ['# TYPE a counter', 'a_total 1 # {"b.c"="\\"\\\\\\n\ufffd"} 1'],
  },
  'has no sum, and so no count, of a histogram that has negative values': {
    in: {
      ...{ kind: 'histogram', name: 'a' },
      points: [
        { attributes: { of: 'negative sum' }, bounds: [1], buckets: [1, 0], sum: -1 },
        { attributes: { of: 'unknown sum' }, bounds: [1], buckets: [1, 0] },
        { attributes: { of: 'negative bound' }, bounds: [-1, 1], buckets: [0, 0, 1], sum: 3 },
      ],
    },
    lines: [
      ...['# TYPE a histogram', 'a_bucket{of="negative sum",le="1.0"} 1', 'a_bucket{of="negative sum",le="+Inf"} 1'],
      ...['a_bucket{of="unknown sum",le="1.0"} 1', 'a_bucket{of="unknown sum",le="+Inf"} 1'],
      ...[
        'a_bucket{of="negative bound",le="-1.0"} 0',
        'a_bucket{of="negative bound",le="1.0"} 0',
        'a_bucket{of="negative bound",le="+Inf"} 1',
      ],
    ],
  },
  'has no sum of an exponential histogram that has negative values': {
    in: {
      ...{ kind: 'exponential_histogram', name: 'a' },
      points: [{ scale: 0, positive: { offset: 2, counts: [1] }, negative: { offset: 0, counts: [1] }, sum: 6 }],
    },
    lines: [
      '# TYPE a histogram',
      ...['0.0', '4.0', '8.0', '+Inf'].map((le, i) => `a_bucket{le="${le}"} ${i < 2 ? 1 : 2}`),
    ],
  },
  'has no negative quantile and no negative sum of a summary': {
    in: {
      ...{ kind: 'summary', name: 'a' },
      points: [{ attributes: { x: 'y' }, quantiles: [0, 0.5, 1], values: [-1, 0, 2], count: 3, sum: -1 }],
    },
    lines: ['# TYPE a summary', 'a{x="y",quantile="0.5"} 0', 'a{x="y",quantile="1.0"} 2', 'a_count{x="y"} 3'],
  },
  'escapes quotes in a help, too': {
    in: {
      kind: 'gauge',
      name: 'a',
      description: 'x\\y\nz "q"',
      points: [{ attributes: { b: 'x\\y\nz "q"' }, value: 1 }],
    },
    lines: ['# HELP a x\\\\y\\nz \\"q\\"', '# TYPE a gauge', 'a{b="x\\\\y\\nz \\"q\\""} 1'],
  },
  'says no unit that the name does not end with': {
    in: { kind: 'gauge', name: 'a', unit: 's', points: [{ value: 1 }] },
    options: { strategy: 'no_translation' },
    lines: ['# TYPE a gauge', 'a 1'],
  },
};

/** What cannot be on the page. */
const dropped: Record<string, MetricRows> = {
  'a counter that is negative': { kind: 'counter', name: 'a', points: [{ value: -1 }] },
  'a counter that is no number': { kind: 'counter', name: 'a', points: [{ value: 'NaN' }] },
  'a histogram with a count below zero': { kind: 'histogram', name: 'a', points: [{ bounds: [1], buckets: [2, -1] }] },
  'a histogram with half a count': { kind: 'histogram', name: 'a', points: [{ bounds: [], buckets: [0.5] }] },
  'a histogram with a count that is no number': {
    kind: 'histogram',
    name: 'a',
    points: [{ bounds: [], buckets: [NaN] }],
  },
  'a summary with an infinite count': {
    kind: 'summary',
    name: 'a',
    points: [{ quantiles: [], values: [], count: Infinity }],
  },
  'an exponential histogram with a count below zero': {
    ...{ kind: 'exponential_histogram', name: 'a' },
    points: [
      { scale: 0, zeroCount: 2, sum: 1, positive: { offset: 0, counts: [1] }, negative: { offset: 0, counts: [-1] } },
    ],
  },
};

describe('OpenMetrics', () => {
  for (const [behaviour, { in: metric, options = {}, lines }] of Object.entries(cases)) {
    it(behaviour, () => {
      const snapshot = toSnapshot({ scopes: [{ metrics: [metric] }] });
      const { text } = pageOf(snapshot, { format: 'openmetrics', ...options });
      assert.deepEqual(text.split('\n'), [...lines, '# EOF', '']);
    });
  }
});

describe('series that no page takes', () => {
  for (const [what, metric] of Object.entries(dropped)) {
    it(`are ${what}, in no format`, () => {
      for (const format of ['text', 'text_1_0_0', 'openmetrics', 'protobuf'] as const) {
        const page = pageOf(toSnapshot({ scopes: [{ metrics: [metric] }] }), { format });
        assert.deepEqual(page.dropped, [{ name: 'a', reason: 'bad_value', series: 1 }]);
      }
    });
  }
});
