// The real BentoML behind the gateway: the ledger of a load, the gateway and BentoML's own metrics say the same, and by its answers nobody
// can tell whether the gateway is there.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { skipWithout } from '../support/interop.ts';
import {
  bentomlCounts,
  expectedAtBentoml,
  kinds,
  MODEL,
  post,
  ROUTES,
  successes,
} from './model-servers/bentoml-load.ts';
import { startBentoml, type Bentoml } from './model-servers/bentoml.ts';
import { expectedAtGateway, gatewayCounts, growth, modelKey, type Counts } from './model-servers/counts.ts';
import { exchange, json } from './model-servers/exchange.ts';
import { sendLoad, surprises, type Entry } from './model-servers/ledger.ts';
import { assertArrivesInParts, assertSameAnswer, type SameCase, type Ways } from './model-servers/same-answers.ts';

const TASK_ID = {
  why: 'every task has an id of its own',
  body: (body: Buffer) => String(body).replace(/[0-9a-f]{32}/, 'id'),
};

const cases: Readonly<Record<string, SameCase>> = {
  text: { ...post('/shout', 'größer als 🌸'), status: 200 },
  JSON: { ...post('/v2/count', 'abc'), status: 200 },
  'no content': { path: '/go_on', ...json({}), status: 200 },
  'a stream': { ...post('/spell', 'abc'), status: 200 },
  'a stream that fails': { ...post('/spell', 'ab!'), status: 200 },
  'an error of the service': { ...post('/shout', '!'), status: 500 },
  'a body that is no JSON': { ...post('/shout', ''), body: '{', status: 400 },
  'a body of another type': { path: '/shout', headers: { 'content-type': 'text/csv' }, body: 'a,b', status: 400 },
  'another method': { path: '/shout', status: 405 },
  HEAD: { method: 'HEAD', path: '/healthz', status: 200 },
  'an unknown path': { path: '/nothing?a=b', status: 404 },
  'a task at once': { ...post('/reverse', 'abc'), status: 200 },
  'a task': { ...post('/reverse/submit', 'abc'), status: 200, varies: TASK_ID },
  'a task that there is not': { path: '/reverse/get?task_id=none', status: 404 },
  'a task that is not named': { path: '/reverse/status', status: 400 },
  liveness: { path: '/livez', status: 200 },
  readiness: { path: '/readyz', status: 200 },
  'its schema': { path: '/schema.json', status: 200 },
  'its documentation': { path: '/docs.json', status: 200 },
  'its web page': { path: '/', status: 200 },
  'a part of a file': { path: '/', headers: { range: 'bytes=0-9' }, status: 206 },
};

describe('BentoML', { skip: skipWithout('bentoml'), timeout: 240_000 }, () => {
  let bentoml: Bentoml;
  let gateway: RunningGateway;
  let ledger: Entry[];
  let counted: Counts;
  let ways: Ways;
  const undo: (() => Promise<unknown>)[] = [];
  before(async () => {
    bentoml = await startBentoml();
    undo.unshift(() => bentoml.stop());
    const upstream = { name: 'bento', url: bentoml.url, protocol: 'bentoml', routes: ROUTES, models: [MODEL] };
    gateway = await startGateway({ upstreams: [upstream] });
    undo.unshift(() => gateway.stop());
    ways = {
      ...{ direct: bentoml.url, gateway: gateway.urls.inference },
      varyingHeaders: { 'x-bentoml-request-id': /^[0-9a-f]{16}$/ },
    };
    // It was asked before whether it is ready.
    const earlier = await bentomlCounts(bentoml);
    ledger = await sendLoad({ url: gateway.urls.inference, kinds });
    counted = growth(earlier, await bentomlCounts(bentoml));
  });
  after(async () => {
    for (const each of undo) await each();
  });

  it('answers the load as it has to', () => assert.deepEqual(surprises(ledger), []));
  it('is counted by the gateway as by who sent the load', async () => {
    assert.deepEqual(await gatewayCounts(gateway), expectedAtGateway(ledger));
  });
  it('counts the same itself, by path and status', () => assert.deepEqual(counted, expectedAtBentoml(ledger)));
  it('counts as many successes of the model', async () => {
    const { outcomes } = await gatewayCounts(gateway);
    assert.equal(successes(counted), outcomes[`${modelKey(MODEL.name, MODEL.version)} success`]);
  });

  for (const [what, asking] of Object.entries(cases)) {
    it(`answers the same with and without the gateway: ${what}`, () => assertSameAnswer(ways, asking));
  }
  for (const [text, status] of [
    ['abc', 200],
    ['!', 500],
  ] as const) {
    it(`answers the same with and without the gateway: status and result of a task that ends with ${status}`, async () => {
      const submitted = await exchange(gateway.urls.inference, post('/reverse/submit', text));
      const { task_id: id } = JSON.parse(String(submitted.body)) as { task_id: string };
      await eventually(async () => {
        const { body } = await exchange(bentoml.url, { path: `/reverse/status?task_id=${id}` });
        return String(body).includes('in_progress') ? undefined : true;
      });
      await assertSameAnswer(ways, { path: `/reverse/status?task_id=${id}`, status: 200 });
      await assertSameAnswer(ways, { path: `/reverse/get?task_id=${id}`, status });
    });
  }
  it('streams part by part', { timeout: 240_000 }, () =>
    assertArrivesInParts(gateway.urls.inference, {
      stream: post('/spell', 'ab|cd'),
      before: 'b',
      goOn: { path: '/go_on', ...json({}) },
      behind: 'd',
    }),
  );
});
