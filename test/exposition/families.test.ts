import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dropped, FamilyOptions } from '../../src/exposition/families.ts';
import { toFamilies } from './to-families.ts';
import {
  counter,
  dropped,
  exponential,
  gauge,
  histogram,
  oneScope,
  quantiles,
  rows,
  summariseFamilies,
} from './family-rows.ts';
import { expositionDefaults, pageDefaults } from './page.ts';
import { toSnapshot, type HistogramRow, type SnapshotRows, type SummaryRow } from './snapshot.ts';

interface Case {
  readonly in: SnapshotRows;
  readonly families: readonly string[];
  readonly dropped?: readonly Dropped[];
}

const cases: Record<string, Case> = {
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
    families: ['gauge target_info {a=b}', 'counter target_info_total {}', 'histogram target {}'],
    dropped: [dropped('target.info', 'type_conflict')],
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
  'takes exponential histograms as histograms, beside others of the name': {
    in: oneScope(exponential('a'), histogram('a', { points: [{ attributes: { x: 'y' }, bounds: [], buckets: [1] }] })),
    families: ['histogram a {} {x=y}'],
  },
  'keeps later families from the sample names of an exponential histogram': {
    in: oneScope(exponential('a'), gauge('a.bucket'), gauge('a.count'), counter('b'), exponential('b.total')),
    families: ['histogram a {}', 'counter b_total {}'],
    dropped: [
      dropped('a.bucket', 'name_conflict'),
      dropped('a.count', 'name_conflict'),
      dropped('b.total', 'type_conflict'),
    ],
  },
  'names an exponential histogram with its unit and nothing else': {
    in: oneScope(exponential('a', { unit: 's' }), exponential('b.ratio', { unit: '1' })),
    families: ['histogram a_seconds {}', 'histogram b_ratio {}'],
  },
  'leaves delta points out': {
    in: oneScope(
      counter('a', { temporality: 'delta' }),
      histogram('b', { temporality: 'delta' }),
      exponential('d', { temporality: 'delta' }),
      gauge('c'),
      gauge('d'),
    ),
    families: ['gauge c {}', 'gauge d {}'],
    dropped: [dropped('a', 'delta_temporality'), dropped('b', 'delta_temporality'), dropped('d', 'delta_temporality')],
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
  'leaves out summaries whose quantiles do not ascend from 0 to 1': {
    in: oneScope(
      quantiles('a', {
        points: [
          { quantiles: [0.5, 0.5], values: [1, 1], count: 1 },
          { quantiles: [0.9, 0.5], values: [1, 1], count: 1 },
          { quantiles: ['NaN'], values: [1], count: 1 },
          { quantiles: [-0.1], values: [1], count: 1 },
          { quantiles: [0.5, 99], values: [1, 1], count: 1 },
          { attributes: { ok: '1' }, quantiles: [0, 1], values: ['NaN', 1], count: 1 },
          { attributes: { ok: '2' }, quantiles: [], values: [], count: 1 },
        ] satisfies SummaryRow[],
      }),
    ),
    families: ['summary a {ok=1} {ok=2}'],
    dropped: [dropped('a', 'bad_bounds', 5)],
  },
  'lets a metric without series claim no name': {
    in: oneScope(
      gauge('a', { points: [] }),
      counter('a.total', { points: [] }),
      exponential('a', { points: [] }),
      histogram('a'),
    ),
    families: ['histogram a {}'],
  },
};

const openMetricsCases: Record<string, Case> = {
  'names counters and target_info without their suffixes': {
    in: { resource: { a: 'b' }, scopes: [{ metrics: [counter('c'), counter('d.total'), gauge('e')] }] },
    families: ['info target {a=b}', 'counter c {}', 'counter d {}', 'gauge e {}'],
  },
  'keeps a counter and a gauge apart that would have one name': {
    in: oneScope(gauge('a'), counter('a'), counter('b'), gauge('b'), gauge('b.total')),
    families: ['gauge a {}', 'counter b {}'],
    dropped: [dropped('a', 'type_conflict'), dropped('b', 'type_conflict'), dropped('b.total', 'name_conflict')],
  },
  'keeps others from target and target_info': {
    in: {
      resource: { a: 'b' },
      scopes: [{ metrics: [gauge('target'), gauge('target.info'), counter('target.info'), histogram('target')] }],
    },
    families: ['info target {a=b}'],
    dropped: [
      dropped('target', 'type_conflict'),
      dropped('target.info', 'name_conflict'),
      dropped('target.info', 'name_conflict'),
      dropped('target', 'type_conflict'),
    ],
  },
  'keeps others from the names of _created samples, whether there are any or not': {
    in: oneScope(
      counter('a'),
      gauge('a.created'),
      gauge('h.created'),
      histogram('h'),
      quantiles('s'),
      gauge('s.created'),
    ),
    families: ['counter a {}', 'gauge h_created {}', 'summary s {}'],
    dropped: [
      dropped('a.created', 'name_conflict'),
      dropped('h', 'name_conflict'),
      dropped('s.created', 'name_conflict'),
    ],
  },
};

const optionCases: Record<string, Case & { readonly options: Partial<FamilyOptions> }> = {
  'counters that a strategy leaves without _total are counters in text': {
    options: { strategy: 'underscore_escaping_without_suffixes' },
    in: oneScope(counter('a.b', { unit: 's' })),
    families: ['counter a_b {}'],
  },
  'counters that a strategy leaves without _total are unknown to OpenMetrics': {
    options: { strategy: 'no_translation', format: 'openmetrics', escaping: 'allow-utf-8' },
    in: oneScope(counter('a.b', { unit: 's' }), counter('c_total'), counter('d.total')),
    families: ['unknown a.b {}', 'counter c {}', 'unknown d.total {}'],
  },
  'names that only meet under an escaping scheme are one family': {
    options: { strategy: 'no_translation', escaping: 'underscores' },
    in: oneScope(gauge('a.b', { points: rows({ 'x.y': '1' }) }), gauge('a/b', { points: rows({ 'x/y': '2' }) })),
    families: ['gauge a_b {x_y=1} {x_y=2}'],
  },
  'names that do not meet under an escaping scheme are two families': {
    options: { strategy: 'no_translation', format: 'text_1_0_0', escaping: 'values' },
    in: oneScope(gauge('a.b', { points: rows({ 'x.y': '1' }) }), gauge('a/b', { points: rows({ 'x/y': '2' }) })),
    families: ['gauge U__a_2e_b {U__x_2e_y=1}', 'gauge U__a_2f_b {U__x_2f_y=2}'],
  },
  'series have no labels of their scope': {
    options: { scopeInfo: false },
    in: { scopes: [{ scope: { name: 'one', version: '1' }, metrics: [gauge('a', { points: rows({ x: 'y' }) })] }] },
    families: ['gauge a {x=y}'],
  },
  'there is no target_info, and its name is free': {
    options: { targetInfo: false },
    in: { resource: { a: 'b' }, scopes: [{ metrics: [histogram('target.info')] }] },
    families: ['histogram target_info {}'],
  },
  'chosen attributes of the resource are labels of every series but target_info, unless a series has the label itself':
    {
      options: { isConstantLabel: (key) => key !== 'other' },
      in: {
        resource: { 'service.name': 'shop', 'service.zone': 7, empty: '', other: 'x' },
        scopes: [{ scope: { name: 'one' }, metrics: [gauge('a', { points: rows({}, { 'service/zone': 8 }) })] }],
      },
      families: [
        'gauge target_info {other=x,service_name=shop,service_zone=7}',
        'gauge a {otel_scope_name=one,service_name=shop,service_zone=7} {otel_scope_name=one,service_name=shop,service_zone=8}',
      ],
    },
  'a constant label gives way to one that the exposition writes itself': {
    options: { isConstantLabel: () => true, targetInfo: false },
    in: {
      resource: { le: '1', quantile: '2' },
      scopes: [{ metrics: [gauge('g'), histogram('h'), quantiles('q'), exponential('e')] }],
    },
    families: ['gauge g {le=1,quantile=2}', 'histogram h {quantile=2}', 'summary q {le=1}', 'histogram e {quantile=2}'],
  },
  'a constant label stands behind the labels of the scope': {
    options: { isConstantLabel: () => true, targetInfo: false },
    in: {
      resource: { 'otel.scope.name': 'mine' },
      scopes: [{ scope: { name: 'one' }, metrics: [gauge('a')] }],
    },
    families: ['gauge a {exported_otel_scope_name=mine,otel_scope_name=one}'],
  },
};

describe('toFamilies', () => {
  for (const [behaviour, { in: given, families, dropped: left = [] }] of Object.entries(cases)) {
    it(behaviour, () => assert.deepEqual(summariseFamilies(given), { families, dropped: left }));
  }

  for (const [behaviour, { in: given, families, dropped: left = [] }] of Object.entries(openMetricsCases)) {
    it(`for OpenMetrics ${behaviour}`, () =>
      assert.deepEqual(summariseFamilies(given, { format: 'openmetrics' }), { families, dropped: left }));
  }

  for (const [behaviour, { options, in: given, families, dropped: left = [] }] of Object.entries(optionCases)) {
    it(`by its options: ${behaviour}`, () =>
      assert.deepEqual(summariseFamilies(given, options), { families, dropped: left }));
  }

  it('keeps the first help and the first unit that say something', () => {
    const given = toSnapshot({
      scopes: [
        { scope: { name: 'a' }, metrics: [gauge('x')] },
        { scope: { name: 'b' }, metrics: [gauge('x', { description: 'first' })] },
        { scope: { name: 'c' }, metrics: [gauge('x', { description: 'second' })] },
      ],
    });
    assert.deepEqual(
      toFamilies(given, { ...expositionDefaults, ...pageDefaults }, () => assert.fail('dropped')).map(
        ({ help, blocks }) => [help, blocks.length],
      ),
      [['first', 3]],
    );
  });

  it('leaves the snapshot as it was', () => {
    const given = toSnapshot({ resource: { a: 'b' }, scopes: [{ metrics: [histogram('x'), gauge('x')] }] });
    const before = structuredClone(given);
    toFamilies(given, { ...expositionDefaults, ...pageDefaults }, () => {});
    assert.deepEqual(given, before);
  });
});
