import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PROTOCOLS } from '../../../src/config/protocols.ts';
import { autoOrder } from '../../../src/serving/protocols/auto.ts';
import type { Protocol } from '../../../src/serving/protocols/protocol.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { runs } from '../../exposition/runs.ts';
import { all, OPTIONS, recognise, tables } from './recognised.ts';
import { literals, method, name, segmentsNear, targetNear, targetOf, templates } from './targets.ts';
import { fits, textFor } from './templates.ts';

function check(protocol: Protocol, asked: string, path: readonly string[], query: string): void {
  const found = protocol.recognise(asked, path, query);
  const fitting = protocol.routes.filter(({ template }) => fits(template, path));
  assert.equal(found !== undefined, fitting.length > 0);
  if (found === undefined) return;
  const route = fitting.filter(({ template }) => template === found.route);
  assert.ok(route.length > 0, found.route);
  assert.ok(found.route.length <= 100);
  if (found.inference) assert.ok(asked !== 'OPTIONS' && route.some(({ inference }) => inference));
  if (found.modelInBody) assert.ok(found.inference && found.model === undefined);
  if (found.model === undefined) return assert.equal(found.version, undefined);
  assert.ok(found.model !== '' && found.version !== '' && asked !== 'OPTIONS');
  const named = textFor(/^\{(?:model|workflow)_name\}/, found.route, path);
  const others = [OPTIONS.name, new URLSearchParams(query).get('model_name')];
  assert.ok(named === undefined ? others.includes(found.model) : found.model === named, found.model);
  assert.equal(found.version, textFor(/^\{model_version\}/, found.route, path));
}

const KEYS = ['route', 'inference', 'model', 'version', 'modelInBody', 'unmeasured'];

for (const protocolName of PROTOCOLS) {
  const protocol = all[protocolName];
  const own = protocol.routes.map(({ template }) => template);
  const segments = segmentsNear(own);
  describe(protocolName, () => {
    it('gives for any segments a route that fits them, or none if none fits', () => {
      const query = fc.oneof(
        fc.constant(''),
        fc.string().map((text) => `?${text}`),
        name.map((text) => `?model_name=${text}`),
      );
      fc.assert(
        fc.property(method, segments, query, (asked, path, text) => check(protocol, asked, path, text)),
        runs({ short: 500, long: 20_000 }),
      );
    });

    it('takes an encoded path for what it says', () => {
      const pair = segments.chain((path) => targetOf(path).map((target) => ({ path, target })));
      fc.assert(
        fc.property(method, pair, (asked, { path, target }) => {
          const parsed = parseTarget(target);
          if (parsed === undefined) return;
          assert.deepEqual(
            recognise(protocol, asked, target),
            protocol.recognise(asked, path.length === 0 ? [''] : path),
          );
        }),
      );
    });

    it('gives for any targets no more routes than it has, and nothing else that is of a target but model and version', () => {
      const given = new Set<string>();
      fc.assert(
        fc.property(method, targetNear(own), (asked, text) => {
          const found = recognise(protocol, asked, text);
          if (found === undefined) return;
          const { route, inference, modelInBody = true, unmeasured = true } = found;
          given.add(route);
          assert.deepEqual([typeof inference, modelInBody, unmeasured], ['boolean', true, true]);
          assert.ok(Object.keys(found).every((key) => KEYS.includes(key)));
        }),
        runs({ short: 500, long: 20_000 }),
      );
      const routes = new Set(own);
      for (const route of given) assert.ok(routes.has(route), route);
      assert.ok(given.size > Math.min(20, routes.size / 2), `${given.size} of ${routes.size}`);
    });
  });
}

it('whatever a model and its version are called, a row of the tables is about them', () => {
  const free = name.filter((text) => text !== '' && !literals.has(text) && !/(^|[/\\])\.{1,2}($|[/\\])/.test(text));
  for (const [protocolName, rows] of Object.entries(tables)) {
    const protocol = all[protocolName as keyof typeof tables];
    for (const [request, route, , model, version] of rows) {
      const [asked = '', target = ''] = request.split(' ');
      if (model !== 'iris' || target.includes('model_name=')) continue;
      fc.assert(
        fc.property(free, free, (newName, newVersion) => {
          const path = (parseTarget(target)?.segments ?? []).map((part) => {
            if (version !== undefined && part.split(':')[0] === version) return part.replace(version, () => newVersion);
            return part.replace('iris', () => newName);
          });
          const found = protocol.recognise(asked, path);
          assert.deepEqual([found?.route, found?.model, found?.version], [route, newName, version && newVersion]);
        }),
        { numRuns: 30 },
      );
    }
  }
});

it('auto says what the first protocol of its order says that recognises', () => {
  const order = autoOrder(OPTIONS);
  assert.deepEqual(
    order.map(({ name }) => name),
    ['bentoml', 'open-inference', 'kserve-v1', 'mlflow', 'openai', 'torchserve', 'mlflow-tracking'],
  );
  fc.assert(
    fc.property(method, segmentsNear(templates), (asked, path) => {
      const first = order.map((protocol) => protocol.recognise(asked, path)).find((found) => found !== undefined);
      assert.deepEqual(all.auto.recognise(asked, path), first);
    }),
    runs({ short: 500, long: 20_000 }),
  );
});

it('there are few enough routes for the cardinality limit, and each is short', () => {
  for (const { name, routes } of Object.values(all)) {
    assert.ok(new Set(routes.map(({ template }) => template)).size <= 320, name);
  }
  assert.ok(templates.every((template) => template.length <= 100));
});
