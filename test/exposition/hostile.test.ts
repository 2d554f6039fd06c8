import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toFamilies } from '../../src/exposition/families.ts';
import { encodeText } from '../../src/exposition/text.ts';
import type { Attributes, AttributeValue } from '../../src/metric/model.ts';
import { countPoints } from '../support/count-points.ts';
import { parseError, withoutPromtool } from './promtool.ts';
import { readPage } from './read-page.ts';
import { toSnapshot, type JsonNumber, type MetricRows, type SnapshotRows } from './snapshot.ts';

// Whatever users name and record, the page must parse as a whole, and every series must be on it or counted as dropped.

/** Any UTF-16, with what means something to the format more often than chance would have it. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\n', '\r', '\0', '{', '}', ',', '=', ' ', '#', 'a', '\ud800'),
    maxLength: 8,
  }),
);
/** Few words, so that names meet after sanitising. */
const word = fc.constantFrom(
  'a',
  'b',
  'total',
  'count',
  'sum',
  'bucket',
  'ratio',
  'seconds',
  '1',
  'é',
  '',
  'target',
  'info',
);
const name = fc.oneof(
  fc.tuple(word, fc.constantFrom('.', '_', '-', '__'), word).map((parts) => parts.join('')),
  text,
);
const key = fc.oneof(
  fc.constantFrom(
    'le',
    'quantile',
    '__name__',
    'otel.scope.name',
    'otel_scope_version',
    'a.b',
    'a_b',
    'a-b',
    'job',
    '',
    '1a',
    'é',
  ),
  text,
);
const number: fc.Arbitrary<JsonNumber> = fc
  .oneof(
    fc.double(),
    fc.constantFrom<JsonNumber>('NaN', 'Infinity', '-Infinity', '-0', 0, 5e-324, Number.MAX_VALUE, 1e21, 1e-7),
  )
  .map((value) => value);
const attributeValue: fc.Arbitrary<AttributeValue | undefined> = fc.oneof(
  text,
  fc.double(),
  fc.boolean(),
  fc.constant(undefined),
  fc.array(fc.oneof(text, fc.double(), fc.constant(null)), { maxLength: 3 }),
);
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(key, attributeValue, { maxKeys: 4 });

const described = { name, unit: fc.oneof(fc.constantFrom('', 's', '1', 'By/s', '{x}', '%'), text), description: text };
const numberMetric = fc.record({
  ...described,
  kind: fc.constantFrom('counter', 'up_down_counter', 'gauge'),
  points: fc.array(fc.record({ attributes, value: number }), { maxLength: 4 }),
});
const bounds = fc.oneof(
  fc.uniqueArray(fc.double({ noNaN: true }), { maxLength: 4 }).map((some) => some.sort((a, b) => a - b)),
  fc.array(fc.double(), { maxLength: 2 }),
);
const histogramRow = fc
  .record({ attributes, bounds, sum: number })
  .chain(({ bounds: own, ...row }) =>
    fc
      .array(fc.nat(), { minLength: own.length + 1, maxLength: own.length + 1 })
      .map((buckets) => ({ ...row, bounds: own, buckets })),
  );
const histogramMetric = fc.record({
  ...described,
  kind: fc.constant('histogram'),
  points: fc.array(histogramRow, { maxLength: 3 }),
});
const quantiles = fc.oneof(
  fc
    .uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
    .map((some) => some.sort((a, b) => a - b)),
  fc.array(fc.double(), { maxLength: 2 }),
);
const summaryRow = fc
  .record({ attributes, quantiles, count: fc.nat(), sum: number })
  .chain((row) =>
    fc
      .array(number, { minLength: row.quantiles.length, maxLength: row.quantiles.length })
      .map((values) => ({ ...row, values })),
  );
const summaryMetric = fc.record({
  ...described,
  kind: fc.constant('summary'),
  points: fc.array(summaryRow, { maxLength: 3 }),
});
const exponentialMetric = fc.record({
  ...described,
  kind: fc.constant('exponential_histogram'),
  points: fc.array(fc.record({ attributes }), { maxLength: 2 }),
});
const metric = fc.oneof(numberMetric, histogramMetric, summaryMetric, exponentialMetric);
const snapshotRows = fc.record({
  resource: attributes,
  scopes: fc.array(
    fc.record({
      scope: fc.record({ name: text, version: text, schemaUrl: text }),
      metrics: fc.array(metric as fc.Arbitrary<MetricRows>, { maxLength: 12 }),
    }),
    { maxLength: 3 },
  ),
}) as fc.Arbitrary<SnapshotRows>;

function encode(rows: SnapshotRows) {
  const snapshot = toSnapshot(rows);
  const { families, dropped } = toFamilies(snapshot);
  return { snapshot, families, dropped, page: [...encodeText(families)].join('') };
}

/** As the page arrives: a lone surrogate does not survive UTF-8. */
const arrive = (page: string): string => Buffer.from(page).toString();

describe('a page of hostile metrics', () => {
  it('is well-formed, says every name, label and series once, and loses no series uncounted', () => {
    fc.assert(
      fc.property(snapshotRows, (rows) => {
        const { snapshot, families, dropped, page } = encode(rows);
        const read = readPage(arrive(page));

        const blocks = families.flatMap((family) => [...family.blocks]);
        const written = blocks
          .filter(({ points }) => points.attributes[0] !== snapshot.resource)
          .reduce((total, { labels }) => total + labels.filter((own) => own !== undefined).length, 0);
        const left = dropped.reduce((total, { series }) => total + series, 0);
        assert.equal(written + left, countPoints(snapshot));
        assert.deepEqual(
          [...read.types.keys()],
          families.map((family) => family.name),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('gives every value and label value back', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ value: number, label: text.filter((own) => own !== '') })), (given) => {
        const points = given.map(({ value, label }, i) => ({ attributes: { i, label }, value }));
        const { page } = encode({ scopes: [{ metrics: [{ kind: 'gauge', name: 'a', points }] }] });
        assert.deepEqual(
          readPage(arrive(page)).samples.map(({ labels, value }) => [labels.get('label'), value]),
          given.map(({ label, value }) => [label.toWellFormed(), Number(value)]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is read by promtool', { skip: withoutPromtool }, () => {
    fc.assert(
      fc.property(fc.array(snapshotRows, { minLength: 5, maxLength: 10 }), (many) => {
        // One process for the scopes of many snapshots.
        const { page } = encode({ resource: many[0]?.resource ?? {}, scopes: many.flatMap(({ scopes }) => scopes) });
        assert.equal(parseError(page), undefined);
      }),
      { numRuns: 40 },
    );
  });
});
