// Histograms are recorded on the bounds that any of their series is shown on, and each series is shown on its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import type { Attributes } from '../../src/metric/model.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import type { HistogramName } from '../../src/telemetry/instruments.ts';
import { createShownBounds, type BoundsOverride, type ShownBoundsOptions } from '../../src/telemetry/shown-bounds.ts';
import { createTestEngine } from './engines.ts';
import { destination, engineNames, telemetryOn } from './telemetry-on.ts';

const DURATION = 'inference.request.duration';
const CATALOGUE = catalogue[DURATION].bounds;

const up = (name: string): Attributes => ({ 'inference.upstream.name': name });
const model = (name: string, version?: string): Attributes => ({
  ...up('up'),
  'inference.model.name': name,
  ...(version === undefined ? {} : { 'inference.model.version': version }),
});

/** As `telemetryOptions` orders them: what says most comes first. */
const overrides: BoundsOverride[] = [
  { where: model('iris', '1'), bounds: { [DURATION]: [1, 2] } },
  { where: model('iris'), bounds: { [DURATION]: [1, 3, 7] } },
  { where: up('up'), bounds: { [DURATION]: [0.1, 5], 'http.server.request.duration': [9] } },
];

/** The series of a histogram: `attributes` as JSON -> bounds and counts. */
type Shown = Readonly<Record<string, { bounds: readonly number[]; counts: readonly number[] }>>;

async function shownIn(reader: Reader, name: HistogramName = DURATION): Promise<{ snapshot: Shown; pushed: Shown }> {
  const { snapshot, resourceMetrics, errors } = await reader.collect(1_000);
  assert.deepEqual(errors, []);
  const metric = snapshot.scopes.flatMap(({ metrics }) => metrics).find((each) => each.name === name);
  assert.ok(metric?.kind === 'histogram');
  const data = resourceMetrics().scopeMetrics.flatMap(({ metrics }) => metrics);
  const points = data.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return {
    snapshot: Object.fromEntries(
      metric.points.flatMap(({ attributes, bounds, bucketCounts }) =>
        attributes.map((set, row) => {
          const width = bounds.length + 1;
          return [JSON.stringify(set), { bounds, counts: [...bucketCounts.slice(row * width, (row + 1) * width)] }];
        }),
      ),
    ),
    pushed: Object.fromEntries(
      points.map(({ attributes, value }) => {
        const { boundaries, counts } = (value as Histogram).buckets;
        return [JSON.stringify(attributes), { bounds: boundaries, counts }];
      }),
    ),
  };
}

/** Counted anew, without any union: how many values are in each bucket. */
function countOn(bounds: readonly number[], values: readonly number[]): number[] {
  const edges = [-Infinity, ...bounds, Infinity];
  return edges.slice(1).map((edge, i) => values.filter((value) => value > (edges[i] ?? NaN) && value <= edge).length);
}

describe('the bounds that a histogram is recorded on', () => {
  const cases: Record<string, { options: ShownBoundsOptions; recorded: readonly number[] }> = {
    "are the catalogue's if nothing is said": { options: {}, recorded: CATALOGUE },
    'are those of the instrument in place of them': { options: { bounds: { [DURATION]: [7, 8] } }, recorded: [7, 8] },
    'have those of every override as well, each once and ascending': {
      options: { bounds: { [DURATION]: [2, 20] }, overrides },
      recorded: [0.1, 1, 2, 3, 5, 7, 20],
    },
    "have the catalogue's beside those of overrides, for what no override names": {
      options: { overrides: [{ where: {}, bounds: { [DURATION]: [0.3, 0.25] } }] },
      recorded: [...CATALOGUE.slice(0, 8), 0.3, ...CATALOGUE.slice(8)],
    },
    'are no others for what another histogram has': {
      options: {
        bounds: { 'http.server.request.duration': [1] },
        overrides: [{ where: {}, bounds: { 'http.server.request.body.size': [9] } }],
      },
      recorded: CATALOGUE,
    },
  };
  for (const [what, { options, recorded }] of Object.entries(cases)) {
    it(what, () => assert.deepEqual(createShownBounds(options).recorded(DURATION), recorded));
  }
});

