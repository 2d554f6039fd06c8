// What is let through must be what every encoder takes: a page, and the SDK's data that is pushed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultOfScopes } from '../../src/metric/fault.ts';
import type { Exemplar, Metric, ScopeMetrics } from '../../src/metric/model.ts';
import { toSdk } from '../../src/metric/to-sdk.ts';
import { pageOf } from '../exposition/page.ts';

const column = (...values: number[]): Float64Array => Float64Array.from(values);
const exemplar: Exemplar = { value: 1, timeMs: 1, traceId: '', spanId: '' };
const columns = { attributes: [{ a: 1 }, {}], startTimesMs: column(0, 0), timesMs: column(1, 1) };
const described = { description: '', unit: '' };
const exponential = {
  ...{ scale: 0, count: 1, sum: 1, min: 1, max: 1, zeroCount: 0, zeroThreshold: 0 },
  positive: { offset: 0, counts: column(1) },
  negative: { offset: 0, counts: column() },
};

/** One metric of each kind, with all that is optional. */
function everyKind(): ScopeMetrics[] {
  const numbers = { ...columns, values: column(1, 2), exemplars: [exemplar, undefined] };
  const counted = { ...columns, counts: column(1, 1), sums: column(1, NaN) };
  const histograms = {
    ...{ ...counted, bounds: [1], bucketCounts: column(1, 0, 1, 0) },
    ...{ mins: column(1, 1), maxs: column(1, 1), lasts: column(1, 1) },
    exemplars: [exemplar, undefined, undefined, undefined],
  };
  const metrics: Metric[] = [
    { ...described, name: 'g', kind: 'gauge', integer: true, points: numbers },
    { ...described, name: 's', kind: 'sum', monotonic: true, temporality: 'cumulative', points: numbers },
    { ...described, name: 'h', kind: 'histogram', temporality: 'cumulative', points: [histograms] },
    {
      ...{ ...described, name: 'e', kind: 'exponential_histogram', temporality: 'cumulative' },
      points: {
        ...columns,
        histograms: [exponential, { ...exponential, positive: exponential.negative }],
        exemplars: [[exemplar], []],
      },
    },
    {
      ...{ ...described, name: 'q', kind: 'summary' },
      points: [{ ...counted, quantiles: [0.5], quantileValues: column(1, 1) }],
    },
  ];
  return structuredClone([{ scope: { name: 'scope', version: '', schemaUrl: '' }, metrics }]);
}

/** All places in it, as keys on the way; those of columns of numbers are taken as they are, so they are no places. */
function placesOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null || value instanceof Float64Array) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...placesOf(inner).map((rest) => [key, ...rest])]);
}

function withJunk(place: readonly string[], junk: unknown): unknown {
  const scopes = everyKind();
  let holder = scopes as unknown as Record<string, unknown>;
  for (const key of place.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  holder[place.at(-1) ?? ''] = junk;
  return scopes;
}

function encode(scopes: unknown): void {
  const snapshot = { resource: {}, scopes: scopes as ScopeMetrics[] };
  pageOf(snapshot);
  for (const format of ['openmetrics', 'protobuf'] as const) pageOf(snapshot, { format, escaping: 'allow-utf-8' });
  toSdk(snapshot);
}

const cases: Record<string, { place: string; junk: unknown; says: string }> = {
  'a scope that is none': { place: '0', junk: null, says: 'scopes[0] must be an object (got null)' },
  'a scope without a name': {
    place: '0.scope',
    junk: {},
    says: 'scopes[0].scope.name must be a string (got undefined)',
  },
  'no list of metrics': { place: '0.metrics', junk: {}, says: 'scopes[0].metrics must be a list (got an object)' },
  'a metric that is none': {
    place: '0.metrics.1',
    junk: 's',
    says: 'scopes[0].metrics[1] must be an object (got "s")',
  },
  'a metric without points': {
    place: '0.metrics.0.points',
    junk: undefined,
    says: 'metric g: points must be an object (got undefined)',
  },
  'a kind that is not known': {
    place: '0.metrics.0.kind',
    junk: 'what',
    says: 'metric g: kind must be sum, gauge, histogram, exponential_histogram or summary (got "what")',
  },
  'a temporality that is not known': {
    place: '0.metrics.1.temporality',
    junk: 1,
    says: 'metric s: temporality must be cumulative or delta (got 1)',
  },
  'columns of unequal length': {
    place: '0.metrics.0.points.values',
    junk: column(1),
    says: 'metric g: points.values must be a Float64Array of 2 (got a Float64Array of 1)',
  },
  'a column that is a list': {
    place: '0.metrics.0.points.timesMs',
    junk: [1, 1],
    says: 'metric g: points.timesMs must be a Float64Array of 2 (got a list of 2)',
  },
  'attributes that are no list': {
    place: '0.metrics.0.points.attributes',
    junk: { a: 1 },
    says: 'metric g: points.attributes must be a list (got an object)',
  },
  'a row without attributes': {
    place: '0.metrics.0.points.attributes.1',
    junk: null,
    says: 'metric g: points.attributes[1] is not valid (got null)',
  },
  'buckets that do not fit their bounds': {
    place: '0.metrics.2.points.0.bounds',
    junk: [1, 2],
    says: 'metric h: points[0].bucketCounts must be a Float64Array of 6 (got a Float64Array of 4)',
  },
  'an exponential histogram without buckets': {
    place: '0.metrics.3.points.histograms.1.positive',
    junk: undefined,
    says: 'metric e: points.histograms[1] is not valid (got an object)',
  },
  'quantiles that are no numbers': {
    place: '0.metrics.4.points.0.quantiles.0',
    junk: '0.5',
    says: 'metric q: points[0].quantiles[0] is not valid (got "0.5")',
  },
};

describe('the fault of metrics', () => {
  it('is none where all is well, with nothing in it too', () => {
    assert.equal(faultOfScopes(everyKind()), undefined);
    encode(everyKind());
    assert.equal(faultOfScopes([]), undefined);
    const none = { attributes: [], startTimesMs: column(), timesMs: column(), values: column() };
    const empty = { ...described, name: 'g', kind: 'gauge', points: none };
    assert.equal(faultOfScopes([{ scope: { name: '', version: '', schemaUrl: '' }, metrics: [empty] }]), undefined);
  });

  it('is that it is no list', () => {
    for (const [value, got] of [
      [undefined, 'undefined'],
      ['s'.repeat(99), `"${'s'.repeat(40)}"`],
      [() => 1, 'a function'],
    ] as const)
      assert.equal(faultOfScopes(value), `scopes must be a list (got ${got})`);
  });

  for (const [what, { place, junk, says }] of Object.entries(cases)) {
    it(`is ${what}, and says of which metric`, () =>
      assert.equal(faultOfScopes(withJunk(place.split('.'), junk)), says));
  }

  const junk = [
    undefined,
    null,
    0,
    NaN,
    '',
    'x',
    true,
    {},
    [],
    [null],
    column(),
    column(1, 2, 3),
    Symbol('x'),
    1n,
    () => 1,
  ];
  it('is found wherever an encoder would stumble, whatever stands in whatever place', () => {
    const places = placesOf(everyKind());
    assert.ok(places.length > 100);
    let faults = 0;
    for (const place of places) {
      for (const each of junk) {
        const scopes = withJunk(place, each);
        if (faultOfScopes(scopes) !== undefined) faults++;
        else assert.doesNotThrow(() => encode(scopes), `${place.join('.')} = ${typeof each}`);
      }
    }
    assert.ok(faults > 1_000);
  });
});
