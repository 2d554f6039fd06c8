import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Escaping } from '../../src/exposition/escaping.ts';
import { pageOf } from './page.ts';
import { parseError, withoutPromtool } from './promtool.ts';
import { readPage } from './read-page.ts';
import { toSnapshot, type JsonNumber, type MetricRows, type SnapshotRows } from './snapshot.ts';

const encode = (rows: SnapshotRows): string => pageOf(toSnapshot(rows)).text;

const encodeMetric = (metric: MetricRows): string => encode({ scopes: [{ metrics: [metric] }] });
const encodeValue = (value: JsonNumber): string =>
  encodeMetric({ kind: 'gauge', name: 'a', points: [{ value }] }).replace('# TYPE a gauge\n', '');

describe('text 0.0.4', () => {
  it('writes HELP, TYPE and samples', () => {
    const page = encodeMetric({
      kind: 'counter',
      name: 'a.b',
      unit: 'By',
      description: 'Bytes',
      points: [{ attributes: { y: 'z', x: 1 }, value: 2 }],
    });
    assert.equal(
      page,
      '# HELP a_b_bytes_total Bytes\n# TYPE a_b_bytes_total counter\na_b_bytes_total{x="1",y="z"} 2\n',
    );
  });

  it('accumulates buckets, ends them with +Inf and leaves an unknown sum out', () => {
    const page = encodeMetric({
      kind: 'histogram',
      name: 'a',
      points: [
        { bounds: [1, 2.5], buckets: [1, 0, 2], sum: 9 },
        { attributes: { x: 'y' }, bounds: [], buckets: [4] },
      ],
    });
    assert.deepEqual(page.trimEnd().split('\n'), [
      '# TYPE a histogram',
      'a_bucket{le="1"} 1',
      'a_bucket{le="2.5"} 1',
      'a_bucket{le="+Inf"} 3',
      'a_sum 9',
      'a_count 3',
      'a_bucket{x="y",le="+Inf"} 4',
      'a_count{x="y"} 4',
    ]);
  });

  it('writes quantiles, sum and count of a summary, and leaves an unknown sum out', () => {
    const page = encodeMetric({
      kind: 'summary',
      name: 'a',
      points: [
        { quantiles: [0, 0.00001, 0.5, 1], values: [-1, 0, 2.5, 'NaN'], count: 3, sum: 9 },
        { attributes: { x: 'y' }, quantiles: [0.9], values: ['Infinity'], count: 0 },
        { attributes: { x: 'z' }, quantiles: [], values: [], count: 1, sum: '-0' },
      ],
    });
    assert.deepEqual(page.trimEnd().split('\n'), [
      '# TYPE a summary',
      'a{quantile="0"} -1',
      'a{quantile="1e-05"} 0',
      'a{quantile="0.5"} 2.5',
      'a{quantile="1"} NaN',
      'a_sum 9',
      'a_count 3',
      'a{x="y",quantile="0.9"} +Inf',
      'a_count{x="y"} 0',
      'a_sum{x="z"} -0',
      'a_count{x="z"} 1',
    ]);
  });

  it('has the same bounds for exponential histograms of one name, of whatever scope', () => {
    const metric = (offset: number): MetricRows => ({
      ...{ kind: 'exponential_histogram', name: 'a' },
      points: [{ scale: 0, positive: { offset, counts: [1] }, sum: 1 }],
    });
    const page = encode({
      scopes: [
        { scope: { name: 'one' }, metrics: [metric(0)] },
        { scope: { name: 'two' }, metrics: [metric(2)] },
      ],
    });
    const lesOf = (scope: string) =>
      readPage(page).samples.flatMap(({ labels }) =>
        labels.get('otel_scope_name') === scope ? (labels.get('le') ?? []) : [],
      );
    assert.deepEqual(lesOf('one'), ['1', '2', '4', '8', '+Inf']);
    assert.deepEqual(lesOf('two'), lesOf('one'));
  });

  it('writes bounds as the official clients do', () => {
    const bounds = [-1e6, -0.5, 0, 1e-5, 1.2345e-5, 0.0001, 1, 100_000, 123_456, 1_000_000, 1_048_576, 1e21, 1e100];
    const page = encodeMetric({
      kind: 'histogram',
      name: 'a',
      points: [{ bounds, buckets: bounds.map(() => 0).concat(0) }],
    });
    assert.deepEqual(
      readPage(page).samples.flatMap(({ labels }) => labels.get('le') ?? []),
      // What Go's strconv.FormatFloat(bound, 'g', -1, 64) gives.
      '-1e+06 -0.5 0 1e-05 1.2345e-05 0.0001 1 100000 123456 1e+06 1.048576e+06 1e+21 1e+100 +Inf'.split(' '),
    );
  });

  it('writes values so that they are read back as they were', () => {
    const values: Record<string, JsonNumber> = {
      'a 0\n': 0,
      'a -0\n': '-0',
      'a NaN\n': 'NaN',
      'a +Inf\n': 'Infinity',
      'a -Inf\n': '-Infinity',
      'a 5e-324\n': 5e-324,
      'a 9007199254740991\n': Number.MAX_SAFE_INTEGER,
      'a 1.7976931348623157e+308\n': Number.MAX_VALUE,
      'a 0.1\n': 0.1,
    };
    for (const [line, value] of Object.entries(values)) assert.equal(encodeValue(value), line);
  });

  it('escapes backslash, line feed and, in label values, the quote', () => {
    const page = encodeMetric({
      kind: 'gauge',
      name: 'a',
      description: 'x\\y\nz "q" \\n',
      points: [{ attributes: { b: 'x\\y\nz "q" \\n' }, value: 1 }],
    });
    assert.equal(page, '# HELP a x\\\\y\\nz "q" \\\\n\n# TYPE a gauge\na{b="x\\\\y\\nz \\"q\\" \\\\n"} 1\n');
  });

  it('says nothing about nothing', () => {
    assert.equal(encode({ scopes: [] }), '');
  });
});

