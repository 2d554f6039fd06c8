import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../src/std/byte-writer.ts';
import { NUMBER_BYTES_MAX, writeNumber } from '../../src/exposition/number-bytes.ts';
import { boundText, canonicalText, valueText } from '../../src/exposition/number-text.ts';
import { decodeFamilies } from './metric-family.ts';
import { pageOf } from './page.ts';
import { readPage } from './read-page.ts';
import { runs } from './runs.ts';
import type { Snapshot } from '../../src/metric/model.ts';

/** Every bit pattern is as likely as every other, and so is every sort of number that people record. */
const double = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })).map(fromBits),
  fc.double(),
  fc.maxSafeInteger(),
  fc.integer({ min: -1_000, max: 1_000 }).map((tenths) => tenths / 10),
);
const manyDoubles = fc.array(double, { minLength: 100, maxLength: 100 });

function fromBits([high, low]: readonly [number, number]): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, high);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

const subnormals = [5e-324, 1e-323, 2.225073858507201e-308, -5e-324];
const special = [NaN, Infinity, -Infinity, 0, -0, ...subnormals, 2.2250738585072014e-308, Number.MAX_VALUE];
const powersOfTwo = Array.from({ length: 66 }, (_, power) => 2 ** power).flatMap((own) => [
  own - 1,
  own,
  own + 1,
  -own,
]);
const powersOfTen = Array.from({ length: 24 }, (_, power) => Number(`1e${power}`)).flatMap((own) => [
  ...[own - 1, own, own + 1, own - 0.5, own + 0.5, 1 / own, own * 9, own * 5 + 3],
]);
/** The longest that a double can be. */
const longest = -1.2345678901234567e-6;
const all = [...special, ...powersOfTwo, ...powersOfTen, longest];

function fromText(text: string): number {
  assert.match(text, /^(NaN|[+-]Inf|-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?)$/);
  return Number(text.replace('Inf', 'Infinity'));
}

/** As the writer of pages writes it, in no more room than it asks for. */
function written(value: number): string {
  const writer = new ByteWriter(1);
  writer.reserve(NUMBER_BYTES_MAX);
  writeNumber(writer, value);
  assert.ok(writer.length <= NUMBER_BYTES_MAX && writer.length <= writer.bytes.length, `${value}`);
  return writer.take().toString();
}

/** A gauge of as many series as there are values. */
function snapshotOf(values: readonly number[]): Snapshot {
  const none = new Float64Array(values.length);
  const attributes = values.map((_, i) => ({ i }));
  const points = { attributes, startTimesMs: none, timesMs: none, values: Float64Array.from(values) };
  const scope = { name: '', version: '', schemaUrl: '' };
  return {
    resource: {},
    scopes: [{ scope, metrics: [{ kind: 'gauge', name: 'a', description: '', unit: '', points }] }],
  };
}

const readers: Record<string, (values: readonly number[]) => readonly (number | undefined)[]> = {
  'text 0.0.4': (values) => readPage(pageOf(snapshotOf(values)).text).samples.map(({ value }) => value),
  'text 1.0.0': (values) => {
    const { text } = pageOf(snapshotOf(values), { format: 'text_1_0_0' });
    return readPage(text, 'text_1_0_0').samples.map(({ value }) => value);
  },
  OpenMetrics: (values) => {
    const { text } = pageOf(snapshotOf(values), { format: 'openmetrics' });
    return readPage(text, 'openmetrics').samples.map(({ value }) => value);
  },
  protobuf: (values) =>
    decodeFamilies(pageOf(snapshotOf(values), { format: 'protobuf' }).bytes).flatMap(({ family }) =>
      (family.metric ?? []).map(({ gauge }) => gauge?.value),
    ),
};

describe('the text of a number', () => {
  it('is read back as the same double', () => {
    const check = (value: number): void => {
      for (const text of [valueText(value), boundText(value), canonicalText(value), written(value)])
        assert.ok(Object.is(fromText(text), value), `${value} is written as ${text}`);
    };
    all.forEach(check);
    fc.assert(fc.property(double, check), runs({ short: 5_000, long: 1_000_000 }));
  });

  it('is the shortest one', () => {
    fc.assert(
      fc.property(double, (value) => {
        assert.equal(written(value), valueText(value));
        if (Number.isFinite(value) && value !== 0) assert.equal(valueText(value), String(value));
      }),
      runs({ short: 2_000 }),
    );
  });

  const cases: Record<string, { value: number; is: string; bound?: string; canonical?: string }> = {
    'not a number': { value: NaN, is: 'NaN' },
    'the infinities': { value: -Infinity, is: '-Inf' },
    'positive infinity': { value: Infinity, is: '+Inf' },
    zero: { value: 0, is: '0', canonical: '0.0' },
    'negative zero': { value: -0, is: '-0', canonical: '-0.0' },
    one: { value: 1, is: '1', canonical: '1.0' },
    'the least subnormal': { value: 5e-324, is: '5e-324' },
    'the largest number': { value: Number.MAX_VALUE, is: '1.7976931348623157e+308' },
    '2^53': { value: 2 ** 53, is: '9007199254740992', bound: '9.007199254740992e+15' },
    'what comes before 2^53': { value: 2 ** 53 - 1, is: '9007199254740991', bound: '9.007199254740991e+15' },
    'a power of two that is a usual bound': { value: 2 ** 20, is: '1048576', bound: '1.048576e+06' },
    'the least that a bound has an exponent for': { value: 1e6, is: '1000000', bound: '1e+06' },
    'the last before that': { value: 999_999, is: '999999', canonical: '999999.0' },
    'a small bound': { value: 0.000_01, is: '0.00001', bound: '1e-05' },
    'the least bound without an exponent': { value: 0.0001, is: '0.0001' },
    'an exponent of three digits': { value: -1e100, is: '-1e+100' },
  };
  for (const [what, { value, is, bound = is, canonical = bound }] of Object.entries(cases)) {
    it(`of ${what} is ${is}, as a bound ${bound}, in OpenMetrics ${canonical}`, () => {
      assert.deepEqual([written(value), boundText(value), canonicalText(value)], [is, bound, canonical]);
    });
  }
});

describe('numbers on a page', () => {
  for (const [format, read] of Object.entries(readers)) {
    it(`of ${format} are those that were recorded`, () => {
      const check = (values: readonly number[]): void => {
        const found = read(values);
        assert.equal(found.length, values.length);
        for (const [i, value] of values.entries())
          assert.ok(Object.is(found[i], value), `${value} came as ${found[i]}`);
      };
      check(all);
      fc.assert(fc.property(manyDoubles, check), runs({ short: 50, long: 10_000 }));
    });
  }

  it('have room behind labels of any length', () => {
    // Where a writer has just grown for the labels of a series there is no more room than was asked for.
    const attributes = [{ a: 'x'.repeat(300_000) }, { a: 'y'.repeat(2_000_000) }, { a: 'z' }];
    const column = new Float64Array(3);
    const points = { attributes, startTimesMs: column, timesMs: column, values: column.map(() => longest) };
    const [first] = snapshotOf([]).scopes;
    assert.ok(first);
    const metric = { kind: 'gauge', name: 'a', description: '', unit: '', points } as const;
    const { text } = pageOf({ resource: {}, scopes: [{ ...first, metrics: [metric] }] });
    assert.deepEqual(
      readPage(text).samples.map(({ labels, value }) => [labels.get('a')?.length, value]),
      attributes.map(({ a }) => [a.length, longest]),
    );
  });
});
