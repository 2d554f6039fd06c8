// From the YAML that a user writes to what the telemetry is made with, and to what it then does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig, telemetryOptions } from '../../src/config/index.ts';
import { openInference } from '../../src/serving/protocols/open-inference.ts';
import { NO_VALUES } from '../../src/serving/proxy/header-attributes.ts';
import { createKnownModels } from '../../src/serving/proxy/known-models.ts';
import type { UpstreamOptions } from '../../src/serving/proxy/upstreams.ts';
import { catalogue, type InstrumentName } from '../../src/telemetry/catalogue.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import { pointsOf } from '../telemetry/engines.ts';
import { metricOf } from '../telemetry/telemetry-on.ts';
import { outside } from './outside.ts';

const UPSTREAM = 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]';

function configOf(text: string) {
  const result = parseConfig({ text, source: 'test.yaml', ...outside() });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

/** @param text without `upstreams`: one is added. */
function optionsOf(text = '') {
  return telemetryOptions(configOf(text.includes('upstreams:') ? text : `${UPSTREAM}\n${text}`));
}

it('what the file does not say is as the defaults are', () => {
  const { limits, ...options } = optionsOf();
  assert.deepEqual(options, {
    engine: 'native',
    exemplarFilter: 'trace_based',
    cardinalityLimit: 2_000,
    bounds: {},
    overrides: [],
  });
  assert.deepEqual(limits('http.server.request.duration'), { cardinalityLimit: 2_000 });
});

it('the filter of exemplars is that of the file', () => {
  const { exemplarFilter } = optionsOf('telemetry: { exemplar_filter: always_off }');
  assert.equal(exemplarFilter, 'always_off');
});

describe('the limit of an instrument', () => {
  const cases: Record<string, { yaml: string; limits: Partial<Record<InstrumentName, number>> }> = {
    'leaves room for all models that may become known': {
      yaml: '',
      limits: {
        'inference.requests': 8_000,
        'inference.active_requests': 8_000,
        'http.server.request.duration': 2_000,
      },
    },
    'leaves room for as many models as the file says': {
      yaml: 'limits: { known_models: 500 }',
      limits: { 'inference.request.duration': 4_000, 'metergate.push.points.sent': 2_000 },
    },
    'is no less than that of all for few models': {
      yaml: 'limits: { known_models: 3 }',
      limits: { 'inference.requests': 2_000 },
    },
    'is that of all where it leaves room for the models': {
      yaml: 'telemetry: { cardinality_limit: 50000 }',
      limits: { 'inference.requests': 50_000, 'http.server.request.duration': 50_000, 'system.cpu.time': 50_000 },
    },
    'is that of all, but for the models, where it is small': {
      yaml: 'telemetry: { cardinality_limit: 5 }\nlimits: { known_models: 2 }',
      limits: { 'inference.requests': 16, 'http.server.request.duration': 5 },
    },
    'is its own where it has one, for the models too': {
      yaml: `
telemetry:
  cardinality_limit: 100
  instruments:
    inference.requests: { cardinality_limit: 7 }
    http.server.request.duration: { cardinality_limit: 9000 }`,
      limits: {
        'inference.requests': 7,
        'inference.request.duration': 8_000,
        'http.server.request.duration': 9_000,
        'http.server.active_requests': 100,
      },
    },
  };
  for (const [what, { yaml, limits }] of Object.entries(cases)) {
    it(what, () => {
      const { limits: limitsOf } = optionsOf(yaml);
      for (const [name, limit] of Object.entries(limits)) {
        assert.deepEqual(limitsOf(name as InstrumentName), { cardinalityLimit: limit }, name);
      }
    });
  }

  for (const engine of ['native', 'sdk'] as const) {
    it(`has room for every known model at its start, beside the others, with the engine ${engine}`, async () => {
      const config = configOf(`${UPSTREAM}\nlimits: { known_models: 600 }\ntelemetry: { engine: ${engine} }`);
      const telemetry = createTelemetry(telemetryOptions(config));
      const upstreams: UpstreamOptions[] = config.upstreams.map((upstream) => ({
        ...upstream,
        protocol: openInference,
      }));
      const { knownModelsMax } = config.limits;
      const models = createKnownModels({ instruments: telemetry.instruments, upstreams, knownModelsMax });
      for (let i = 0; i < 600; i++) {
        assert.ok(models.admit('iris', `m${i}`, undefined));
        const series = models.find('iris', `m${i}`, undefined);
        series.active.add(1);
        const ended = series.ended(NO_VALUES);
        ended.requests.success.add(1);
        for (const error of [undefined, '400', '404', '500']) ended.duration('failure', error).record(1);
      }
      const points = await pointsOf(telemetry.pull);
      // 600 models with 4 outcomes each, and 4 outcomes of each of the two that all others share.
      assert.equal(Object.keys(points['inference.requests'] ?? {}).length, 600 * 4 + 8);
      assert.equal(Object.keys(points['inference.request.duration'] ?? {}).length, 600 * 4);
      assert.equal(Object.keys(points['inference.active_requests'] ?? {}).length, 601);
      assert.equal(points['metergate.cardinality.overflow'], undefined);
      assert.ok(!JSON.stringify(points).includes('otel.metric.overflow'));
    });
  }

  it('holds for all that is recorded', async () => {
    const { instruments, pull } = createTelemetry(
      optionsOf('telemetry: { cardinality_limit: 5, instruments: { inference.requests: { cardinality_limit: 2 } } }'),
    );
    for (let i = 0; i < 9; i++) {
      instruments.counter('inference.requests').add(1, { i });
      instruments.counter('http.server.active_requests').add(1, { i });
    }
    const points = await pointsOf(pull);
    const overflow = ['inference.requests', 'http.server.active_requests'].map((name) => [
      Object.keys(points[name] ?? {}).length,
      points[name]?.['otel.metric.overflow=true'],
    ]);
    assert.deepEqual(overflow, [
      [3, 7],
      [6, 4],
    ]);
  });
});

describe('expiry', () => {
  it('is there for the instruments that ask for it', () => {
    const { limits } = optionsOf('telemetry: { instruments: { inference.requests: { expire_after: 90m } } }');
    assert.deepEqual(limits('inference.requests'), { cardinalityLimit: 8_000, expireAfterMs: 5_400_000 });
    assert.deepEqual(limits('inference.request.duration'), { cardinalityLimit: 8_000 });
  });

  it('ends a series that nothing is recorded on, and begins it anew', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
    const { instruments, pull } = createTelemetry(
      optionsOf('telemetry: { instruments: { inference.requests: { expire_after: 10s } } }'),
    );
    const requests = instruments.counter('inference.requests');
    const [busy, idle] = [requests.bind({ is: 'busy' }), requests.bind({ is: 'idle' })];
    const seen = [];
    busy.add(1);
    idle.add(5);
    for (let round = 0; round < 4; round++) {
      seen.push((await pointsOf(pull))['inference.requests']);
      t.mock.timers.tick(6_000);
      busy.add(1);
      if (round === 2) idle.add(2);
    }
    assert.deepEqual(seen, [
      { 'is=busy': 1, 'is=idle': 5 },
      { 'is=busy': 2, 'is=idle': 5 },
      { 'is=busy': 3 },
      { 'is=busy': 4, 'is=idle': 2 },
    ]);
    const metric = await metricOf(pull, 'inference.requests');
    assert.ok(metric?.kind === 'sum');
    const starts = metric.points.attributes.map(({ is }, row) => [is, metric.points.startTimesMs[row]]);
    assert.deepEqual(Object.fromEntries(starts), { busy: 1_700_000_000_000, idle: 1_700_000_018_000 });
  });
});

