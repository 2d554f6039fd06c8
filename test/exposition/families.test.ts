import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toFamilies, type Dropped, type Family } from '../../src/exposition/families.ts';
import type { AttributeValue, Attributes } from '../../src/metric/model.ts';
import { toSnapshot, type HistogramRow, type MetricRows, type SnapshotRows, type SummaryRow } from './snapshot.ts';

const gauge = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'gauge', points: [{ value: 1 }], ...rest }) as MetricRows;
const counter = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'counter', points: [{ value: 1 }], ...rest }) as MetricRows;
const histogram = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'histogram', points: [{ bounds: [1], buckets: [1, 0], sum: 1 }], ...rest }) as MetricRows;
const quantiles = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'summary', points: [{ quantiles: [0.5], values: [1], count: 1 }], ...rest }) as MetricRows;
const exponential = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'exponential_histogram', points: [{}], ...rest }) as MetricRows;
const rows = (...attributes: Attributes[]) => attributes.map((own, value) => ({ attributes: own, value }));
const oneScope = (...metrics: MetricRows[]): SnapshotRows => ({ scopes: [{ metrics }] });

/** Type and name of each family with the labels of its series, as `a=1,b=2`. */
function summary(rowsOf: SnapshotRows) {
  const { families, dropped } = toFamilies(toSnapshot(rowsOf));
  return { families: families.map(summarise), dropped };
}

function summarise({ type, name, blocks }: Family): string {
  const series = blocks.flatMap(({ labels }) => labels.filter((own) => own !== undefined));
  const texts = series.map((own) => own.map((part, i) => (i % 2 === 0 ? part : `=${part},`)).join(''));
  return `${type} ${name} ${texts.map((text) => `{${text.slice(0, -1)}}`).join(' ')}`;
}

const dropped = (name: string, reason: Dropped['reason'], series = 1): Dropped => ({ name, reason, series });

