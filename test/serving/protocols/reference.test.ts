import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Recognition } from '../../../src/serving/protocols/protocol.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { runs } from '../../exposition/runs.ts';
import { all, OPTIONS, recognise } from './recognised.ts';
import { reference, type Line } from './reference.ts';
import { method, targetNear } from './targets.ts';
import { fits, textFor } from './templates.ts';

/** What the lines make of a request. */
function expected(lines: readonly Line[], asked: string, path: readonly string[]): Recognition | undefined {
  const line = lines.find(({ pattern }) => fits(pattern, path));
  if (line === undefined) return undefined;
  const { pattern, model, asks } = line;
  const route = routeOf(pattern);
  const inference = asked !== 'OPTIONS' && (asks === 'any' || asks === asked);
  if (model === 'body' && inference) return { route, inference, modelInBody: true };
  if (model === 'body' || model === 'none' || asked === 'OPTIONS') return { route, inference: false };
  if (model === 'config') return { route, inference, model: OPTIONS.name, version: undefined };
  const [name, version] = [/^\{(?:m|workflow_name)\}/, /^\{v\}/].map((place) => textFor(place, pattern, path));
  return { route, inference, model: name, version };
}

function routeOf(pattern: string): string {
  return pattern.replace('{m}', '{model_name}').replace('{v}', '{model_version}');
}

for (const [name, lines] of Object.entries(reference)) {
  const protocol = all[name as keyof typeof reference];
  describe(name, () => {
    it('has the routes of the reference, and no others', () => {
      const tracking = name === 'auto' ? all['mlflow-tracking'].routes : [];
      assert.deepEqual(
        new Set(protocol.routes.map(({ template }) => template)),
        new Set([...lines.map(({ pattern }) => routeOf(pattern)), ...tracking.map(({ template }) => template)]),
      );
    });

    it('says of any target what the reference says', () => {
      let recognised = 0;
      const check = (asked: string, target: string): void => {
        const path = parseTarget(target)?.segments;
        const found = recognise(protocol, asked, target);
        if (path === undefined) return assert.equal(found, undefined);
        // Whom the query names is not in the reference.
        if (found?.route === '/invocations' && target.includes('model_name')) return;
        const last = name === 'auto' ? all['mlflow-tracking'].recognise(asked, path) : undefined;
        assert.deepEqual(found, expected(lines, asked, path) ?? last, `${asked} ${target}`);
        if (found) recognised++;
      };
      const near = targetNear(lines.map(({ pattern }) => routeOf(pattern)));
      fc.assert(fc.property(method, near, check), runs({ short: 1_000, long: 30_000 }));

      assert.ok(recognised > 100, `${recognised} recognised`);
    });
  });
}
