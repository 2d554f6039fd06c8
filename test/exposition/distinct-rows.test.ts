import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DistinctRows } from '../../src/exposition/distinct-rows.ts';

describe('distinct rows', () => {
  it('are those whose contents are new, however few hashes there are', () => {
    const row = fc.record({ hash: fc.constantFrom(0, 1, 2, 0xffffffff), content: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        // Rows with one content have one hash; rows with one hash may differ.
        const hashes = Uint32Array.from(rows, ({ hash, content }) => (hash + (content % 2)) >>> 0);
        const contents = rows.map(({ content }, i) => `${hashes[i]} ${content}`);
        const distinct = new DistinctRows(hashes, (a, b) => contents[a] === contents[b]);
        assert.deepEqual(
          rows.map((_, i) => distinct.add(i)),
          contents.map((content, i) => contents.indexOf(content) === i),
        );
      }),
    );
  });
});
