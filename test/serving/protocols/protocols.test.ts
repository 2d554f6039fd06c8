import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROTOCOLS, type ProtocolName } from '../../../src/config/protocols.ts';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { ProtocolOptions, Recognition } from '../../../src/serving/protocols/protocol.ts';
import { all, OPTIONS, recognise, tables, type Row } from './recognised.ts';

for (const [name, rows] of Object.entries(tables)) {
  describe(name, () => {
    for (const row of rows) {
      const [request, , kind, model = '', version = ''] = row;
      it(`${request} ${kind} ${model} ${version}`.trimEnd(), () => {
        const [method = '', target = ''] = request.split(' ');
        assert.deepEqual(recognise(all[name as ProtocolName], method, target), recognition(row));
      });
    }
  });
}

function recognition([, route, kind, model, version]: Row): Recognition {
  if (kind === 'control') return { route, inference: false };
  if (kind === 'body') return { route, inference: true, modelInBody: true };
  if (kind === 'unmeasured') return { route, inference: false, unmeasured: true };
  return { route, inference: kind === 'asks', model, version };
}

/** By protocol, what is none of its paths. */
const strangers: Record<ProtocolName, readonly string[]> = {
  'open-inference': ['/v1/models/iris:predict', '/predictions/iris', '/invocations', '/', '/ping'],
  'kserve-v1': [
    '/v1',
    '/v1/models/',
    '/v1/models//metadata',
    '/v1/models/iris/',
    '/v1/models/iris/predict',
    '/v1/models/iris:predict/more',
    '/v1/models/iris/versions',
    '/v1/models/iris/versions/',
    '/v1/models/iris/versions/3/metadata/more',
    '/V1/models/iris:predict',
    '/v2/models/iris/infer',
  ],
  torchserve: [
    '/predictions',
    '/predictions/',
    '/predictions//2.0',
    '/explanations',
    '/wfpredict/flow/more',
    '/invocations/iris',
    '/Predictions/iris',
    '/iris/Predict',
    '//predict',
    '/iris/2.0/predict/more',
    '/models/iris/2.0/more',
    '/health',
  ],
  bentoml: ['/Classify', '/classify/', '/classify/submit', '/train', '/v1', '/v1/train/other', '/v1/train/submit/more'],
  mlflow: ['/', '/invocations/', '/invocations/iris', '/metrics', '/predict'],
  'mlflow-tracking': [
    '/api',
    '/api/2.0',
    '/api/2.0/mlflow',
    '/api/2.0/other/runs',
    '/health/',
    '/healthz',
    '/versions',
    '/invocations',
  ],
  openai: [
    '/v1',
    '/openai',
    '/openai/models',
    '/openai/v1/files',
    '/openai/v1/chat',
    '/openai/openai/v1/completions',
    '/chat/completions',
    '/v1/chat',
    '/v1/Completions',
    '/v1/completions/',
    '/v1/embeddings/more',
    '/v1//completions',
    '/v1/audio',
    '/v1/audio/other',
    '/v2/completions',
    '/v1/realtime',
    '/generate/more',
    '/predictions/iris',
    '/v2/models/iris/infer',
  ],
  auto: ['/v3/models', '/v1/chat', '/chat/completions', '/a/b/c/d', '/favicon.ico', '/invocations/x/y'],
};
for (const name of PROTOCOLS) {
  it(`${name} does not recognise what is none of its paths`, () => {
    for (const target of [...strangers[name], '/toString', '/constructor/prototype', '/__proto__']) {
      assert.equal(recognise(all[name], 'POST', target), undefined, target);
    }
  });
}

const unnamed: Record<string, { models: ProtocolOptions['models']; model: string | undefined; version?: string }> = {
  'the one that is called like the upstream, where none is configured': { models: [], model: 'up' },
  'the one that is configured': { models: [{ name: 'iris' }], model: 'iris' },
  'the one that is configured, with its version': {
    models: [{ name: 'iris', version: '2' }],
    model: 'iris',
    version: '2',
  },
  'any, where several are': { models: [{ name: 'iris' }, { name: 'wine' }], model: undefined },
};
for (const [what, { models, model, version }] of Object.entries(unnamed)) {
  it(`a request that names no model is about ${what}`, () => {
    const options = { ...OPTIONS, models };
    const requests = {
      '/invocations': [protocols.mlflow(options), protocols.torchserve(options), protocols.auto(options)],
      '/generate': [protocols.openai(options), protocols.auto(options)],
      '/v1/train/submit': [protocols.bentoml(options), protocols.auto(options)],
    };
    for (const [target, speaking] of Object.entries(requests)) {
      for (const protocol of speaking) {
        const expected = { route: target, inference: true, model, version };
        assert.deepEqual(recognise(protocol, 'POST', target), expected, protocol.name);
      }
    }
  });
}

it('of a body that names the model, nothing is said here of which it may be', () => {
  const protocol = protocols.openai({ ...OPTIONS, models: [{ name: 'llama', version: '3' }] });
  const expected = { route: '/v1/completions', inference: true, modelInBody: true };
  assert.deepEqual(recognise(protocol, 'POST', '/v1/completions'), expected);
});

it('a version that is configured is not one of a model that the query names', () => {
  const protocol = protocols.torchserve({ ...OPTIONS, models: [{ name: 'iris', version: '2' }] });
  const { model, version } = recognise(protocol, 'POST', '/invocations?model_name=iris') ?? {};
  assert.deepEqual([model, version], ['iris', undefined]);
});

it('a route at the root, and a task there, are those of the service', () => {
  const protocol = protocols.bentoml({ ...OPTIONS, routes: [{ path: '/', task: true }] });
  for (const target of ['/', '/submit']) assert.equal(recognise(protocol, 'POST', target)?.inference, true, target);
  assert.equal(recognise(protocol, 'GET', '/status')?.route, '/status');
});

it('each protocol is called what the configuration calls it', () => {
  for (const name of PROTOCOLS) assert.equal(all[name].name, name);
});