describe('text 1.0.0', () => {
  const encodeUtf8 = (rows: SnapshotRows, escaping: Escaping = 'allow-utf-8'): string =>
    pageOf(toSnapshot(rows), { format: 'text_1_0_0', escaping, strategy: 'no_translation' }).text;

  it('puts names in quotes that are not classic, and the name of the metric in the braces', () => {
    const page = encodeUtf8({
      scopes: [
        {
          metrics: [
            {
              kind: 'gauge',
              name: 'a.b',
              description: 'Help',
              points: [{ value: 1 }, { attributes: { 'c.d': 'e', f: 'g' }, value: 2 }],
            },
            {
              kind: 'histogram',
              name: 'ü',
              points: [{ attributes: { 'c.d': 'e' }, bounds: [1], buckets: [1, 0], sum: 1 }],
            },
          ],
        },
      ],
    });
    assert.deepEqual(page.trimEnd().split('\n'), [
      '# HELP "a.b" Help',
      '# TYPE "a.b" gauge',
      '{"a.b"} 1',
      '{"a.b","c.d"="e",f="g"} 2',
      '# TYPE "ü" histogram',
      '{"ü_bucket","c.d"="e",le="1"} 1',
      '{"ü_bucket","c.d"="e",le="+Inf"} 1',
      '{"ü_sum","c.d"="e"} 1',
      '{"ü_count","c.d"="e"} 1',
    ]);
  });

  it('escapes names, and has no NUL in them, which Prometheus does not read', () => {
    const name = 'a"b\\c\nd\0e';
    const page = encodeUtf8({
      scopes: [{ metrics: [{ kind: 'gauge', name, points: [{ attributes: { [name]: name }, value: 1 }] }] }],
    });
    assert.equal(
      page,
      '# TYPE "a\\"b\\\\c\\nd\ufffde" gauge\n{"a\\"b\\\\c\\nd\ufffde","a\\"b\\\\c\\nd\ufffde"="a\\"b\\\\c\\nd\0e"} 1\n',
    );
  });

  const escaped: Record<Exclude<Escaping, 'allow-utf-8'>, string> = {
    underscores: 'a_b_c{d_e="f"} 1',
    dots: 'a_dot_b__c{d_dot_e="f"} 1',
    values: 'U__a_2e_b__c{U__d_2e_e="f"} 1',
  };
  for (const [escaping, line] of Object.entries(escaped)) {
    it(`has classic names when asked for ${escaping}`, () => {
      const points = [{ attributes: { 'd.e': 'f' }, value: 1 }];
      const page = encodeUtf8(
        { scopes: [{ metrics: [{ kind: 'gauge', name: 'a.b_c', points }] }] },
        escaping as Escaping,
      );
      assert.equal(page.split('\n')[1], line);
    });
  }

  it('has exemplars, units and start times no more than text 0.0.4 has', () => {
    const metric: MetricRows = {
      ...{ kind: 'counter', name: 'a', unit: 's' },
      points: [{ value: 1, start: 1.7e12, exemplar: { value: 1 } }],
    };
    const snapshot = toSnapshot({ scopes: [{ metrics: [metric] }] });
    const text = '# TYPE a_seconds_total counter\na_seconds_total 1\n';
    assert.deepEqual([pageOf(snapshot).text, pageOf(snapshot, { format: 'text_1_0_0' }).text], [text, text]);
  });
});

describe('text 0.0.4, read by promtool', { skip: withoutPromtool }, () => {
  it('has a page that is no page refused', () => assert.match(parseError('a{b="c"\n') ?? '', /error while linting/));

  it('is understood when empty', () => assert.equal(parseError(encode({ scopes: [] })), undefined));

  it('is understood with carriage returns, NUL and other control characters in texts', () => {
    const text = 'a\r\nb\rc\0d\u2028e\u0085f\r';
    const page = encodeMetric({
      kind: 'gauge',
      name: 'a',
      description: text,
      points: [{ attributes: { b: text }, value: 1 }],
    });
    assert.equal(parseError(page), undefined);
    assert.equal(readPage(page).helps.get('a'), text);
    assert.equal(readPage(page).samples[0]?.labels.get('b'), text);
  });
});
