// The real `mlflow server` behind the gateway: the ledger of a load, the gateway and MLflow's own metrics say the same, and by its answers
// nobody can tell whether the gateway is there. It serves no model, so all is counted as HTTP only.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { skipWithout } from '../support/interop.ts';
import { countsOfPage, expectedAtGateway, gatewayCounts } from './model-servers/counts.ts';
import { exchange, json } from './model-servers/exchange.ts';
import { sendLoad, surprises, tally, type Entry, type Kind } from './model-servers/ledger.ts';
import { startTracking, type Mlflow } from './model-servers/mlflow.ts';
import { assertSameAnswer, type SameCase } from './model-servers/same-answers.ts';

/** What MLflow does not count, and why. */
const exceptions = {
  health: 'it leaves /health and /version out, and so does the gateway',
  metrics: 'it leaves out who reads its metrics',
  'no Flask': 'its exporter sees what goes through Flask, and newer parts of it do not',
} as const;

interface TrackingKind extends Kind {
  readonly except?: keyof typeof exceptions;
}

const MLFLOW = '/api/2.0/mlflow';
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';
const ROUTE = '/api/{api_version}/mlflow';
const BYTES = Buffer.from([0, 255, 13, 10, 128]);

const kinds: Readonly<Record<string, TrackingKind>> = {
  experiment: {
    ...{ path: `${MLFLOW}/experiments/get?experiment_id=0`, count: 50, status: 200, route: `${ROUTE}/experiments/get` },
  },
  experiments: {
    ...{ path: `${MLFLOW}/experiments/search`, ...json({ max_results: 10 }), count: 40, status: 200 },
    route: `${ROUTE}/experiments/search`,
  },
  'a new run': {
    ...{ path: `${MLFLOW}/runs/create`, ...json({ experiment_id: '0' }), count: 20, status: 200 },
    route: `${ROUTE}/runs/create`,
  },
  'an experiment that there is not': {
    ...{
      path: `${MLFLOW}/experiments/get?experiment_id=99`,
      count: 15,
      status: 404,
      route: `${ROUTE}/experiments/get`,
    },
  },
  'an experiment that there is': {
    ...{ path: `${MLFLOW}/experiments/create`, ...json({ name: 'Default' }), count: 15, status: 400 },
    route: `${ROUTE}/experiments/create`,
  },
  'a metric of no run': {
    ...{ path: `${MLFLOW}/runs/log-metric`, ...json({ run_id: 'none', key: 'a', value: 1, timestamp: 1 }) },
    ...{ count: 15, status: 404, route: `${ROUTE}/runs/log-metric` },
  },
  models: {
    path: `${MLFLOW}/registered-models/search`,
    count: 10,
    status: 200,
    route: `${ROUTE}/registered-models/search`,
  },
  // It needs a package that is not installed.
  GraphQL: { path: '/graphql', ...json({}), count: 10, status: 500, route: '/graphql' },
  'no such method': { path: `${MLFLOW}/runs/create`, count: 5, status: 405, route: `${ROUTE}/runs/create` },
  'no such path': { path: '/nothing', count: 5, status: 404 },
  'an artifact': {
    ...{ method: 'PUT', path: `${ARTIFACTS}/a.bin`, body: BYTES, count: 10, status: 200, except: 'no Flask' },
    route: '/api/{api_version}/mlflow-artifacts/*',
  },
  'no artifact': {
    ...{ path: `${ARTIFACTS}/none`, count: 5, status: 404, except: 'no Flask' },
    route: '/api/{api_version}/mlflow-artifacts/*',
  },
  traces: { path: '/v1/traces', ...json({}), count: 5, status: 422, route: '/v1/traces', except: 'no Flask' },
  health: { path: '/health', count: 10, status: 200, unmeasured: true, except: 'health' },
  version: { path: '/version', count: 5, status: 200, unmeasured: true, except: 'health' },
  metrics: { path: '/metrics', count: 5, status: 200, route: '/metrics', except: 'metrics' },
};

