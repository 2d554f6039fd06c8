import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openInference } from '../../../src/serving/protocols/open-inference.ts';
import type { Recognition } from '../../../src/serving/protocols/protocol.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { runs } from '../../exposition/runs.ts';

const recognise = (method: string, target: string): Recognition | undefined =>
  openInference.recognise(method, parseTarget(target)?.segments ?? []);

const MODEL = '/v2/models/{model_name}';
const VERSION = '/v2/models/{model_name}/versions/{model_version}';
const INFERENCE = ['infer', 'generate', 'infer_stream', 'generate_stream'];
const ABOUT_A_MODEL = ['ready', 'config', 'stats'];
const ABOUT_A_NAME = ['docs', 'docs/dataplane.json', 'trace/setting'];
const MEMORY = ['systemsharedmemory', 'cudasharedmemory'].flatMap((kind) =>
  ['', '/region/r1'].flatMap((region) =>
    ['status', 'register', 'unregister'].map((verb) => `/v2/${kind}${region}/${verb}`),
  ),
);

/** Routes without a model, by the target that asks for them. */
const controls: Record<string, string> = {
  '/v2': '/v2',
  '/v2?pretty=1': '/v2',
  '/v2/health/live': '/v2/health/live',
  '/v2/health/ready': '/v2/health/ready',
  '/v2/repository/index': '/v2/repository/index',
  '/v2/repository/models/iris/load': '/v2/repository/models/{model_name}/load',
  '/v2/repository/models/iris/unload': '/v2/repository/models/{model_name}/unload',
  '/v2/repository/blue/index': '/v2/repository/{repository_name}/index',
  '/v2/repository/blue/models/iris/load': '/v2/repository/{repository_name}/models/{model_name}/load',
  '/v2/repository/blue/models/iris/unload': '/v2/repository/{repository_name}/models/{model_name}/unload',
  ...Object.fromEntries(MEMORY.map((path) => [path, path.replace('/r1', '/{region_name}')])),
  ...Object.fromEntries(ABOUT_A_NAME.map((verb) => [`/v2/models/iris/${verb}`, `${MODEL}/${verb}`])),
  ...Object.fromEntries(ABOUT_A_NAME.map((verb) => [`/v2/models/iris/versions/1/${verb}`, `${VERSION}/${verb}`])),
};

const fixedRoutes = new Set([
  ...Object.values(controls),
  ...[MODEL, VERSION].flatMap((root) => [root, ...[...INFERENCE, ...ABOUT_A_MODEL].map((verb) => `${root}/${verb}`)]),
]);

for (const verb of INFERENCE) {
  test(`POST ${verb} is an inference, with and without a version`, () => {
    assert.deepEqual(recognise('POST', `/v2/models/iris/${verb}`), {
      route: `${MODEL}/${verb}`,
      inference: true,
      model: 'iris',
      version: undefined,
    });
    assert.deepEqual(recognise('POST', `/v2/models/iris/versions/3/${verb}`), {
      route: `${VERSION}/${verb}`,
      inference: true,
      model: 'iris',
      version: '3',
    });
  });

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT']) {
    test(`${method} ${verb} has the route but is no inference`, () => {
      const recognition = recognise(method, `/v2/models/iris/${verb}`);
      assert.equal(recognition?.inference, false);
      assert.equal(recognition.route, `${MODEL}/${verb}`);
    });
  }
}

for (const verb of ['', ...ABOUT_A_MODEL.map((verb) => `/${verb}`)]) {
  test(`"/v2/models/{m}${verb}" is about its model, and no inference`, () => {
    for (const method of ['GET', 'POST']) {
      const unversioned = { route: `${MODEL}${verb}`, inference: false, model: 'iris', version: undefined };
      assert.deepEqual(recognise(method, `/v2/models/iris${verb}`), unversioned);
      const versioned = { route: `${VERSION}${verb}`, inference: false, model: 'iris', version: '3' };
      assert.deepEqual(recognise(method, `/v2/models/iris/versions/3${verb}`), versioned);
    }
  });
}