describe('bounds', () => {
  it('are those of the file, in either way to say them, and no others', () => {
    const { bounds } = optionsOf(`
telemetry:
  instruments:
    inference.request.duration: { buckets: [0.01, 0.1, .inf] }
    http.server.request.duration: { min: 1, max: 100, factor: 2 }
    inference.active_requests: { cardinality_limit: 10 }
    http.server.request.body.size: { cardinality_limit: 10 }`);
    assert.deepEqual(bounds, {
      'inference.request.duration': [0.01, 0.1],
      'http.server.request.duration': [1, 2, 4, 8, 16, 32, 64, 100],
    });
  });

  const ORDERED = `
upstreams:
  - name: a
    url: http://127.0.0.1:8080
    instruments:
      inference.request.duration: { buckets: [1] }
      http.server.request.duration: { buckets: [2] }
    models:
      - { name: any, instruments: { inference.request.duration: { buckets: [3] } } }
      - { name: plain }
      - { name: any, version: "1", instruments: { inference.request.duration: { min: 1, max: 4, factor: 2 } } }
  - name: b
    url: http://127.0.0.1:8081
    path_prefix: /b
    models: [{ name: any, version: "1" }]
  - { name: c, url: "http://127.0.0.1:8082", path_prefix: /c, instruments: { inference.request.duration: { buckets: [5] } } }`;

  it('of single series are in the order in which they count, each for its upstream only', () => {
    const duration = 'inference.request.duration';
    const any = { 'inference.upstream.name': 'a', 'inference.model.name': 'any' };
    assert.deepEqual(optionsOf(ORDERED).overrides, [
      { where: { ...any, 'inference.model.version': '1' }, bounds: { [duration]: [1, 2, 4] } },
      { where: any, bounds: { [duration]: [3] } },
      { where: { 'inference.upstream.name': 'a' }, bounds: { [duration]: [1], 'http.server.request.duration': [2] } },
      { where: { 'inference.upstream.name': 'c' }, bounds: { [duration]: [5] } },
    ]);
  });

  it('of single series are what the series of the proxy are shown on', async () => {
    const config = configOf(ORDERED);
    const telemetry = createTelemetry(telemetryOptions(config));
    const upstreams: UpstreamOptions[] = config.upstreams.map((upstream) => ({ ...upstream, protocol: openInference }));
    const models = createKnownModels({ instruments: telemetry.instruments, upstreams, knownModelsMax: 10 });
    const asked: [upstream: string, model: string, version?: string][] = [
      ['a', 'any', '1'],
      ['a', 'any'],
      ['a', 'plain'],
      ['a', 'stranger'],
      ['b', 'any', '1'],
      ['c', 'stranger'],
    ];
    for (const each of asked)
      models
        .find(...(each as [string, string, string]))
        .ended(NO_VALUES)
        .duration('success', undefined)
        .record(1.5);
    const metric = await metricOf(telemetry.pull, 'inference.request.duration');
    assert.ok(metric?.kind === 'histogram');
    const shown = metric.points.flatMap(({ attributes, bounds }) =>
      attributes.map((set) => {
        const key = ['upstream.name', 'model.name', 'model.version'].map((name) => set[`inference.${name}`]);
        return [key.filter((value) => value !== undefined).join(' '), bounds];
      }),
    );
    assert.deepEqual(Object.fromEntries(shown), {
      'a any 1': [1, 2, 4],
      'a any': [3],
      'a plain': [1],
      'a _other': [1],
      'b any 1': catalogue['inference.request.duration'].bounds,
      'c _other': [5],
    });
  });
});

