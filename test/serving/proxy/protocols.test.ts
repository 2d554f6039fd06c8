import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { parseConfig } from '../../../src/config/index.ts';
import { PROTOCOLS, type ProtocolName } from '../../../src/config/protocols.ts';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { assertCounts, assertNothingActive, startProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

/** As the gateway would have it, from a configuration with one upstream, `up`. */
function upstreamOf(url: string, more: string): UpstreamOptions {
  const text = `upstreams: [{ name: up, url: "${url}", ${more} }]`;
  const result = parseConfig({ text, source: 'test.yaml', env: {}, readFile: () => '' });
  assert.ok(result.ok, JSON.stringify(result));
  const [upstream] = result.config.upstreams;
  assert.ok(upstream);
  return { ...upstream, protocol: protocols[upstream.protocol](upstream) };
}

interface Case {
  readonly more?: string;
  /** One request that asks for a prediction. */
  readonly asks: string;
  readonly body?: string;
  readonly route: string;
  readonly model: Attributes;
  /** Some that do not. */
  readonly control: readonly string[];
}

const model = (name: string, version?: string): Attributes => ({
  'inference.model.name': name,
  ...(version !== undefined && { 'inference.model.version': version }),
});

const cases: Record<Exclude<ProtocolName, 'mlflow-tracking'>, Case> = {
  'open-inference': {
    asks: '/v2/models/iris/versions/1/infer',
    route: '/v2/models/{model_name}/versions/{model_version}/infer',
    model: model('iris', '1'),
    control: ['/v2/health/ready', '/v2/models/iris/ready', '/v2'],
  },
  'kserve-v1': {
    asks: '/v1/models/iris:predict',
    route: '/v1/models/{model_name}:predict',
    model: model('iris'),
    control: ['/v1/models', '/v1/models/iris', '/metrics'],
  },
  torchserve: {
    asks: '/predictions/iris/2.0',
    route: '/predictions/{model_name}/{model_version}',
    model: model('iris', '2.0'),
    control: ['/ping', '/models', '/models/wine', '/metrics'],
  },
  bentoml: {
    more: 'routes: [{ path: /classify }]',
    asks: '/classify',
    route: '/classify',
    model: model('up'),
    control: ['/healthz', '/livez', '/readyz', '/metrics', '/other'],
  },
  openai: {
    asks: '/v1/chat/completions',
    body: '{"messages":[{"role":"user","content":"hi"}],"model":"llama"}',
    route: '/v1/chat/completions',
    model: model('llama'),
    control: ['/v1/models', '/health', '/version', '/metrics'],
  },
  mlflow: {
    more: 'models: [{ name: iris, version: "3" }]',
    asks: '/invocations',
    route: '/invocations',
    model: model('iris', '3'),
    control: ['/ping', '/health', '/version'],
  },
  auto: {
    asks: '/v1/models/iris:predict',
    route: '/v1/models/{model_name}:predict',
    model: model('iris'),
    control: ['/ping', '/health', '/v2/health/live', '/api/2.0/mlflow/runs/search'],
  },
};

for (const [protocol, { more = '', asks, body = '{}', route, model, control }] of Object.entries(cases)) {
  test(`${protocol}: a prediction is counted once, under its model, and control requests are none`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end('{}'));
    const running = await startProxy(t, [upstreamOf(upstream.url, `protocol: ${protocol}, ${more}`)]);
    const { value, series } = running.telemetry;
    for (const path of control) assert.equal((await send(running.url, { path })).status, 200);
    await until('they are measured', async () => (await value('http.server.request.duration')) === control.length);
    await assertCounts(running, {});

    // The first one makes its model known where it was not.
    await send(running.url, { method: 'POST', path: asks, body });
    await assertCounts(running, { success: 1 });
    const attributes = { ...model, 'inference.upstream.name': 'up', 'inference.protocol': protocol };
    const counted = await series('inference.requests', { ...attributes, 'inference.outcome': 'success' });
    assert.deepEqual(counted, [{ attributes: { ...attributes, 'inference.outcome': 'success' }, value: 1 }]);
    const http = { 'http.request.method': 'POST', 'http.route': route, 'http.response.status_code': 200 };
    assert.equal(await value('http.server.request.duration', http), 1);
    assert.deepEqual(upstream.seen, [...control.map((path) => `GET ${path}`), `POST ${asks}`]);
  });
}