const cases: Readonly<Record<string, SameCase>> = {
  'an experiment': { path: `${MLFLOW}/experiments/get?experiment_id=0`, status: 200 },
  experiments: { path: `${MLFLOW}/experiments/search`, ...json({ max_results: 10 }), status: 200 },
  runs: { path: `${MLFLOW}/runs/search`, ...json({ experiment_ids: ['0'], max_results: 100 }), status: 200 },
  'a new run': {
    ...{ path: `${MLFLOW}/runs/create`, ...json({ experiment_id: '0', run_name: 'same' }), status: 200 },
    varies: { why: 'every run has an id of its own', body: (body) => String(body).replace(/[0-9a-f]{32}/g, 'id') },
  },
  'an experiment that there is': {
    ...{ path: `${MLFLOW}/experiments/create`, ...json({ name: 'Default' }), status: 400 },
    varies: { why: 'the error says when it was', body: (body) => String(body).replace(/\d{13}/g, 'time') },
  },
  'an experiment that there is not': { path: `${MLFLOW}/experiments/get?experiment_id=99`, status: 404 },
  'a value that is wrong': { path: `${MLFLOW}/runs/search`, ...json({ experiment_ids: 7 }), status: 400 },
  'an error of the server': { path: '/graphql', ...json({}), status: 500 },
  'an artifact that is put': { method: 'PUT', path: `${ARTIFACTS}/b.bin`, body: BYTES, status: 200 },
  'an artifact': { path: `${ARTIFACTS}/a.bin`, status: 200 },
  'a part of an artifact': { path: `${ARTIFACTS}/a.bin`, headers: { range: 'bytes=1-2' }, status: 206 },
  'an artifact that there is not': { path: `${ARTIFACTS}/none`, status: 404 },
  'another method': { path: `${MLFLOW}/runs/create`, status: 405 },
  HEAD: { method: 'HEAD', path: '/version', status: 200 },
  'an unknown path': { path: '/nothing?a=b', status: 404 },
  'another origin': { path: '/version', headers: { origin: 'http://elsewhere' }, status: 200 },
  health: { path: '/health', status: 200 },
  version: { path: '/version', status: 200 },
  'its web page': { path: '/', status: 200 },
};

describe('mlflow server', { skip: skipWithout('mlflow'), timeout: 240_000 }, () => {
  let mlflow: Mlflow;
  let gateway: RunningGateway;
  let ledger: Entry<TrackingKind>[];
  const undo: (() => Promise<unknown>)[] = [];
  before(async () => {
    mlflow = await startTracking();
    undo.unshift(() => mlflow.stop());
    gateway = await startGateway({ upstreams: [{ name: 'tracking', url: mlflow.url, protocol: 'mlflow-tracking' }] });
    undo.unshift(() => gateway.stop());
    ledger = await sendLoad({ url: gateway.urls.inference, kinds });
  });
  after(async () => {
    for (const each of undo) await each();
  });

  it('answers the load as it has to', () => assert.deepEqual(surprises(ledger), []));
  it('is counted by the gateway as by who sent the load', async () => {
    assert.deepEqual(await gatewayCounts(gateway), expectedAtGateway(ledger));
  });
  it('counts the same itself, by method and status', async () => {
    const page = String((await exchange(mlflow.url, { path: '/metrics' })).body);
    const expected = tally(ledger, ({ kind, method, status }) => (kind.except ? undefined : `${method} ${status}`));
    for (const name of ['mlflow_http_request_total', 'mlflow_http_request_duration_seconds_count']) {
      const counts = countsOfPage(page, name, ({ method = '', status = '' }) => `${method} ${status}`);
      assert.deepEqual(counts, expected, name);
    }
  });

  for (const [name, why] of Object.entries(exceptions)) {
    it(`leaves uncounted: ${name}, since ${why}`, () => assert.ok(ledger.some(({ kind }) => kind.except === name)));
  }

  for (const [what, asking] of Object.entries(cases)) {
    it(`answers the same with and without the gateway: ${what}`, () =>
      assertSameAnswer({ direct: mlflow.url, gateway: gateway.urls.inference }, asking));
  }
});
