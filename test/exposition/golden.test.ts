import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { toFamilies } from '../../src/exposition/families.ts';
import { encodeText } from '../../src/exposition/text.ts';
import { parseError, withoutPromtool } from './promtool.ts';
import { toSnapshot, type SnapshotRows } from './snapshot.ts';

// Whole pages, byte for byte. `UPDATE_GOLDEN=1 node --test test/exposition` writes them anew; the diff is the review.
const folder = new URL('../golden/', import.meta.url);
const update = process.env.UPDATE_GOLDEN === '1';

describe('golden pages', () => {
  for (const name of ['empty', 'kinds', 'hostile']) {
    const description = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as SnapshotRows;
    const page = [...encodeText(toFamilies(toSnapshot(description)).families)].join('');
    const expected = new URL(`${name}.prom`, folder);

    it(`${name}: the page is the recorded one`, () => {
      if (update) writeFileSync(expected, page);
      assert.equal(page, readFileSync(expected, 'utf8'));
    });

    it(`${name}: promtool reads it`, { skip: withoutPromtool }, () => {
      assert.equal(parseError(page), undefined);
    });
  }
});
