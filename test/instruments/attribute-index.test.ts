import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Attributes } from '@opentelemetry/api';
import fc from 'fast-check';
import { AttributeIndex, UNSURE } from '../../src/instruments/attribute-index.ts';
import { toAttributeSet } from '../../src/instruments/attribute-set.ts';
import { NONE } from '../../src/instruments/key-set.ts';
import { runs } from './native.ts';

/** As a series is made: put in, and its order of keys learned. */
function add(index: AttributeIndex, given: Attributes, row: number): void {
  const set = toAttributeSet(given);
  index.insert(set, row);
  index.learn(given, set);
}

/** All orders of the entries of an object. */
function ordersOf(entries: readonly (readonly [string, string])[]): Attributes[] {
  if (entries.length === 0) return [{}];
  return entries.flatMap((first) =>
    ordersOf(entries.filter((entry) => entry !== first)).map((rest) => ({ [first[0]]: first[1], ...rest })),
  );
}

describe('an attribute index', () => {
  it('is not sure of anything before it has learned', () => {
    assert.equal(new AttributeIndex().find({}), UNSURE);
    assert.equal(new AttributeIndex().find({ model: 'iris' }), UNSURE);
  });

  it('finds a set at once in the order in which it was written before', () => {
    const index = new AttributeIndex();
    add(index, { model: 'iris', code: 200 }, 3);
    assert.equal(index.find({ model: 'iris', code: 200 }), 3);
    assert.equal(index.find({ code: 200, model: 'iris' }), UNSURE);
    assert.equal(index.findSet(toAttributeSet({ code: 200, model: 'iris' })), 3);
  });

  it('knows at once that a value is new', () => {
    const index = new AttributeIndex();
    add(index, { model: 'iris', code: 200 }, 0);
    assert.equal(index.find({ model: 'wine', code: 200 }), NONE);
    assert.equal(index.find({ model: 'iris', code: '200' }), NONE);
  });

  it('knows at once that two values have not met', () => {
    const index = new AttributeIndex();
    add(index, { model: 'iris', code: 200 }, 0);
    add(index, { model: 'wine', code: 500 }, 1);
    assert.equal(index.find({ model: 'wine', code: 200 }), NONE);
  });

  it('is not sure of values that are more than one word', () => {
    const index = new AttributeIndex();
    add(index, { sizes: [1, 2] }, 0);
    assert.equal(index.find({ sizes: [1, 2] }), UNSURE);
    assert.equal(index.findSet(toAttributeSet({ sizes: [1, 2] })), 0);
    assert.equal(index.findSet(toAttributeSet({ sizes: [1, 3] })), NONE);
    assert.equal(index.findSet(toAttributeSet({ sizes: ['1', '2'] })), NONE);
  });

  it('does not take more or fewer keys for the same', () => {
    const index = new AttributeIndex();
    add(index, { a: 1, b: 2 }, 0);
    for (const given of [{}, { a: 1 }, { a: 1, b: 2, c: 3 }, { b: 2 }]) {
      assert.equal(index.find(given), UNSURE);
      assert.equal(index.findSet(toAttributeSet(given)), NONE);
    }
  });

  it('does not learn orders in which something was left out', () => {
    const index = new AttributeIndex();
    add(index, { a: 1, b: undefined }, 0);
    assert.equal(index.find({ a: 1, b: 2 }), UNSURE);
    assert.equal(index.find({ a: 1 }), UNSURE);
    assert.equal(index.findSet(toAttributeSet({ a: 1 })), 0);
  });

  it('finds a set in every order, though it learns only 16 of them', () => {
    const entries = ['a', 'b', 'c', 'd'].map((key) => [key, `value of ${key}`] as const);
    const orders = ordersOf(entries);
    assert.equal(orders.length, 24);
    const index = new AttributeIndex();
    index.insert(toAttributeSet(Object.fromEntries(entries)), 5);
    for (const order of orders) index.learn(order, toAttributeSet(order));
    const found = orders.map((order) => index.find(order));
    assert.deepEqual(found, [...Array<number>(16).fill(5), ...Array<number>(8).fill(UNSURE)]);
    for (const order of orders) assert.equal(index.findSet(toAttributeSet(order)), 5);
  });

  it('names the key that has had most values', () => {
    const index = new AttributeIndex();
    assert.equal(index.widestKey, '');
    for (let i = 0; i < 20; i++) add(index, { model: `m${i % 3}`, user: i, tags: [i % 5] }, i);
    assert.equal(index.widestKey, 'user');
    assert.equal(index.held, 3 + 20 + 5 + 1, 'values, and one set of keys');
  });

  it('forgets values and sets of keys that no series has when it is rebuilt', () => {
    const index = new AttributeIndex();
    for (let i = 0; i < 50; i++) add(index, { user: i }, i);
    for (let i = 0; i < 10; i++) add(index, { [`key ${i}`]: 1 }, 50 + i);
    assert.equal(index.held, 50 + 10 + 11);
    const kept = [7, 9].map((user) => toAttributeSet({ user }));
    index.rebuild({ rows: Int32Array.from([7, 9]), attributes: kept });
    assert.equal(index.held, 2 + 1);
    assert.deepEqual(
      [7, 8, 9].map((user) => index.findSet(toAttributeSet({ user }))),
      [7, NONE, 9],
    );
  });
});

interface IndexStep {
  readonly given: Attributes;
  readonly does: 'add' | 'remove' | 'rebuild';
}

const VALUES = ['a', 'b', 1, '1', true, ['a'], [1], ['1'], [], NaN, Infinity, 'NaN'];
/** Of up to 5 keys, in more orders than are learned. */
const given = fc
  .tuple(
    fc.shuffledSubarray(['p', 'q', 'r', '1', '__proto__']),
    fc.array(fc.constantFrom(...VALUES), { minLength: 5, maxLength: 5 }),
  )
  .map(([keys, values]): Attributes => Object.fromEntries(keys.map((key, i) => [key, values[i]])));
const step: fc.Arbitrary<IndexStep> = fc.record({
  given,
  does: fc.oneof(
    { weight: 20, arbitrary: fc.constant('add' as const) },
    { weight: 10, arbitrary: fc.constant('remove' as const) },
    { weight: 1, arbitrary: fc.constant('rebuild' as const) },
  ),
});

describe('an attribute index against a map', () => {
  it('is the same, and never sure of what is not so', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const index = new AttributeIndex();
        const model = new Map<string, { set: ReturnType<typeof toAttributeSet>; row: number }>();
        steps.forEach(({ given: attributes, does }, row) => {
          const set = toAttributeSet(attributes);
          const text = inspect(Object.entries(set));
          const known = model.get(text)?.row ?? NONE;
          const found = index.find(attributes);
          if (found !== UNSURE) assert.equal(found, known);
          assert.equal(index.findSet(set), known);
          if (does === 'add' && known === NONE) {
            index.insert(set, row);
            model.set(text, { set, row });
          }
          if (does === 'add') index.learn(attributes, set);
          if (does === 'remove') {
            index.remove(set);
            model.delete(text);
          }
          if (does === 'rebuild') {
            const live = [...model.values()];
            index.rebuild({
              rows: Int32Array.from(live, (each) => each.row),
              attributes: live.map((each) => each.set),
            });
          }
        });
        for (const { set, row } of model.values()) assert.equal(index.findSet(set), row);
      }),
      runs(150),
    );
  });
});
