import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Attributes } from '@opentelemetry/api';
import fc from 'fast-check';
import type { Attributes as AttributeSet } from '../../src/metric/model.ts';
import type { BindableMeter, View } from '../../src/instruments/index.ts';
import { createNative, runs } from './native.ts';

// A measurement counts, whatever its attributes are; what cannot be exported of them is left out.

class Request {
  readonly method: string = 'GET';
  readonly #secret = 'hidden';
  get path(): string {
    return this.#secret;
  }
}

const cyclic: Record<string, unknown> = { model: 'iris' };
cyclic.self = cyclic;
const cyclicList: unknown[] = [];
cyclicList.push(cyclicList);
const throwing = {
  model: 'iris',
  get path(): string {
    throw new Error('read');
  },
  zone: 'north',
};
const inherited: object = Object.create(
  { service: 'inherited' },
  { model: { value: 'iris', enumerable: true } },
) as object;
const revoked = Proxy.revocable({ model: 'iris' }, {});
revoked.revoke();
const unreadable = new Proxy({}, { ownKeys: () => assert.fail('listed') });
const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
const prototyped = JSON.parse('{"__proto__": "own", "constructor": "own", "toString": "own"}') as object;

const cases: Record<string, readonly [given: unknown, attributes: [string, unknown][]]> = {
  'nothing given': [undefined, []],
  null: [null, []],
  'a number': [5, []],
  'a function': [() => {}, []],
  'undefined and null': [{ a: undefined, b: null, c: 'x' }, [['c', 'x']]],
  'functions and symbols': [{ a: () => {}, b: Symbol('b'), [Symbol('c')]: 1, d: 1 }, [['d', 1]]],
  'the empty key': [{ '': 'x', a: 'y' }, [['a', 'y']]],
  'the empty text': [{ a: '' }, [['a', '']]],
  'numbers that are none': [
    { a: NaN, b: Infinity, c: -Infinity },
    [
      ['a', NaN],
      ['b', Infinity],
      ['c', -Infinity],
    ],
  ],
  'big integers, as numbers where they are exact': [
    { a: 5n, b: 2n ** 53n - 1n, c: 2n ** 53n + 1n, d: -(2n ** 64n) },
    [
      ['a', 5],
      ['b', 2 ** 53 - 1],
      ['c', '9007199254740993'],
      ['d', '-18446744073709551616'],
    ],
  ],
  lists: [
    { a: ['x', null, undefined, 1, true], b: [] },
    [
      ['a', ['x', null, undefined, 1, true]],
      ['b', []],
    ],
  ],
  'lists of lists, as JSON': [{ a: [['x'], [1, NaN, 5n]] }, [['a', '[["x"],[1,"NaN","5"]]']]],
  'maps, as JSON': [{ a: { b: { c: [1] }, d: undefined } }, [['a', '{"b":{"c":[1]}}']]],
  'bytes, as base64': [
    { a: Uint8Array.of(0, 1, 255), b: Buffer.from('x'), c: { d: Uint8Array.of(7) } },
    [
      ['a', 'AAH/'],
      ['b', 'eA=='],
      ['c', '{"d":"Bw=="}'],
    ],
  ],
  'what contains itself': [{ ...cyclic, list: cyclicList }, [['model', 'iris']]],
  'lists too deep to be written': [{ deep, model: 'iris' }, [['model', 'iris']]],
  'a getter that throws': [
    throwing,
    [
      ['model', 'iris'],
      ['zone', 'north'],
    ],
  ],
  'a value that throws when it is written': [
    { a: { toJSON: () => assert.fail('written') }, b: [throwing], c: 1 },
    [['c', 1]],
  ],
  'a proxy that throws': [unreadable, []],
  'a proxy that was revoked': [revoked.proxy, []],
  'no prototype': [Object.assign(Object.create(null) as object, { a: 1 }), [['a', 1]]],
  'an instance of a class': [new Request(), [['method', 'GET']]],
  'keys that are inherited': [inherited, [['model', 'iris']]],
  'keys that every object inherits': [
    prototyped,
    [
      ['__proto__', 'own'],
      ['constructor', 'own'],
      ['toString', 'own'],
    ],
  ],
  'what is frozen': [Object.freeze({ a: Object.freeze(['x']) }), [['a', ['x']]]],
  'keys that are numbers': [
    { '10': 'ten', '9': 'nine', a: 1 },
    [
      ['10', 'ten'],
      ['9', 'nine'],
      ['a', 1],
    ],
  ],
  'half of a character': [{ '\ud800': '\udfff' }, [['\ud800', '\udfff']]],
  'a megabyte of text': [{ a: 'x'.repeat(1e6) }, [['a', 'x'.repeat(1e6)]]],
};

