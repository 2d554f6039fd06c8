// The real `mlflow models serve` behind the gateway: the ledger of a load, the gateway and the server say the same, and by its answers nobody
// can tell whether the gateway is there. The server has no metrics; what it says is the access log of its uvicorn, a line for each answer.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { skipWithout } from '../support/interop.ts';
import {
  expectedAtGateway,
  gatewayCounts,
  growth,
  modelKey,
  type Counts,
  type GatewayCounts,
} from './model-servers/counts.ts';
import { json, type Asking } from './model-servers/exchange.ts';
import { sendLoad, surprises, tally, type Entry, type Kind } from './model-servers/ledger.ts';
import { startModels, type Mlflow } from './model-servers/mlflow.ts';
import { assertSameAnswer, type SameCase } from './model-servers/same-answers.ts';

const MODEL = { name: 'iris', version: '2' };
const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.1, 5.6, 2.4],
];

function invocation(body: unknown, type = 'application/json'): Asking {
  return { path: '/invocations', ...json(body), headers: { 'content-type': type } };
}

const asked = { route: '/invocations', model: MODEL };
const frame = { dataframe_split: { columns: ['a', 'b', 'c', 'd'], data: FLOWERS } };
const kinds: Readonly<Record<string, Kind>> = {
  flowers: { ...invocation({ inputs: FLOWERS }), count: 60, status: 200, ...asked },
  'a frame': { ...invocation(frame), count: 40, status: 200, ...asked },
  'comma-separated values': {
    ...invocation('a,b,c,d\n5.1,3.5,1.4,0.2\n', 'text/csv'),
    count: 30,
    status: 200,
    ...asked,
  },
  'no JSON': { ...invocation('{'), count: 20, status: 400, ...asked },
  'too few features': { ...invocation({ inputs: [[5.1]] }), count: 15, status: 400, ...asked },
  'another type': { ...invocation('<flower/>', 'text/xml'), count: 15, status: 415, ...asked },
  'no type': { path: '/invocations', body: '{}', count: 5, status: 500, ...asked },
  'no such method': { path: '/invocations', count: 5, status: 405, route: '/invocations' },
  ping: { path: '/ping', count: 10, status: 200, route: '/ping' },
  health: { path: '/health', count: 5, status: 200, route: '/health' },
  version: { path: '/version', count: 5, status: 200, route: '/version' },
  documentation: { path: '/openapi.json', count: 5, status: 200 },
  'no such path': { path: '/nothing', count: 5, status: 404 },
};

const cases: Readonly<Record<string, SameCase>> = {
  'a prediction': { ...invocation({ inputs: FLOWERS }), status: 200 },
  'a prediction of a frame': { ...invocation(frame), status: 200 },
  'a prediction of comma-separated values': { ...invocation('a,b,c,d\n5.1,3.5,1.4,0.2\n', 'text/csv'), status: 200 },
  'a body that is no JSON': { ...invocation('{'), status: 400 },
  'an error of the model': { ...invocation({ inputs: [[5.1]] }), status: 400 },
  'a body of another type': { ...invocation('<flower/>', 'text/xml'), status: 415 },
  'a body without a type': { path: '/invocations', body: '{}', status: 500, drops: true },
  'another method': { path: '/invocations', status: 405 },
  HEAD: { method: 'HEAD', path: '/ping', status: 405 },
  'an unknown path': { path: '/nothing?a=b', status: 404 },
  ping: { path: '/ping', status: 200 },
  health: { path: '/health', status: 200 },
  version: { path: '/version', status: 200 },
  'its schema': { path: '/openapi.json', status: 200 },
  'its documentation': { path: '/docs', status: 200 },
};

describe('mlflow models serve', { skip: skipWithout('mlflow'), timeout: 240_000 }, () => {
  let mlflow: Mlflow;
  let gateway: RunningGateway;
  let ledger: Entry[];
  let logged: Counts;
  let counted: GatewayCounts;
  const dropped = (): number => mlflow.wrote().split('Exception in ASGI application').length - 1;
  const undo: (() => Promise<unknown>)[] = [];
  before(async () => {
    mlflow = await startModels();
    undo.unshift(() => mlflow.stop());
    const upstream = { name: 'scoring', url: mlflow.url, protocol: 'mlflow', models: [MODEL] };
    gateway = await startGateway({ upstreams: [upstream] });
    undo.unshift(() => gateway.stop());
    // It was asked before whether it is ready.
    const earlier = logOf(mlflow);
    ledger = await sendLoad({ url: gateway.urls.inference, kinds });
    logged = await eventually(() => {
      const grown = growth(earlier, logOf(mlflow));
      return sum(grown) >= ledger.length ? grown : undefined;
    });
    counted = await gatewayCounts(gateway);
  });
  after(async () => {
    for (const each of undo) await each();
  });

  it('answers the load as it has to', () => assert.deepEqual(surprises(ledger), []));
  it('is counted by the gateway as by who sent the load', () => assert.deepEqual(counted, expectedAtGateway(ledger)));
  it('logs the same itself, by method, path and status', () => {
    assert.deepEqual(
      logged,
      tally(ledger, ({ kind, method, status }) => `${method} ${kind.path} ${status}`),
    );
  });
  it('logs as many successes of the model, and failures of each status', () => {
    const model = modelKey(MODEL.name, MODEL.version);
    assert.equal(logged['POST /invocations 200'], counted.outcomes[`${model} success`]);
    for (const status of [400, 415, 500]) {
      assert.equal(logged[`POST /invocations ${status}`], counted.failures[`${model} ${status}`], String(status));
    }
  });

  for (const [what, asking] of Object.entries(cases)) {
    it(`answers the same with and without the gateway: ${what}`, () =>
      assertSameAnswer({ direct: mlflow.url, gateway: gateway.urls.inference, dropped }, asking));
  }
});

/** By method, path and status. */
function logOf(mlflow: Mlflow): Counts {
  const lines = [...mlflow.wrote().matchAll(/ - "([A-Z]+ \S+) HTTP\/1\.1" (\d{3})/g)];
  return tally(lines, ([, asking = '', status = '']) => `${asking} ${status}`);
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
