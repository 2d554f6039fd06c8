import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeySet, NONE } from '../../src/instruments/key-set.ts';
import { runs } from './native.ts';

/** The table, used as its owner does: ids are written into it first. */
function createTable(keys: number) {
  const names = Array.from({ length: keys }, (_, i) => `key${i}`);
  const keySet = new KeySet(names, []);
  const write = (ids: readonly number[]): KeySet => {
    keySet.ids.set(ids.slice(0, keys));
    return keySet;
  };
  return {
    find: (ids: readonly number[]) => write(ids).find(),
    insert: (ids: readonly number[], row: number) => write(ids).insert(row),
    remove: (ids: readonly number[]) => write(ids).remove(),
  };
}

describe('a key set', () => {
  it('holds one row where there are no keys at all', () => {
    const table = createTable(0);
    assert.equal(table.find([]), NONE);
    table.insert([], 0);
    assert.equal(table.find([]), 0);
    table.remove([]);
    assert.equal(table.find([]), NONE);
  });

  it('takes out nothing where there is nothing', () => {
    const table = createTable(1);
    table.insert([1], 7);
    table.remove([2]);
    assert.deepEqual([table.find([1]), table.find([2])], [7, NONE]);
  });

  it('tells apart ids of which only the order differs', () => {
    const table = createTable(3);
    const orders = [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ];
    orders.forEach((ids, row) => table.insert(ids, row));
    assert.deepEqual(
      orders.map((ids) => table.find(ids)),
      [0, 1, 2, 3, 4, 5],
    );
  });

  it('finds every row again after it has grown from 16 slots to many thousands', () => {
    const table = createTable(2);
    for (let row = 0; row < 20_000; row++) table.insert([row % 200, Math.floor(row / 200)], row);
    for (let row = 0; row < 20_000; row++) assert.equal(table.find([row % 200, Math.floor(row / 200)]), row);
    assert.equal(table.find([200, 0]), NONE);
  });

  // Gaps are closed by moving what comes after them, around the end of the table, too: at any load and whatever collides.
  it('is a map, whatever is put in and taken out', () => {
    const ids = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 3 });
    const step = fc.record({ ids, remove: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 120, size: 'max' }), (keys, steps) => {
        const table = createTable(keys);
        const model = new Map<string, { ids: readonly number[]; row: number }>();
        const seen = new Map<string, readonly number[]>();
        steps.forEach(({ ids: all, remove }, row) => {
          const given = all.slice(0, keys);
          const text = given.join();
          seen.set(text, given);
          if (remove) {
            table.remove(given);
            model.delete(text);
          } else if (!model.has(text)) {
            table.insert(given, row);
            model.set(text, { ids: given, row });
          }
          for (const [known, each] of seen) assert.equal(table.find(each), model.get(known)?.row ?? NONE, known);
        });
      }),
      runs(150),
    );
  });
});
