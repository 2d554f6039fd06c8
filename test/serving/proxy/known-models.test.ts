import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { NO_VALUES } from '../../../src/serving/proxy/header-attributes.ts';
import { createKnownModels, type KnownModels } from '../../../src/serving/proxy/known-models.ts';
import { outcomes } from '../../../src/serving/proxy/outcome.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const model = (name: string, version?: string): Attributes => ({
  'inference.model.name': name,
  ...(version === undefined ? {} : { 'inference.model.version': version }),
});
const infer = (name: string, version?: string): string =>
  `/v2/models/${encodeURIComponent(name)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}/infer`;

async function post({ url }: RunningProxy, path: string): Promise<number> {
  return (await send(url, { method: 'POST', path, body: '{}' })).status;
}

/** Distinct names of models, sorted. */
async function names({ telemetry }: RunningProxy): Promise<string[]> {
  const series = await telemetry.series('inference.requests');
  return [...new Set(series.map(({ attributes }) => String(attributes['inference.model.name'])))].sort();
}

test('configured models are there at 0 with all four outcomes before any request', async (t) => {
  const models = [{ name: 'iris' }, { name: 'wine', version: '2' }];
  const running = await startProxy(t, [upstreamAt('http://127.0.0.1:1', { models })]);
  for (const attributes of [model('iris'), model('wine', '2'), model('_other')]) {
    const series = await running.telemetry.series('inference.requests', {
      ...attributes,
      'inference.upstream.name': 'up',
    });
    assert.deepEqual(
      series.map((each) => each.value),
      [0, 0, 0, 0],
    );
    assert.deepEqual(series.map((each) => each.attributes['inference.outcome']).sort(), [...outcomes].sort());
  }
});

test('an unknown model is _other until a 2xx, then itself with all four outcomes', async (t) => {
  let status = 404;
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(status).end());
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const { value, series } = running.telemetry;
  for (status of [404, 500, 302]) await post(running, infer('wine'));
  await assertCounts(running, { failure: 2, success: 1 });
  assert.deepEqual(await names(running), ['_other', 'iris']);
  assert.equal(await value('inference.requests', model('_other')), 3);

  status = 200;
  for (let n = 0; n < 2; n++) await post(running, infer('wine'));
  await assertCounts(running, { failure: 2, success: 3 });
  assert.equal(await value('inference.requests', { ...model('wine'), 'inference.outcome': 'success' }), 2);
  assert.equal((await series('inference.requests', model('wine'))).length, 4);
  status = 500;
  await post(running, infer('wine'));
  await assertCounts(running, { failure: 3, success: 3 });
  assert.equal(await value('inference.requests', { ...model('wine'), 'inference.outcome': 'failure' }), 1);
  assert.equal(await value('inference.requests', model('_other')), 3);
});

test('a version is known by itself', async (t) => {
  const upstream = await startUpstream(t, (request, response) =>
    response.writeHead(request.url?.includes('/versions/2') ? 404 : 200).end(),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  for (const version of ['1', '2']) await post(running, infer('wine', version));
  await assertCounts(running, { success: 1, failure: 1 });
  assert.equal(await running.telemetry.value('inference.requests', model('wine', '1')), 1);
  assert.deepEqual(await running.telemetry.series('inference.requests', model('wine', '2')), []);
  assert.equal(await running.telemetry.value('inference.requests', model('_other')), 1);
});

const news: Record<string, { method: string; path: string; known: boolean }> = {
  'its metadata': { method: 'GET', path: '/v2/models/wine', known: true },
  'its readiness': { method: 'GET', path: '/v2/models/wine/ready', known: true },
  'its statistics': { method: 'GET', path: '/v2/models/wine/stats', known: true },
  'its loading': { method: 'POST', path: '/v2/repository/models/wine/load', known: false },
  'its page in the documentation': { method: 'GET', path: '/v2/models/wine/docs', known: false },
  'a path that is not recognised': { method: 'POST', path: '/v2/models/wine/other', known: false },
};
for (const [name, { method, path, known }] of Object.entries(news)) {
  test(`a 2xx about ${name} makes a model ${known ? 'known' : 'no more known'}`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end('{}'));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    await send(running.url, { method, path });
    await until('it is measured', async () => (await running.telemetry.value('http.server.request.duration')) === 1);
    assert.deepEqual(await names(running), known ? ['_other', 'iris', 'wine'] : ['_other', 'iris']);
    await assertCounts(running, {});
  });
}

test('a response that is cut off makes no model known', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.write('part', () => response.destroy());
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  await assert.rejects(send(running.url, { method: 'POST', path: infer('wine'), body: '{}' }));
  await assertCounts(running, { failure: 1 });
  assert.deepEqual(await names(running), ['_other', 'iris']);
});

