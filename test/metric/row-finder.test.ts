import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NOT_FOUND, RowFinder } from '../../src/metric/row-finder.ts';

const items = (count: number): object[] => Array.from({ length: count }, () => ({}));
const placesOf = (before: readonly object[], after: readonly object[]): number[] => {
  const finder = new RowFinder(before);
  return after.map((item) => finder.find(item));
};
/** How many of those that are in both lists are not found. */
const missed = (before: readonly object[], after: readonly object[]): number =>
  placesOf(before, after).filter((place, i) => place === NOT_FOUND && before.includes(after[i] ?? {})).length;

describe('a finder of rows', () => {
  const before = items(5_000);
  const cases: Record<string, readonly object[]> = {
    'nothing has changed': before,
    'some are added at the end': [...before, ...items(700)],
    'some are replaced in a row': before.with(10, {}).toSpliced(1_000, 1_000, ...items(1_000)),
    'some have come in the middle': before.toSpliced(2_000, 0, ...items(300)),
    'one in ten has gone': before.filter((_, i) => i % 10 !== 3),
  };
  for (const [what, after] of Object.entries(cases)) {
    it(`finds all that are left when ${what}`, () => assert.equal(missed(before, after), 0));
  }

  it('finds the rest when many have gone in a row, but for as many as these', () => {
    assert.ok(missed(before, before.toSpliced(1_000, 800)) <= 800);
  });

  it('never says a place that the item does not have', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 })), fc.array(fc.nat({ max: 80 })), (had, has) => {
        const pool = items(81);
        const old = had.map((i) => pool[i] ?? {});
        const now = has.map((i) => pool[i] ?? {});
        for (const [i, place] of placesOf(old, now).entries())
          if (place !== NOT_FOUND) assert.equal(old[place], now[i]);
      }),
    );
  });
});
