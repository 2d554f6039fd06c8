import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PROTOCOLS } from '../../../src/config/protocols.ts';
import { autoOrder } from '../../../src/serving/protocols/auto.ts';
import type { Protocol } from '../../../src/serving/protocols/protocol.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';
import { all, OPTIONS, recognise, tables } from './recognised.ts';

const templates = [...new Set(Object.values(all).flatMap(({ routes }) => routes.map(({ template }) => template)))];
const literals = new Set(templates.flatMap((template) => template.split('/')));

const method = fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'HEAD'), fc.string());
const character = fc.oneof(
  fc.constantFrom('/', ':', '%', '{', '}', '*', '.', '?', '#', '\\', ' ', '\0', 'é', '🌸'),
  fc.string({ unit: 'grapheme', maxLength: 1 }),
);
const name = fc.oneof(
  fc.constantFrom('iris', '1'),
  fc.array(character, { maxLength: 6 }).map((all) => all.join('')),
);
const segment = fc.oneof(fc.constantFrom(...literals), name);
/** Near to a route of some protocol: its placeholders filled in, and at times a segment more, less or other. */
const nearRoute = fc
  .tuple(
    fc.constantFrom(...templates),
    fc.array(name, { minLength: 6, maxLength: 6 }),
    fc.array(segment, { maxLength: 2 }),
  )
  .map(([template, names, more]) => [
    ...template
      .slice(1)
      .split('/')
      .map((part, index) => part.replace(/\{\w+\}|^\*$/, () => names[index % names.length] ?? '')),
    ...more,
  ]);
const segments = fc.oneof(fc.array(segment, { maxLength: 9 }), nearRoute);

/** Some of its characters percent-encoded, in either case; those that end a segment or mean something else in a target always. */
const encoded = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }).map((flips) =>
    Array.from(text)
      .map((each, index) => {
        const bytes = [...Buffer.from(each)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        if (!/[\w.:~-]/.test(each)) return bytes.toUpperCase();
        return flips[index % flips.length] ? bytes : each;
      })
      .join(''),
  );
const targetOf = (path: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(...path.map(encoded)).map((parts) => `/${parts.join('/')}`);

/** The template as its text says it, segment by segment. */
function fits(template: string, path: readonly string[]): boolean {
  const parts = template.slice(1).split('/');
  if (template === '/') return path.length === 0 || (path.length === 1 && path[0] === '');
  if (parts.at(-1) === '*' ? path.length < parts.length : path.length !== parts.length) return false;
  return parts.every((part, index) => {
    const given = path[index] ?? '';
    const [, suffix] = /^\{\w+\}(.*)$/.exec(part) ?? [];
    if (suffix === undefined) return part === '*' || part === given;
    return given.length > suffix.length && given.endsWith(suffix);
  });
}

/** What a path has in the place of a placeholder. */
function textFor(placeholder: RegExp, template: string, path: readonly string[]): string | undefined {
  const parts = template.slice(1).split('/');
  const at = parts.findIndex((part) => placeholder.test(part));
  const suffix = parts[at]?.replace(placeholder, '') ?? '';
  const given = path[at];
  return given?.slice(0, given.length - suffix.length);
}

function check(protocol: Protocol, asked: string, path: readonly string[], query: string): void {
  const found = protocol.recognise(asked, path, query);
  const fitting = protocol.routes.filter(({ template }) => fits(template, path));
  assert.equal(found !== undefined, fitting.length > 0);
  if (found === undefined) return;
  const route = fitting.filter(({ template }) => template === found.route);
  assert.ok(route.length > 0, found.route);
  assert.ok(found.route.length <= 100);
  if (found.inference) assert.ok(asked !== 'OPTIONS' && route.some(({ inference }) => inference));
  if (found.model === undefined) return assert.equal(found.version, undefined);
  assert.ok(found.model !== '' && found.version !== '' && asked !== 'OPTIONS');
  const named = textFor(/^\{(?:model|workflow)_name\}/, found.route, path);
  const others = [OPTIONS.name, new URLSearchParams(query).get('model_name')];
  assert.ok(named === undefined ? others.includes(found.model) : found.model === named, found.model);
  assert.equal(found.version, textFor(/^\{model_version\}/, found.route, path));
}

for (const protocolName of PROTOCOLS) {
  const protocol = all[protocolName];
  describe(protocolName, () => {
    it('gives for any segments a route that fits them, or none if none fits', () => {
      const query = fc.oneof(
        fc.constant(''),
        fc.string().map((text) => `?${text}`),
        name.map((text) => `?model_name=${text}`),
      );
      fc.assert(
        fc.property(method, segments, query, (asked, path, text) => check(protocol, asked, path, text)),
        { numRuns: 2_000 },
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

    it('never throws at any target', () => {
      fc.assert(
        fc.property(method, fc.oneof(fc.string(), fc.webPath(), fc.webUrl()), (asked, target) => {
          const found = recognise(protocol, asked, target);
          assert.ok(found === undefined || protocol.routes.some(({ template }) => template === found.route));
        }),
      );
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
    ['bentoml', 'open-inference', 'kserve-v1', 'mlflow', 'torchserve', 'mlflow-tracking'],
  );
  fc.assert(
    fc.property(method, segments, (asked, path) => {
      const first = order.map((protocol) => protocol.recognise(asked, path)).find((found) => found !== undefined);
      assert.deepEqual(all.auto.recognise(asked, path), first);
    }),
    { numRuns: 2_000 },
  );
});

it('there are few enough routes for the cardinality limit, and each is short', () => {
  for (const { name, routes } of Object.values(all)) {
    assert.ok(new Set(routes.map(({ template }) => template)).size <= 300, name);
  }
  assert.ok(templates.every((template) => template.length <= 100));
});