test('a stranger who asks for many models mints no series', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(404).end());
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  await Promise.all(Array.from({ length: 100 }, (_, n) => post(running, infer(`made-up-${n}`))));
  await assertCounts(running, { failure: 100 });
  assert.deepEqual(await names(running), ['_other', 'iris']);
  assert.equal((await running.telemetry.series('http.server.request.duration')).length, 1);
});

test('beyond the limit a model stays _other, which is counted and logged once', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const running = await startProxy(t, [upstreamAt(upstream.url)], { knownModelsMax: 3 });
  for (const name of ['a', 'b', 'c', 'd', 'a', 'c']) await post(running, infer(name));
  await assertCounts(running, { success: 6 });
  assert.deepEqual(await names(running), ['_other', 'a', 'b', 'iris']);
  assert.equal(await running.telemetry.value('inference.requests', model('_other')), 3);
  const overflow = { 'inference.upstream.name': 'up' };
  assert.equal(await running.telemetry.value('metergate.serving.models.overflow', overflow), 3);
  const lines = running.telemetry.lines.filter(({ message }) => message === 'model not admitted');
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [overflow],
  );
});

test('a name that is too long is no label', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const longest = 'm'.repeat(256);
  for (const path of [infer(longest), infer(`${longest}m`), infer('m', longest)]) await post(running, path);
  await assertCounts(running, { success: 3 });
  assert.deepEqual(await names(running), ['_other', 'iris', longest]);
  assert.equal(await running.telemetry.value('metergate.serving.models.overflow'), 2);
});

test('one name at two upstreams is two models', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const running = await startProxy(t, [
    upstreamAt(upstream.url, { models: [] }),
    upstreamAt(upstream.url, { name: 'other-up', pathPrefix: '/b', models: [] }),
  ]);
  await post(running, infer('wine'));
  await assertCounts(running, { success: 1 });
  const series = await running.telemetry.series('inference.requests', model('wine'));
  assert.deepEqual([...new Set(series.map(({ attributes }) => attributes['inference.upstream.name']))], ['up']);
});

test('a request in flight while its model becomes known leaves where it came', async (t) => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    waiting.push(() => response.end());
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const requests = [post(running, infer('wine')), post(running, infer('wine'))];
  await until('both are in flight', () => waiting.length === 2);
  assert.equal(await running.telemetry.value('inference.active_requests', model('_other')), 2);
  for (const answer of waiting) answer();
  await Promise.all(requests);
  await assertCounts(running, { success: 2 });
});

test('each outcome and each type of error has a duration of its own, also where their texts are the same', async () => {
  const { instruments, series } = createTestTelemetry();
  const models = createKnownModels({ instruments, upstreams: [], knownModelsMax: 1 });
  const ends = [
    ['success', undefined],
    ['failure', undefined],
    ['failure', '500'],
    ['aborted', '500'],
    ['failure', 'success'],
    ['aborted', undefined],
  ] as const;
  for (let n = 0; n < 2; n++) {
    for (const [outcome, errorType] of ends) models.unrouted.ended(NO_VALUES).duration(outcome, errorType).record(1);
  }
  const found = (await series('inference.request.duration')).map(({ attributes }) => [
    attributes['inference.outcome'],
    attributes['error.type'],
  ]);
  assert.deepEqual(found.sort(), ends.map((each) => [...each]).sort());
});

describe('names that look alike', () => {
  const known = (): KnownModels =>
    createKnownModels({
      instruments: createTestTelemetry().instruments,
      upstreams: [upstreamAt('http://127.0.0.1:1', { models: [] })],
      knownModelsMax: 10,
    });
  const pairs: Record<string, [[string, string?], [string, string?]]> = {
    'a slash in the name': [['a/versions/1'], ['a', '1']],
    'a NUL in the name': [
      ['a\0', '1'],
      ['a', '\0' + '1'],
    ],
    'digits and colons': [
      ['1:a', '2'],
      ['1', ':a2'],
    ],
    'a name that ends where a version begins': [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    'no version': [['a1'], ['a', '1']],
  };
  for (const [name, [one, other]] of Object.entries(pairs)) {
    test(`${name}: two models`, () => {
      const models = known();
      assert.equal(models.admit('up', one[0], one[1]), true);
      assert.notEqual(models.find('up', one[0], one[1]), models.find('up', undefined, undefined));
      assert.equal(models.find('up', other[0], other[1]), models.find('up', undefined, undefined));
      assert.equal(models.admit('up', other[0], other[1]), true);
      assert.notEqual(models.find('up', one[0], one[1]), models.find('up', other[0], other[1]));
    });
  }
});

test('encoded names are labels as they are meant', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const running = await startProxy(t, [upstreamAt(upstream.url, { models: [] })]);
  await post(running, infer('org/model'));
  await post(running, '/v2/models/%69ris/infer');
  await post(running, INFER);
  await assertCounts(running, { success: 3 });
  assert.deepEqual(await names(running), ['_other', 'iris', 'org/model']);
  assert.equal(await running.telemetry.value('inference.requests', model('iris')), 2);
});
