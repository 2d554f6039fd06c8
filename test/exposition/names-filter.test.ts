import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExpositionOptions, PageOptions } from '../../src/exposition/index.ts';
import type { Attributes } from '../../src/metric/model.ts';
import { counter, exponential, gauge, histogram, quantiles, rows } from './family-rows.ts';
import { pageOptions, snapshotRows } from './hostile-rows.ts';
import { decodeFamilies } from './metric-family.ts';
import { pageOf } from './page.ts';
import { readPage } from './read-page.ts';
import { runs } from './runs.ts';
import { toSnapshot, type MetricRows, type SnapshotRows } from './snapshot.ts';

const start = 1_767_225_600_000;
const given: SnapshotRows = {
  resource: { 'service.name': 'shop' },
  scopes: [
    {
      metrics: [
        counter('c', {
          description: 'Help of c',
          points: [
            { value: 1, start },
            { value: 2, attributes: { x: 'y' } },
          ],
        }),
        histogram('h', {
          unit: 's',
          points: [{ bounds: [1], buckets: [1, 0], sum: 0.5, start }],
        }),
        quantiles('s', { points: [{ quantiles: [0.5], values: [1], count: 1, sum: 1, start }] }),
        exponential('e'),
        gauge('g'),
        gauge('g.other'),
      ],
    },
  ],
};

interface Case {
  readonly names: readonly string[];
  readonly options?: Partial<ExpositionOptions & PageOptions>;
  readonly lines: readonly string[];
}

const cases: Record<string, Case> = {
  'keeps the series of an exact name, with help and type': {
    names: ['c_total'],
    lines: ['# HELP c_total Help of c', '# TYPE c_total counter', 'c_total 1', 'c_total{x="y"} 2'],
  },
  'takes no part of a name, and none as it was before translation': {
    names: ['c', 'g_', 'g.other', '_total'],
    lines: [],
  },
  'takes a name that none has': { names: ['nothing'], lines: [] },
  'has no page for no names': { names: [], lines: [] },
  'keeps one sort of samples of a histogram': {
    names: ['h_seconds_count', 'e_sum'],
    lines: ['# TYPE h_seconds histogram', 'h_seconds_count 1', '# TYPE e histogram', 'e_sum 1'],
  },
  'keeps the buckets of histograms': {
    names: ['h_seconds_bucket', 'e_bucket'],
    lines: [
      ...['# TYPE h_seconds histogram', 'h_seconds_bucket{le="1"} 1', 'h_seconds_bucket{le="+Inf"} 1'],
      ...['# TYPE e histogram', 'e_bucket{le="0.5"} 0', 'e_bucket{le="1"} 1', 'e_bucket{le="+Inf"} 1'],
    ],
  },
  'does not take the name of a histogram for those of its samples': { names: ['h_seconds', 'e', 'h'], lines: [] },
  'keeps the quantiles of a summary': { names: ['s'], lines: ['# TYPE s summary', 's{quantile="0.5"} 1'] },
  'keeps sum and count of a summary': {
    names: ['s_count', 's_sum'],
    lines: ['# TYPE s summary', 's_sum 1', 's_count 1'],
  },
  'keeps target_info only when asked for': {
    names: ['target_info', 'g'],
    lines: [
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{service_name="shop"} 1',
      '# TYPE g gauge',
      'g 1',
    ],
  },
  'takes the names of the samples of OpenMetrics': {
    names: ['c_total', 'target_info'],
    options: { format: 'openmetrics' },
    lines: [
      ...['# HELP target Target metadata', '# TYPE target info', 'target_info{service_name="shop"} 1'],
      ...['# HELP c Help of c', '# TYPE c counter', 'c_total 1', 'c_total{x="y"} 2', '# EOF'],
    ],
  },
  'keeps start times of OpenMetrics that are asked for': {
    names: ['c_created', 'h_seconds_created', 's_created'],
    options: { format: 'openmetrics' },
    lines: [
      ...['# HELP c Help of c', '# TYPE c counter', 'c_created 1767225600'],
      ...['# TYPE h_seconds histogram', '# UNIT h_seconds seconds', 'h_seconds_created 1767225600'],
      ...['# TYPE s summary', 's_created 1767225600', '# EOF'],
    ],
  },
  'takes no start times where there are none': {
    names: ['c_created', 'g'],
    options: { format: 'openmetrics', created: false },
    lines: ['# TYPE g gauge', 'g 1', '# EOF'],
  },
  'takes names as the page has them, without their escapes': {
    names: ['g.other', 'h_count'],
    options: { format: 'text_1_0_0', escaping: 'allow-utf-8', strategy: 'no_translation' },
    lines: ['# TYPE h histogram', 'h_count 1', '# TYPE "g.other" gauge', '{"g.other"} 1'],
  },
};

describe('a page of the samples that are asked for', () => {
  for (const [behaviour, { names, options, lines }] of Object.entries(cases)) {
    it(behaviour, () => {
      const { text } = pageOf(toSnapshot(given), { ...options, names: new Set(names) });
      assert.deepEqual(text.split('\n').slice(0, -1), lines);
    });
  }

  it('has whole families in protobuf', () => {
    const names = new Set(['h_seconds_count', 'c_total']);
    const families = decodeFamilies(pageOf(toSnapshot(given), { format: 'protobuf', names }).bytes);
    assert.deepEqual(
      families.map(({ family: { name, metric = [] } }) => [name, metric.length, metric[0]?.histogram?.bucket?.length]),
      [
        ['c_total', 2, undefined],
        ['h_seconds', 1, 2],
      ],
    );
  });

  it('is the whole page less what is not asked for', () => {
    fc.assert(
      fc.property(snapshotRows, pageOptions, fc.array(fc.nat(30)), (someRows, options, chosen) => {
        fc.pre(options.format !== 'protobuf');
        const { format } = options;
        const snapshot = toSnapshot(someRows);
        const whole = readPage(pageOf(snapshot, options).text, format).samples;
        const all = [...new Set(whole.map(({ name }) => name))];
        const names = new Set(all.filter((_, i) => chosen.includes(i)));
        const { samples } = readPage(pageOf(snapshot, { ...options, names }).text, format);
        assert.deepEqual(
          samples,
          whole.filter(({ name }) => names.has(name)),
        );
      }),
      runs({ short: 200, long: 20_000 }),
    );
  });

  it('reads no attribute of a family that is not asked for', () => {
    let reads = 0;
    const counting = (): Attributes => ({
      get a() {
        reads++;
        return 'x';
      },
    });
    const kinds = [counter, gauge].map((kind, i) => kind(`n${i}`, { points: rows(counting(), counting()) }));
    const others = [histogram, quantiles, exponential].map((kind, i) => {
      const metric = kind(`o${i}`);
      return { ...metric, points: metric.points.map((point) => ({ ...point, attributes: counting() })) } as MetricRows;
    });
    const snapshot = toSnapshot({ scopes: [{ metrics: [...kinds, ...others, gauge('wanted')] }] });
    for (const format of ['text', 'openmetrics', 'protobuf'] as const) {
      const { bytes } = pageOf(snapshot, { format, names: new Set(['wanted']) });
      assert.ok(bytes.length > 0);
      assert.equal(reads, 0);
    }
    pageOf(snapshot, { names: new Set(['o0_sum']) });
    assert.ok(reads > 0);
  });
});