test('there is a case for each protocol', () => {
  assert.deepEqual([...Object.keys(cases), 'mlflow-tracking'].sort(), [...PROTOCOLS].sort());
});

test('mlflow-tracking: requests have their routes and no inference series, and health and version are not measured', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('{}'));
  const running = await startProxy(t, [upstreamOf(upstream.url, 'protocol: mlflow-tracking')]);
  const { value, series } = running.telemetry;
  for (const path of ['/health', '/version']) assert.equal((await send(running.url, { path })).status, 200);
  for (const path of ['/api/2.0/mlflow/runs/create', '/invocations']) {
    await send(running.url, { method: 'POST', path, body: '{}' });
  }
  await until('they are measured', async () => (await value('http.server.request.duration')) >= 2);
  await assertCounts(running, {});
  const routes = (await series('http.server.request.duration')).map(({ attributes }) => attributes['http.route']);
  assert.deepEqual(routes.sort(), ['/api/{api_version}/mlflow/runs/create', '_other']);
  for (const name of ['inference.requests', 'inference.request.duration', 'inference.active_requests'] as const) {
    assert.deepEqual(await series(name, { 'inference.upstream.name': 'up' }), [], name);
  }
  await assertNothingActive(running);
});

for (const [what, more] of Object.entries({
  'a service of BentoML': 'protocol: bentoml, routes: [{ path: /classify }]',
  'a scoring server of MLflow': 'protocol: mlflow',
})) {
  test(`the model of ${what} is there at 0, called like its upstream, and its failures are its own`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.writeHead(500).end());
    const options = upstreamOf(upstream.url, more);
    const running = await startProxy(t, [options]);
    const before = await running.telemetry.series('inference.requests', model('up'));
    assert.deepEqual(
      before.map(({ value }) => value),
      [0, 0, 0, 0],
    );
    const path = options.protocol.name === 'mlflow' ? '/invocations' : '/classify';
    await send(running.url, { method: 'POST', path, body: '{}' });
    await assertCounts(running, { failure: 1 });
    const failures = { ...model('up'), 'inference.outcome': 'failure' };
    assert.equal(await running.telemetry.value('inference.requests', failures), 1);
  });
}

const minted: Record<string, { protocol: ProtocolName; requests: readonly (readonly [string, string])[] }> = {
  'preflights, which are answered for every name': {
    protocol: 'auto',
    requests: [
      ['OPTIONS', '/predictions/made-up'],
      ['OPTIONS', '/invocations?model_name=made-up'],
      ['OPTIONS', '/v2/models/made-up/infer'],
      ['OPTIONS', '/v1/models/made-up'],
    ],
  },
  'management, which is about models that come and go': {
    protocol: 'torchserve',
    requests: [
      ['PUT', '/models/made-up?min_worker=1'],
      ['DELETE', '/models/made-up/1.0'],
    ],
  },
  'a query that the server ignores': { protocol: 'mlflow', requests: [['POST', '/invocations?model_name=made-up']] },
};
for (const [what, { protocol, requests }] of Object.entries(minted)) {
  test(`no model becomes known by ${what}`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end('{}'));
    const running = await startProxy(t, [upstreamOf(upstream.url, `protocol: ${protocol}`)]);
    for (const [method, path] of requests) await send(running.url, { method, path });
    await until(
      'they are measured',
      async () => (await running.telemetry.value('http.server.request.duration')) === requests.length,
    );
    const series = await running.telemetry.series('inference.requests');
    assert.ok(!JSON.stringify(series).includes('made-up'));
  });
}