describe('the engine sdk', () => {
  it('has one limit for all, with room for all models', () => {
    assert.partialDeepStrictEqual(optionsOf('telemetry: { engine: sdk }'), { engine: 'sdk', cardinalityLimit: 8_000 });
    const few = optionsOf('telemetry: { engine: sdk, cardinality_limit: 100 }\nlimits: { known_models: 4 }');
    assert.equal(few.cardinalityLimit, 100);
  });

  it('has bounds of instruments and of upstreams', async () => {
    const telemetry = createTelemetry(
      optionsOf(`
telemetry: { engine: sdk, instruments: { inference.request.duration: { buckets: [1, 2] } } }
upstreams:
  - name: a
    url: http://127.0.0.1:8080
    instruments: { inference.request.duration: { buckets: [1.5] } }`),
    );
    const duration = telemetry.instruments.histogram('inference.request.duration');
    duration.record(1.2, { 'inference.upstream.name': 'a' });
    duration.record(1.2);
    const metric = await metricOf(telemetry.pull, 'inference.request.duration');
    assert.ok(metric?.kind === 'histogram');
    assert.deepEqual(
      metric.points.map(({ bounds, bucketCounts }) => [bounds, [...bucketCounts]]),
      [
        [[1.5], [1, 0]],
        [
          [1, 2],
          [0, 1, 0],
        ],
      ],
    );
  });
});
