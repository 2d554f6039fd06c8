// What can be registered, what cannot, and what is said about it. Both engines get the same: they are not asked before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { CustomCounter, CustomDistribution, CustomGauge } from '../../src/telemetry/custom-metric.ts';
import type { CustomMetricOptions } from '../../src/telemetry/custom-metric-options.ts';
import { customSamples, engineNames, metricOf, telemetryOn } from './telemetry-on.ts';

const create = () => telemetryOn('native').custom;

/** Options as someone without TypeScript may give them. */
const untyped = (options: object): CustomMetricOptions => options;

describe('a custom metric that is registered twice', () => {
  const same: Record<string, { first: CustomMetricOptions | string; second?: CustomMetricOptions | string }> = {
    'with the same options': {
      first: { kind: 'histogram', unit: 's', description: 'A', buckets: [1, 2], attributes: ['a', 'b'] },
      second: { kind: 'histogram', unit: 's', description: 'A', buckets: [1, 2], attributes: ['a', 'b'] },
    },
    'with none the second time': { first: { unit: 's', buckets: [1, 2], attributes: ['a'] } },
    'with options of no value the second time': {
      first: { unit: 's', buckets: [1, 2], attributes: ['a'], description: 'A', cardinalityLimit: 7, expireAfterMs: 9 },
      second: untyped({
        kind: undefined,
        unit: undefined,
        buckets: undefined,
        min: undefined,
        attributes: undefined,
        description: undefined,
        cardinalityLimit: undefined,
        expireAfterMs: undefined,
      }),
    },
    'with the description alone the second time': { first: { unit: 's', buckets: [1], description: 'A' }, second: 'B' },
    'with its attributes in another order': {
      first: { attributes: ['b', 'a'] },
      second: { attributes: ['a', 'b', 'a'] },
    },
    'with the same buckets said in other words': {
      first: { buckets: [1, 2, 4, 5, Infinity] },
      second: { min: 1, max: 5, factor: 2 },
    },
    'with the default kind and unit said the second time': { first: {}, second: { kind: 'histogram', unit: '' } },
    'as a counter': { first: { kind: 'counter', unit: 's' }, second: { kind: 'counter' } },
  };
  for (const [what, { first, second }] of Object.entries(same)) {
    it(`${what} is the same metric`, () => {
      const custom = create();
      assert.equal(custom.register('m', first), custom.register('m', second));
    });
  }

  it('is the one that was logged first, with what is not said as it was', async () => {
    const telemetry = telemetryOn('native');
    telemetry.custom.log({ m: 1 });
    telemetry.custom.register('m', { kind: 'histogram', unit: '' }).observe(1);
    assert.equal((await customSamples(telemetry)).m_count, 2);
  });

  const other: Record<string, { first: CustomMetricOptions; second: CustomMetricOptions; says: string }> = {
    'another kind': { first: { kind: 'counter' }, second: { kind: 'gauge' }, says: 'kind "counter" ; "gauge"' },
    'the default kind after another': { first: { kind: 'gauge' }, second: {}, says: 'kind "gauge" ; "histogram"' },
    'a summary after a histogram': { first: {}, second: { kind: 'summary' }, says: 'kind "histogram" ; "summary"' },
    'another unit': { first: { unit: 's' }, second: { unit: 'ms' }, says: 'unit "s" ; "ms"' },
    'a unit after none': { first: {}, second: { unit: 's' }, says: 'unit "" ; "s"' },
    'no unit after one, when that is said': { first: { unit: 's' }, second: { unit: '' }, says: 'unit "s" ; ""' },
    'other buckets': { first: { buckets: [1] }, second: { buckets: [1, 2] }, says: 'buckets [1] ; [1,2]' },
    'other buckets, made of a factor': {
      first: { buckets: [1] },
      second: { min: 1, max: 4, factor: 2 },
      says: 'buckets [1] ; [1,2,4]',
    },
    'other attributes': {
      first: { attributes: ['b', 'a'] },
      second: { attributes: ['a', 'c'] },
      says: 'attributes ["a","b"] ; ["a","c"]',
    },
    'attributes after any': { first: {}, second: { attributes: ['a'] }, says: 'attributes any ; ["a"]' },
    'none after attributes, when that is said': {
      first: { attributes: ['a'] },
      second: { attributes: [] },
      says: 'attributes ["a"] ; []',
    },
    'another limit of series': {
      first: { cardinalityLimit: 5 },
      second: { cardinalityLimit: 6 },
      says: 'cardinalityLimit 5 ; 6',
    },
    'an expiry after none': { first: {}, second: { expireAfterMs: 1 }, says: 'expireAfterMs none ; 1' },
  };
  for (const [what, { first, second, says }] of Object.entries(other)) {
    it(`as ${what} is an error that names what differs and both places`, () => {
      const custom = create();
      const registered = custom.register('m', first);
      const [before, after] = says.split(' ; ');
      const fault = errorOf(() => custom.register('m', second));
      const places = placesIn(fault, { origin: 'registered at', says: [before, after] });
      assert.match(places.before, /^register\('m', first\);/);
      assert.match(places.after, /^register\('m', second\)\);/);
      assert.equal(custom.register('m', first), registered);
    });
  }

  it('as something else than it was logged as is an error that names the place of the log', () => {
    const custom = create();
    custom.log({ beside: 1, m: 1 });
    const fault = errorOf(() => custom.register('m', { kind: 'counter' }));
    const places = placesIn(fault, { origin: 'logged first at', says: ['kind "histogram"', '"counter"'] });
    assert.match(places.before, /^log\(\{ beside: 1, m: 1 \}\);/);
    assert.match(places.after, /^register\('m', \{ kind: 'counter' \}\)\);/);
  });

  const traceless: Record<string, Partial<ErrorConstructor>> = {
    'stack traces are switched off': { stackTraceLimit: 0 },
    'a program makes something else of stack traces': { prepareStackTrace: (_, callSites) => callSites },
  };
  for (const [what, changes] of Object.entries(traceless)) {
    it(`is an error also where ${what}, of unknown places`, () => {
      const custom = create();
      const before = ['stackTraceLimit', 'prepareStackTrace'].map((key) => [key, Reflect.get(Error, key) as unknown]);
      let message = '';
      try {
        Object.assign(Error, changes);
        custom.log({ logged: 1 });
        custom.register('m', { kind: 'counter' });
        custom.register('m', { kind: 'gauge' });
      } catch (error) {
        message = String(error);
      } finally {
        Object.assign(Error, Object.fromEntries(before));
      }
      assert.equal(
        message,
        'TypeError: the custom metric m has kind "counter" (registered at an unknown place), so it cannot have "gauge" (at an unknown place)',
      );
    });
  }
});