describe('a snapshot', () => {
  it('is itself where nothing is overridden', async () => {
    const engine = createTestEngine('native');
    engine.meter.createHistogram(DURATION, { advice: { explicitBucketBoundaries: [1] } }).record(1);
    const { snapshot } = await engine.pull.collect(1_000);
    for (const options of [{}, { bounds: { [DURATION]: [1] } }, { overrides: [{ where: {}, bounds: {} }] }]) {
      assert.equal(createShownBounds(options).apply(snapshot), snapshot);
    }
  });

  it('keeps every metric that no override names as it is, the object itself', async () => {
    const telemetry = telemetryOn('native');
    telemetry.instruments.histogram(DURATION).record(1);
    telemetry.instruments.histogram('http.server.request.duration').record(1);
    const { snapshot } = await telemetry.pull.collect(1_000);
    const shown = createShownBounds({ overrides: [{ where: {}, bounds: { [DURATION]: [1] } }] }).apply(snapshot);
    const [before, after] = [snapshot, shown].map(({ scopes }) => scopes.flatMap(({ metrics }) => metrics));
    assert.equal(after?.length, before?.length);
    for (const [i, metric] of (before ?? []).entries()) {
      if (metric.name === DURATION) assert.notEqual(after?.[i], metric);
      else assert.equal(after?.[i], metric);
    }
  });

  it('has every other column as it was recorded', async () => {
    const telemetry = telemetryOn('native', { overrides });
    const duration = telemetry.instruments.histogram(DURATION);
    for (const value of [4, 0.5, 9]) duration.record(value, model('iris', '1'));
    for (const value of [2, 3]) duration.record(value, model('wine'));
    const { snapshot } = await telemetry.pull.collect(1_000);
    const metric = snapshot.scopes.flatMap(({ metrics }) => metrics).find(({ name }) => name === DURATION);
    assert.ok(metric?.kind === 'histogram');
    const columns = metric.points.map(({ counts, sums, mins = [], maxs = [], lasts = [] }) => [
      [...counts],
      [...sums],
      [...mins],
      [...maxs],
      [...lasts],
    ]);
    assert.deepEqual(columns, [
      [[3], [13.5], [0.5], [9], [9]],
      [[2], [5], [2], [3], [3]],
    ]);
  });
});

