import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countPoints } from '../support/count-points.ts';
import { number, pageOptions, snapshotRows, text } from './hostile-rows.ts';
import { decodeFamilies } from './metric-family.ts';
import { pageOf } from './page.ts';
import { parseError, withoutPromtool } from './promtool.ts';
import { readPage } from './read-page.ts';
import { referenceMessages } from './reference-families.ts';
import { referenceFamilies, referenceSamples, type Reference } from './reference-page.ts';
import { runs, sized } from './runs.ts';
import { toSnapshot } from './snapshot.ts';

// Whatever users name and record, the page must parse as a whole, and every series must be on it or counted as dropped.

describe('a page of hostile metrics', () => {
  it('says in every format what was recorded, everything once, and loses no series uncounted', () => {
    fc.assert(
      fc.property(snapshotRows, pageOptions, (rows, options) => {
        const snapshot = toSnapshot(rows);
        const { text: page, bytes, dropped } = pageOf(snapshot, options);
        const expected = referenceFamilies(snapshot, options);

        if (options.format === 'protobuf') {
          const families = decodeFamilies(bytes).map(({ family }) => family);
          assert.deepEqual(families, referenceMessages(expected, options));
        } else {
          const { samples, types, helps, units } = readPage(page, options.format);
          assert.deepEqual(samples, referenceSamples(expected, options));
          const all = expected.families.map(({ family }) => family);
          assert.deepEqual(
            [...types],
            all.map(({ name, type }) => [name, type]),
          );
          assert.deepEqual(
            [...helps],
            all.flatMap(({ name, help }) => (help === '' ? [] : [[name, help]])),
          );
          for (const [name, unit] of units) assert.ok(name.endsWith(`_${unit}`));
        }
        assert.deepEqual(countDropped(dropped), countDropped(expected.dropped));
        assert.equal(countShown(expected) + [...countDropped(dropped).values()].reduce(add, 0), countPoints(snapshot));
      }),
      runs({ short: 1_000 }),
    );
  });

  it('gives every value and label value back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ value: number, label: text.filter((own) => own !== '') })),
        fc.constantFrom('text', 'text_1_0_0', 'openmetrics'),
        (given, format) => {
          const points = given.map(({ value, label }, i) => ({ attributes: { i, label }, value }));
          const snapshot = toSnapshot({ scopes: [{ metrics: [{ kind: 'gauge', name: 'a', points }] }] });
          assert.deepEqual(
            readPage(pageOf(snapshot, { format }).text, format).samples.map(({ labels, value }) => [
              labels.get('label'),
              value,
            ]),
            given.map(({ label, value }) => [label.toWellFormed(), Number(value)]),
          );
        },
      ),
      runs({ short: 200, long: 10_000 }),
    );
  });

  it('is read by promtool', { skip: withoutPromtool }, () => {
    // One process for the scopes of many snapshots.
    const size = { minLength: sized({ short: 5, long: 50 }), maxLength: sized({ short: 10, long: 50 }) };
    fc.assert(
      fc.property(fc.array(snapshotRows, size), pageOptions, (many, options) => {
        const rows = { resource: many[0]?.resource ?? {}, scopes: many.flatMap(({ scopes }) => scopes) };
        const { text: page } = pageOf(toSnapshot(rows), { ...options, format: 'text', escaping: 'underscores' });
        assert.equal(parseError(page), undefined);
      }),
      runs({ short: 40, long: 2_000 }),
    );
  });
});

/** By metric and reason. */
function countDropped(dropped: Reference['dropped']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, reason, series } of dropped) {
    const key = JSON.stringify([name, reason]);
    counts.set(key, (counts.get(key) ?? 0) + series);
  }
  return counts;
}

/** Series of the scopes: that of target_info is nobody's. */
function countShown({ families }: Reference): number {
  const rows = families.flatMap((family) => family.rows);
  return rows.filter(({ block }) => !(block.metric === 'target_info' && block.origin === '')).length;
}

function add(a: number, b: number): number {
  return a + b;
}