describe('options of a custom metric', () => {
  const wrong: Record<string, { options: CustomMetricOptions; error: Error }> = {
    'an unknown kind': {
      options: untyped({ kind: 'timer' }),
      error: new TypeError('m.kind must be one of counter, gauge, histogram, summary (got "timer")'),
    },
    'a kind that only an object has': {
      options: untyped({ kind: 'constructor' }),
      error: new TypeError('m.kind must be one of counter, gauge, histogram, summary (got "constructor")'),
    },
    "the labels of Prometheus' clients": {
      options: untyped({ labelnames: ['a'] }),
      error: new TypeError(
        'm.labelnames is no option of a custom metric (known are kind, description, unit, attributes, cardinalityLimit, expireAfterMs, buckets, min, max, factor)',
      ),
    },
    'one that only an object has': {
      options: untyped({ kind: 'counter', toString: () => 'x' }),
      error: new TypeError(
        'm.toString is no option of a custom metric (known are kind, description, unit, attributes, cardinalityLimit, expireAfterMs, buckets, min, max, factor)',
      ),
    },
    'a description that is no string': {
      options: untyped({ description: ['a'] }),
      error: new TypeError('m.description must be a string (got a list)'),
    },
    'a unit that is no string': {
      options: untyped({ unit: 5 }),
      error: new TypeError('m.unit must be a string (got 5)'),
    },
    'a unit that is null': {
      options: untyped({ unit: null }),
      error: new TypeError('m.unit must be a string (got null)'),
    },
    'attributes that are no list': {
      options: untyped({ attributes: 'country' }),
      error: new TypeError('m.attributes must be a list of strings (got "country")'),
    },
    'attributes that are not all strings': {
      options: untyped({ attributes: ['a', 1] }),
      error: new TypeError('m.attributes must be a list of strings (got a list)'),
    },
    'attributes with a hole': {
      options: untyped({ attributes: new Array(1) }),
      error: new TypeError('m.attributes must be a list of strings (got a list)'),
    },
    'a kind that cannot be written as JSON': {
      options: untyped({ kind: 5n }),
      error: new TypeError('m.kind must be one of counter, gauge, histogram, summary (got 5)'),
    },
    'a limit of no series': {
      options: { cardinalityLimit: 0 },
      error: new TypeError('m.cardinalityLimit must be a whole number from 1 (got 0)'),
    },
    'a limit of half a series': {
      options: { cardinalityLimit: 1.5 },
      error: new TypeError('m.cardinalityLimit must be a whole number from 1 (got 1.5)'),
    },
    'a limit in words': {
      options: untyped({ cardinalityLimit: '7' }),
      error: new TypeError('m.cardinalityLimit must be a whole number from 1 (got "7")'),
    },
    'an expiry at once': {
      options: { expireAfterMs: 0 },
      error: new TypeError('m.expireAfterMs must be a whole number from 1 (got 0)'),
    },
    'an expiry that never comes': {
      options: { expireAfterMs: Infinity },
      error: new TypeError('m.expireAfterMs must be a whole number from 1 (got Infinity)'),
    },
    'an expiry of an object': {
      options: untyped({ expireAfterMs: { seconds: 1 } }),
      error: new TypeError('m.expireAfterMs must be a whole number from 1 (got an object)'),
    },
    'null in place of them': {
      options: untyped(null as unknown as object),
      error: new TypeError('m: the options must be an object, or a description alone (got null)'),
    },
    'a list in place of them': {
      options: untyped(['country']),
      error: new TypeError('m: the options must be an object, or a description alone (got a list)'),
    },
    'a number in place of them': {
      options: untyped(5 as unknown as object),
      error: new TypeError('m: the options must be an object, or a description alone (got 5)'),
    },
    'buckets of a counter': {
      options: { kind: 'counter', buckets: [1] },
      error: new RangeError('m is a counter: buckets are for histograms only'),
    },
    'a factor of a gauge': {
      options: { kind: 'gauge', factor: 2 },
      error: new RangeError('m is a gauge: buckets are for histograms only'),
    },
    'buckets of a summary': {
      options: { kind: 'summary', min: 1, max: 2, factor: 2 },
      error: new RangeError('m is a summary: buckets are for histograms only'),
    },
    'buckets in both ways': {
      options: { buckets: [1], min: 1, max: 2, factor: 2 },
      error: new RangeError('m.buckets must not be given beside min and max and factor (got a list of 1)'),
    },
    'half of a way': {
      options: { min: 1, max: 2 },
      error: new RangeError('m.factor must be given, since min, max and factor go together (got undefined)'),
    },
    'a factor of 1': {
      options: { min: 1, max: 2, factor: 1 },
      error: new RangeError('m.factor must be greater than 1 (got 1)'),
    },
    'a minimum that is the maximum': {
      options: { min: 2, max: 2, factor: 2 },
      error: new RangeError('m.max must be greater than min, 2 (got 2)'),
    },
    'a minimum of 0': {
      options: { min: 0, max: 2, factor: 2 },
      error: new RangeError('m.min must be greater than 0 (got 0)'),
    },
    'all that is wrong at once': {
      options: { min: -1, max: Infinity, factor: 0.5 },
      error: new RangeError(
        'm.max must be a finite number (got Infinity); m.min must be greater than 0 (got -1); m.factor must be greater than 1 (got 0.5)',
      ),
    },
    'bounds that do not ascend': {
      options: { buckets: [1, 3, 2] },
      error: new RangeError('m.buckets[2] must be greater than the one before it, 3 (got 2)'),
    },
    'a bound that is infinite, but not the last': {
      options: { buckets: [1, Infinity, 3] },
      error: new RangeError('m.buckets[1] must be a finite number, only the last may be Infinity (got Infinity)'),
    },
    'a bound that is no number': {
      options: { buckets: [NaN] },
      error: new RangeError('m.buckets[0] must be a finite number, only the last may be Infinity (got NaN)'),
    },
    'no finite bound': {
      options: { buckets: [Infinity] },
      error: new RangeError('m.buckets must have a finite bound (got a list of 1)'),
    },
  };
  for (const [what, { options, error }] of Object.entries(wrong)) {
    it(`with ${what} are an error that says so, and leave no metric behind`, () => {
      const custom = create();
      assert.throws(() => custom.register('m', options), error);
      custom.register('m', { kind: 'counter' }).inc();
    });
  }

  const right: Record<string, { options: CustomMetricOptions; bounds: number[] }> = {
    'a list': { options: { buckets: [1, 2.5] }, bounds: [1, 2.5] },
    'a list that ends with infinity': { options: { buckets: [-1, 0, 1, Infinity] }, bounds: [-1, 0, 1] },
    'minimum, maximum and factor': { options: { min: 1, max: 100, factor: 2 }, bounds: [1, 2, 4, 8, 16, 32, 64, 100] },
    'a factor that leads beyond the maximum at once': { options: { min: 1, max: 2, factor: 9 }, bounds: [1, 2] },
  };
  for (const engine of engineNames) {
    for (const [what, { options, bounds }] of Object.entries(right)) {
      it(`with buckets given as ${what} are recorded on them, with the engine ${engine}`, async () => {
        const telemetry = telemetryOn(engine);
        telemetry.custom.register('m', { ...options, kind: 'histogram' }).observe(1.5);
        const metric = await metricOf(telemetry.pull, 'm');
        assert.ok(metric?.kind === 'histogram');
        assert.deepEqual(metric.points[0]?.bounds, bounds);
        assert.deepEqual(
          [...metric.points[0].bucketCounts],
          [...bounds, Infinity].map((bound, i) => Number(bound >= 1.5 && !((bounds[i - 1] ?? -Infinity) >= 1.5))),
        );
      });
    }
  }

  it('are read once: what becomes of the object later is of no matter', () => {
    const custom = create();
    const options = { kind: 'histogram' as const, buckets: [1, 2], attributes: ['a'] };
    const metric = custom.register('m', options);
    options.buckets.push(3);
    options.attributes.push('b');
    metric.observe(1, { a: 1 });
    assert.throws(() => custom.register('m', options), TypeError);
  });

  it('tell which recordings there are, also to the compiler', () => {
    const custom = create();
    const counter: CustomCounter = custom.register('a', { kind: 'counter' });
    const gauge: CustomGauge = custom.register('b', { kind: 'gauge' });
    const histogram: CustomDistribution = custom.register('c', 'A description');
    const summary: CustomDistribution = custom.register('d', { kind: 'summary' });
    assert.deepEqual(
      [counter, gauge, histogram, summary].map((metric) => Object.keys(metric)),
      [
        ['inc', 'remove'],
        ['set', 'inc', 'dec', 'remove'],
        ['observe', 'remove'],
        ['observe', 'remove'],
      ],
    );
    // @ts-expect-error Without a kind it is a histogram.
    const wrong: CustomGauge = custom.register('e');
    assert.ok(!('set' in wrong));
  });
});

function errorOf(run: () => void): Error {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return error;
  }
  return assert.fail('it did not throw');
}

const SOURCE = readFileSync(import.meta.filename, 'utf8').split('\n');

/** Holds that a message is about two places in this file. @returns the text that begins at each. */
function placesIn({ message }: Error, { origin, says }: { origin: string; says: (string | undefined)[] }) {
  const url = import.meta.url.replace(/[.?]/g, '\\$&');
  const escaped = says.map((text = '') => text.replace(/[[\]]/g, '\\$&'));
  const expected = new RegExp(
    `^the custom metric m has ${escaped[0]} \\(${origin} ${url}:(\\d+):(\\d+)\\), ` +
      `so it cannot have ${escaped[1]} \\(at ${url}:(\\d+):(\\d+)\\)$`,
  );
  assert.match(message, expected);
  const [, ...numbers] = expected.exec(message)?.map(Number) ?? [];
  const textAt = (line = 0, column = 0): string => SOURCE[line - 1]?.slice(column - 1) ?? '';
  return { before: textAt(numbers[0], numbers[1]), after: textAt(numbers[2], numbers[3]) };
}