for (const engine of engineNames) {
  describe(`the bounds that a series is shown on, with the engine ${engine}`, () => {
    const values = [0.05, 0.1, 0.7, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 200];
    const series: Record<string, { attributes: Attributes; bounds: readonly number[] }> = {
      'are those of the version of its model': { attributes: model('iris', '1'), bounds: [1, 2] },
      'are those of its model for another version': { attributes: model('iris', '2'), bounds: [1, 3, 7] },
      'are those of its model for no version': { attributes: model('iris'), bounds: [1, 3, 7] },
      'are those of its upstream for another model': { attributes: model('wine', '1'), bounds: [0.1, 5] },
      'are those of its upstream for no model': { attributes: up('up'), bounds: [0.1, 5] },
      'are those of the instrument for another upstream': {
        attributes: { ...model('iris', '1'), ...up('other') },
        bounds: [2, 20],
      },
      'are those of the instrument for none': { attributes: {}, bounds: [2, 20] },
      'are the same whatever else the series carries': {
        attributes: { ...model('iris', '1'), 'inference.outcome': 'failure' },
        bounds: [1, 2],
      },
      'are those of the instrument where a value only looks alike': {
        attributes: { ...up('up '), 'inference.model.name': 'iris' },
        bounds: [2, 20],
      },
    };
    for (const [what, { attributes, bounds }] of Object.entries(series)) {
      it(what, async () => {
        const telemetry = telemetryOn(engine, { bounds: { [DURATION]: [2, 20] }, overrides });
        const duration = telemetry.instruments.histogram(DURATION);
        for (const value of values) duration.record(value, attributes);
        duration.record(1, { 'inference.model.name': 'beside' });
        for (const reader of [telemetry.pull, telemetry.pushed]) {
          const { snapshot, pushed } = await shownIn(reader);
          const own = Object.entries(snapshot).find(([key]) => !key.includes('beside'))?.[1];
          assert.deepEqual(own, { bounds, counts: countOn(bounds, values) });
          assert.deepEqual(pushed, snapshot);
        }
      });
    }

    it('are those of the next override that fits where the first says nothing about the histogram', async () => {
      const first = { where: model('iris'), bounds: { 'http.server.request.duration': [1] } };
      const telemetry = telemetryOn(engine, { overrides: [first, ...overrides.slice(2)] });
      telemetry.instruments.histogram(DURATION).record(4, model('iris'));
      const { snapshot } = await shownIn(telemetry.pull);
      assert.deepEqual(Object.values(snapshot), [{ bounds: [0.1, 5], counts: [0, 1, 0] }]);
    });

    it("are the catalogue's where there is only an override of others", async () => {
      const telemetry = telemetryOn(engine, { overrides });
      const duration = telemetry.instruments.histogram(DURATION);
      for (const value of values) duration.record(value);
      const { snapshot, pushed } = await shownIn(telemetry.pull);
      assert.deepEqual(Object.values(snapshot), [{ bounds: CATALOGUE, counts: countOn(CATALOGUE, values) }]);
      assert.deepEqual(pushed, snapshot);
    });

    it('are of each histogram by itself', async () => {
      const telemetry = telemetryOn(engine, { overrides });
      telemetry.instruments.histogram('http.server.request.duration').record(7, up('up'));
      telemetry.instruments.histogram('http.server.request.body.size').record(7, up('up'));
      const { snapshot } = await shownIn(telemetry.pull, 'http.server.request.duration');
      assert.deepEqual(Object.values(snapshot), [{ bounds: [9], counts: [1, 0] }]);
      const { bounds } = catalogue['http.server.request.body.size'];
      const { snapshot: sizes } = await shownIn(telemetry.pull, 'http.server.request.body.size');
      assert.deepEqual(Object.values(sizes), [{ bounds, counts: countOn(bounds, [7]) }]);
    });

    it('hold for increments too', async () => {
      const telemetry = telemetryOn(engine, { overrides, destinations: [{ name: 'growth', temporality: 'delta' }] });
      const duration = telemetry.instruments.histogram(DURATION).bind(model('iris'));
      for (const value of [[1, 8], [2], [4, 4, 4]]) {
        for (const each of value) duration.record(each);
        const { snapshot, pushed } = await shownIn(destination(telemetry, 'growth'));
        assert.deepEqual(Object.values(snapshot), [{ bounds: [1, 3, 7], counts: countOn([1, 3, 7], value) }]);
        assert.deepEqual(pushed, snapshot);
      }
    });

    it('make no difference to what is counted, whatever is recorded on whichever bounds', async () => {
      const bounds = fc
        .uniqueArray(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ min: -20, max: 20, noNaN: true })), {
          minLength: 1,
          maxLength: 8,
          selector: (bound) => bound + 0, // -0 is 0.
        })
        .map((list) => list.sort((a, b) => a - b));
      const where = fc.constantFrom<Attributes>({}, up('up'), model('iris'), model('iris', '1'));
      const given = fc.record({
        own: fc.option(bounds),
        overrides: fc.array(fc.record({ where, bounds }), { maxLength: 3 }),
        // Measurements of less than 0 the SDK leaves out.
        recorded: fc.array(fc.record({ where, value: fc.double({ min: 0, max: 25, noNaN: true }) }), { minLength: 1 }),
      });
      await fc.assert(
        fc.asyncProperty(given, async ({ own, overrides, recorded }) => {
          const telemetry = telemetryOn(engine, {
            ...(own === null ? {} : { bounds: { [DURATION]: own } }),
            overrides: overrides.map(({ where, bounds }) => ({ where, bounds: { [DURATION]: bounds } })),
          });
          const duration = telemetry.instruments.histogram(DURATION);
          // A value on a bound is where mistakes are made.
          const onBounds = overrides.flatMap(({ where, bounds }) => bounds.map((value) => ({ where, value })));
          const all = [...recorded, ...onBounds.filter(({ value }) => value >= 0)];
          for (const { where, value } of all) duration.record(value, where);

          const expected: Record<string, { bounds: readonly number[]; counts: number[] }> = {};
          for (const [key, group] of Map.groupBy(all, ({ where }) => JSON.stringify(where))) {
            const set = JSON.parse(key) as Attributes;
            const first = overrides.find(({ where }) =>
              Object.entries(where).every(([name, value]) => set[name] === value),
            );
            const bounds = first?.bounds ?? own ?? CATALOGUE;
            expected[key] = { bounds, counts: countOn(bounds, group.map(({ value }) => value)) }; // prettier-ignore
          }
          const { snapshot, pushed } = await shownIn(telemetry.pull);
          assert.deepEqual(sorted(snapshot), sorted(expected));
          assert.deepEqual(pushed, snapshot);
        }),
        { numRuns: 100 },
      );
    });
  });
}

/** Attributes in the order of their names, and 0 for -0. */
function sorted(shown: Shown): Shown {
  return Object.fromEntries(
    Object.entries(shown).map(([key, { bounds, counts }]) => {
      const entries = Object.entries(JSON.parse(key) as Attributes).sort(([a], [b]) => (a < b ? -1 : 1));
      return [JSON.stringify(Object.fromEntries(entries)), { bounds: bounds.map((bound) => bound + 0), counts }];
    }),
  );
}