const cases: Record<string, { in: SnapshotRows; families: string[]; dropped?: Dropped[] }> = {
  'types monotonic sums as counters, other sums and gauges as gauges': {
    in: oneScope(counter('a'), gauge('b', { kind: 'up_down_counter' }), gauge('c'), histogram('d'), quantiles('e')),
    families: ['counter a_total {}', 'gauge b {}', 'gauge c {}', 'histogram d {}', 'summary e {}'],
  },
  'puts series of all scopes under one name, the scopes told apart by labels': {
    in: {
      scopes: [
        { scope: { name: 'one' }, metrics: [counter('a'), gauge('b')] },
        { scope: { name: 'two', version: '2', schemaUrl: 'u' }, metrics: [counter('a')] },
      ],
    },
    families: [
      'counter a_total {otel_scope_name=one} {otel_scope_name=two,otel_scope_schema_url=u,otel_scope_version=2}',
      'gauge b {otel_scope_name=one}',
    ],
  },
  'gives the attributes of the resource to target_info': {
    in: {
      resource: { 'service.name': 'iris', replicas: 2 },
      scopes: [{ scope: { name: 'one' }, metrics: [gauge('a')] }],
    },
    families: ['gauge target_info {replicas=2,service_name=iris}', 'gauge a {otel_scope_name=one}'],
  },
  'has no target_info for an empty resource': {
    in: { resource: { 'service.name': '', host: undefined }, scopes: [] },
    families: [],
  },
  'keeps target_info to the resource': {
    in: {
      resource: { a: 'b' },
      scopes: [{ metrics: [counter('target.info'), gauge('target.info'), histogram('target')] }],
    },
    families: ['gauge target_info {a=b} {}', 'counter target_info_total {}', 'histogram target {}'],
  },
  'keeps the first type of a name': {
    in: {
      scopes: [
        { metrics: [gauge('a.b')] },
        { metrics: [histogram('a_b', { unit: '' }), gauge('a/b', { points: rows({ x: 'y' }) })] },
      ],
    },
    families: ['gauge a_b {} {x=y}'],
    dropped: [dropped('a_b', 'type_conflict')],
  },
  'keeps a counter from the name of a gauge that ends in _total': {
    in: oneScope(gauge('a.total'), counter('a')),
    families: ['gauge a_total {}'],
    dropped: [dropped('a', 'type_conflict')],
  },
  'keeps later families from the sample names of a histogram': {
    in: oneScope(histogram('a'), gauge('a.bucket'), gauge('a.sum'), gauge('a.count'), gauge('a.counts')),
    families: ['histogram a {}', 'gauge a_counts {}'],
    dropped: [
      dropped('a.bucket', 'name_conflict'),
      dropped('a.sum', 'name_conflict'),
      dropped('a.count', 'name_conflict'),
    ],
  },
  'keeps a later histogram from the names of other families': {
    in: oneScope(gauge('a.count'), histogram('a'), gauge('a')),
    families: ['gauge a_count {}', 'gauge a {}'],
    dropped: [dropped('a', 'name_conflict')],
  },
  'keeps later families from the sample names of a summary': {
    in: oneScope(quantiles('a'), gauge('a.bucket'), gauge('a.sum'), gauge('a.count'), histogram('a')),
    families: ['summary a {}', 'gauge a_bucket {}'],
    dropped: [dropped('a.sum', 'name_conflict'), dropped('a.count', 'name_conflict'), dropped('a', 'type_conflict')],
  },
  'keeps a later summary from the names of other families': {
    in: oneScope(gauge('a.sum'), quantiles('a')),
    families: ['gauge a_sum {}'],
    dropped: [dropped('a', 'name_conflict')],
  },
  'names a summary with its unit and nothing else': {
    in: oneScope(quantiles('a', { unit: 's' }), quantiles('b.total', { unit: '1' })),
    families: ['summary a_seconds {}', 'summary b_total {}'],
  },
  'leaves out exponential histograms, which claim no name': {
    in: oneScope(
      exponential('a', { points: [{}, { attributes: { x: 'y' } }] }),
      exponential('b', { temporality: 'delta' }),
      exponential('c', { points: [] }),
      gauge('a'),
    ),
    families: ['gauge a {}'],
    dropped: [dropped('a', 'unsupported_kind', 2), dropped('b', 'unsupported_kind')],
  },
  'leaves delta points out': {
    in: oneScope(counter('a', { temporality: 'delta' }), histogram('b', { temporality: 'delta' }), gauge('c')),
    families: ['gauge c {}'],
    dropped: [dropped('a', 'delta_temporality'), dropped('b', 'delta_temporality')],
  },
  'leaves out what has no name in Prometheus': {
    in: oneScope(gauge('数', { points: rows({}, { a: 'b' }) })),
    families: [],
    dropped: [dropped('数', 'no_name', 2)],
  },
  'leaves out histograms whose bounds do not ascend': {
    in: oneScope(
      histogram('a', {
        points: [
          { bounds: [1, 1], buckets: [1, 0, 0] },
          { bounds: [2, 1], buckets: [1, 0, 0] },
          { bounds: ['NaN'], buckets: [1, 0] },
          { bounds: [1, 'Infinity'], buckets: [1, 0, 0] },
          { attributes: { ok: '1' }, bounds: ['-Infinity', 1], buckets: [1, 0, 0] },
          { attributes: { ok: '2' }, bounds: [], buckets: [1] },
        ] satisfies HistogramRow[],
      }),
    ),
    families: ['histogram a {ok=1} {ok=2}'],
    dropped: [dropped('a', 'bad_bounds', 4)],
  },
  'leaves out summaries whose quantiles do not ascend': {
    in: oneScope(
      quantiles('a', {
        points: [
          { quantiles: [0.5, 0.5], values: [1, 1], count: 1 },
          { quantiles: [0.9, 0.5], values: [1, 1], count: 1 },
          { quantiles: ['NaN'], values: [1], count: 1 },
          { attributes: { ok: '1' }, quantiles: [0, 1], values: ['NaN', 1], count: 1 },
          { attributes: { ok: '2' }, quantiles: [], values: [], count: 1 },
        ] satisfies SummaryRow[],
      }),
    ),
    families: ['summary a {ok=1} {ok=2}'],
    dropped: [dropped('a', 'bad_bounds', 3)],
  },
  'lets a metric without series claim no name': {
    in: oneScope(gauge('a', { points: [] }), counter('a.total', { points: [] }), histogram('a')),
    families: ['histogram a {}'],
  },
  'keeps the first of series with one label set': {
    in: {
      scopes: [
        { metrics: [gauge('a', { points: rows({ x: '1', y: '2' }, { y: '2', x: '1' }, { x: '1' }) })] },
        { metrics: [gauge('a', { points: rows({ x: '1' }) })] },
      ],
    },
    families: ['gauge a {x=1,y=2} {x=1}'],
    dropped: [dropped('a', 'duplicate_series'), dropped('a', 'duplicate_series')],
  },
  'joins values of keys that become one label, in order of the keys': {
    in: oneScope(gauge('a', { points: rows({ k_1: 'c', 'k.1': 'b', 'k-1': 'a' }, { 'k.1': 'b' }) })),
    families: ['gauge a {k_1=a;b;c} {k_1=b}'],
  },
  'tells label sets apart whose values only look alike when run together': {
    in: oneScope(
      gauge('a', {
        points: rows({ x: '1,y=2' }, { x: '1', y: '2' }, { x: '1\0y\0' + '2' }, { x: '1\ud800y\ud800' + '2' }),
      }),
    ),
    families: ['gauge a {x=1,y=2} {x=1,y=2} {x=1\0y\0' + '2} {x=1\ufffdy\ufffd2}'],
  },
  'moves an attribute le of a histogram, and only there, out of the way': {
    in: oneScope(
      histogram('h', {
        points: [{ attributes: { le: 'x', exported_le: 'w' }, bounds: [], buckets: [1] }],
      }),
      gauge('g', { points: rows({ le: 'x' }) }),
    ),
    families: ['histogram h {exported_le=w;x}', 'gauge g {le=x}'],
  },
  'moves an attribute quantile of a summary, and only there, out of the way': {
    in: oneScope(
      quantiles('s', { points: [{ attributes: { quantile: 'x', le: 'y' }, quantiles: [], values: [], count: 1 }] }),
      histogram('h', { points: [{ attributes: { quantile: 'x' }, bounds: [], buckets: [1] }] }),
    ),
    families: ['summary s {exported_quantile=x,le=y}', 'histogram h {quantile=x}'],
  },
  'moves attributes out of the way of the labels of the scope': {
    in: {
      scopes: [
        {
          scope: { name: 's' },
          metrics: [gauge('a', { points: rows({ 'otel.scope.name': 'x', otel_scope_version: 'y', otel_scope: 'z' }) })],
        },
      ],
    },
    families: ['gauge a {exported_otel_scope_name=x,exported_otel_scope_version=y,otel_scope=z,otel_scope_name=s}'],
  },
  'drops attributes without a key or a value': {
    in: oneScope(
      gauge('a', { points: rows({ '': 'x', b: undefined, c: null as unknown as AttributeValue, d: '', e: 'f' }) }),
    ),
    families: ['gauge a {e=f}'],
  },
  'writes values that are not strings as JSON': {
    in: oneScope(
      gauge('a', {
        points: rows({ a: 1.5, b: true, c: ['x', 1, null, NaN], d: NaN, e: -Infinity, f: 1e21, g: [], h: '"x"' }),
      }),
    ),
    families: ['gauge a {a=1.5,b=true,c=["x",1,null,"NaN"],d=NaN,e=-Infinity,f=1e+21,g=[],h="x"}'],
  },
  'writes maps and bytes, which the SDK lets through, as JSON and base64': {
    in: oneScope(gauge('a', { points: rows({ b: { c: Infinity }, d: Uint8Array.of(1, 2) } as unknown as Attributes) })),
    families: ['gauge a {b={"c":"Infinity"},d=AQI=}'],
  },
};

describe('toFamilies', () => {
  for (const [behaviour, { in: given, families, dropped: left = [] }] of Object.entries(cases)) {
    it(behaviour, () => assert.deepEqual(summary(given), { families, dropped: left }));
  }

  it('keeps the first help that says something', () => {
    const { families } = toFamilies(
      toSnapshot({
        scopes: [
          { scope: { name: 'a' }, metrics: [gauge('x')] },
          { scope: { name: 'b' }, metrics: [gauge('x', { description: 'first' })] },
          { scope: { name: 'c' }, metrics: [gauge('x', { description: 'second' })] },
        ],
      }),
    );
    assert.deepEqual(
      families.map(({ help, blocks }) => [help, blocks.length]),
      [['first', 3]],
    );
  });

  it('leaves the snapshot as it was', () => {
    const given = toSnapshot({ resource: { a: 'b' }, scopes: [{ metrics: [histogram('x'), gauge('x')] }] });
    const before = structuredClone(given);
    toFamilies(given);
    assert.deepEqual(given, before);
  });
});