interface Shown {
  readonly attributes: AttributeSet;
  readonly value: number;
}

async function shownBy(view: View): Promise<Shown[]> {
  const { scopes, errors } = await view.collect(1000);
  assert.deepEqual(errors, []);
  return scopes
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => {
      assert.ok(metric.kind === 'sum');
      return metric.points.attributes.map((attributes, i) => ({ attributes, value: metric.points.values[i] ?? NaN }));
    });
}

/** In all ways in which attributes come in, twice. */
function addInAllWays(meter: BindableMeter, given: Attributes): void {
  const counter = meter.createCounter('x');
  for (let i = 0; i < 2; i++) {
    counter.add(1, given);
    counter.bind(given).add(10);
  }
}

describe('attributes', () => {
  for (const [name, [given, attributes]] of Object.entries(cases)) {
    it(`may be ${name}`, async () => {
      const { meters, meter } = createNative();
      addInAllWays(meter, given as Attributes);
      const shown = await shownBy(meters.createView('cumulative'));
      assert.deepEqual(
        shown.map((each) => [Object.entries(each.attributes).sort(([a], [b]) => (a < b ? -1 : 1)), each.value]),
        [[attributes, 22]],
      );
      assert.equal(meter.createCounter('x').remove(given as Attributes), true);
      assert.deepEqual(await shownBy(meters.createView('cumulative')), []);
    });

    it(`may be observed to be ${name}`, async () => {
      const { meters, meter } = createNative();
      meter.createObservableCounter('x').addCallback((result) => result.observe(3, given as Attributes));
      const view = meters.createView('cumulative');
      for (let i = 0; i < 2; i++) {
        const [only, ...others] = await shownBy(view);
        assert.deepEqual([only?.value, others], [3, []]);
      }
    });
  }

  // The look-up by the order of keys must not take what is inherited for the object's own, though it walks over both.
  it('that are inherited are left out, also where others have them for their own', async () => {
    const { meters, meter } = createNative();
    const counter = meter.createCounter('x');
    counter.add(1, { model: 'iris', service: 'inherited' });
    counter.add(10, inherited as Attributes);
    counter.add(100, { model: 'iris' });
    counter.add(1000, inherited as Attributes);
    const shown = await shownBy(meters.createView('cumulative'));
    assert.deepEqual(
      new Map(shown.map(({ attributes, value }) => [Object.keys(attributes).join(), value])),
      new Map([
        ['model,service', 1],
        ['model', 1110],
      ]),
    );
  });

  it('that differ in type only are different', async () => {
    const { meters, meter } = createNative();
    const counter = meter.createCounter('x');
    const values = [
      1,
      '1',
      true,
      'true',
      [1],
      ['1'],
      '[1]',
      ['[1]'],
      NaN,
      'NaN',
      [NaN],
      ['NaN'],
      [null],
      ['null'],
      [],
      '',
    ];
    for (let i = 0; i < 3; i++) for (const value of values) counter.add(1, { value });
    const shown = await shownBy(meters.createView('cumulative'));
    assert.deepEqual(
      shown.map(({ attributes, value }) => [attributes.value, value]),
      values.map((value) => [value, 3]),
    );
  });

  it('of any kind never throw, never lose a measurement, and come out as what can be exported', () => {
    const anything = fc.anything({
      withBigInt: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
      withDate: true,
    });
    const given = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('a', 'b', '__proto__')), anything, {
          maxKeys: 4,
        }),
      },
      { weight: 1, arbitrary: anything },
    );
    return fc.assert(
      fc.asyncProperty(fc.array(given, { maxLength: 20 }), fc.integer({ min: 1, max: 30 }), async (all, limit) => {
        const { meters, meter } = createNative({ limit });
        for (const each of all) addInAllWays(meter, each as Attributes);
        const shown = await shownBy(meters.createView('cumulative'));
        assert.equal(
          shown.reduce((sum, { value }) => sum + value, 0),
          all.length * 22,
        );
        assert.ok(shown.length <= limit + 1);
        assert.equal(new Set(shown.map(({ attributes }) => inspect(Object.entries(attributes)))).size, shown.length);
        for (const value of shown.flatMap(({ attributes }) => Object.values(attributes))) {
          const words = Array.isArray(value) ? (value as unknown[]) : [value];
          assert.ok(words.every((word) => word == null || ['string', 'number', 'boolean'].includes(typeof word)));
        }
      }),
      runs(100),
    );
  });
});