for (const [target, route] of Object.entries(controls)) {
  test(`${target} is control, and says nothing about a model`, () => {
    for (const method of ['GET', 'POST']) assert.deepEqual(recognise(method, target), { route, inference: false });
  });
}

const names: Record<string, { target: string; model: string; version?: string }> = {
  'an encoded slash is part of the name': { target: '/v2/models/org%2Fmodel/infer', model: 'org/model' },
  'an encoded name is decoded': { target: '/v2/models/caf%C3%A9%20au%20lait/infer', model: 'café au lait' },
  'a percent sign can be in a name': { target: '/v2/models/100%25/infer', model: '100%' },
  'a name may look like a verb': { target: '/v2/models/infer/infer', model: 'infer' },
  'a name may be the word versions': {
    target: '/v2/models/versions/versions/versions/infer',
    model: 'versions',
    version: 'versions',
  },
  'a version may be any string': {
    target: '/v2/models/iris/versions/v1.2-rc/infer',
    model: 'iris',
    version: 'v1.2-rc',
  },
  'a version may be encoded': { target: '/v2/models/iris/versions/a%2Fb/infer', model: 'iris', version: 'a/b' },
  'a query is no part of it': { target: '/v2/models/iris/infer?a=/b/c', model: 'iris' },
};
for (const [name, { target, model, version }] of Object.entries(names)) {
  test(name, () => {
    const recognition = recognise('POST', target);
    assert.deepEqual([recognition?.model, recognition?.version, recognition?.inference], [model, version, true]);
  });
}

const strangers = [
  '/',
  '/v1/models/iris:predict',
  '/V2/models/iris/infer',
  '/v2/',
  '/v2/health',
  '/v2/health/other',
  '/v2/health/live/now',
  '/v2/models',
  '/v2/models/',
  '/v2/models//infer',
  '/v2/models/iris/',
  '/v2/models/iris/Infer',
  '/v2/models/iris/infer/',
  '/v2/models/iris/infer/more',
  '/v2/models/iris/predict',
  '/v2/models/iris/trace',
  '/v2/models/iris/trace/setting/more',
  '/v2/models/iris/docs/other',
  '/v2/models/iris/versions',
  '/v2/models/iris/versions/',
  '/v2/models/iris/versions//infer',
  '/v2/models/iris/versions/1/',
  '/v2/models/iris/versions/1/versions/2/infer',
  '/v2/repository',
  '/v2/repository/index/',
  '/v2/repository/models/iris',
  '/v2/repository/models//load',
  '/v2/repository/models/iris/load/more',
  '/v2/repository/models/iris/reload',
  '/v2/repository/a/b/index',
  '/v2/systemsharedmemory',
  '/v2/systemsharedmemory/region/status',
  '/v2/systemsharedmemory/status/more',
  '/v2/toString',
  '/v2/models/iris/constructor',
  '/prefix/v2/models/iris/infer',
];
test('paths of no route of the protocol are not recognised', () => {
  for (const target of strangers) assert.equal(recognise('POST', target), undefined, target);
});

test('any method and any segments give a route of the fixed list or none, and never throw', () => {
  const known = ['v2', 'models', 'versions', 'repository', 'health', 'region', 'index', ...INFERENCE, ...ABOUT_A_MODEL];
  const segment = fc.oneof(fc.constantFrom(...known, 'docs', 'load', 'systemsharedmemory', ''), fc.string());
  const segments = fc.array(segment, { maxLength: 8 });
  const rooted = fc.oneof(
    segments,
    segments.map((rest) => ['v2', ...rest]),
    segments.map((rest) => ['v2', 'models', ...rest]),
  );
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom('GET', 'POST'), fc.string()), rooted, (method, path) => {
      const recognition = openInference.recognise(method, path);
      if (recognition === undefined) return;
      assert.ok(fixedRoutes.has(recognition.route), recognition.route);
      assert.ok(recognition.model !== '' && recognition.version !== '');
      if (recognition.inference) assert.ok(method === 'POST' && recognition.model !== undefined);
    }),
    runs({ short: 1_000, long: 20_000 }),
  );
});
