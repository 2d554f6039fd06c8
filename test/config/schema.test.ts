import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { configJsonSchema, parseConfig, type JsonSchema } from '../../src/config/index.ts';
import { outside } from './outside.ts';

/** By its name in docs/configuration.md (`push[].tls.ca_file`, `telemetry.instruments.NAME.min`), every key. */
function keysOf(schema: JsonSchema, prefix = ''): Map<string, JsonSchema> {
  const keys = new Map<string, JsonSchema>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const key = prefix + name;
    keys.set(key, inner);
    const { items, additionalProperties: named } = inner;
    if (items) keysOf(items, `${key}[].`).forEach((value, deeper) => keys.set(deeper, value));
    else if (typeof named === 'object')
      keysOf(named, `${key}.NAME.`).forEach((value, deeper) => keys.set(deeper, value));
    else keysOf(inner, `${key}.`).forEach((value, deeper) => keys.set(deeper, value));
  }
  return keys;
}

interface Row {
  readonly byDefault: string;
  readonly example: string;
  readonly meaning: string;
}

const docs = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const sections = [...docs.matchAll(/^#+ `(.+)`\n\n(.+)$/gm)].map(
  ([, key = '', meaning = '']) => [key, meaning] as const,
);
const rows = new Map(
  [...docs.matchAll(/^\| `([a-z][\w.[\]]*)` +\|(.*)\|$/gm)].map(([, key = '', rest = '']): [string, Row] => {
    const [, byDefault = '', example = '', meaning = ''] = rest.split('|').map((cell) => cell.trim());
    return [key, { byDefault, example, meaning }];
  }),
);
const schema = configJsonSchema();
const keys = keysOf(schema);

test('the schema is for people and programs: its dialect is named and every key is described', () => {
  assert.equal(Reflect.get(schema, '$schema'), 'https://json-schema.org/draft/2020-12/schema');
  assert.deepEqual(
    [...keys].filter(([, { description }]) => !description).map(([key]) => key),
    [],
  );
});

test('docs/configuration.md has the keys of the schema and no others', () => {
  assert.deepEqual([...sections.map(([key]) => key), ...rows.keys()].toSorted(), [...keys.keys()].toSorted());
});

test('docs/configuration.md says of every key what the schema says', () => {
  for (const [key, meaning] of [...sections, ...[...rows].map(([key, row]) => [key, row.meaning] as const)]) {
    assert.equal(meaning, keys.get(key)?.description, key);
  }
});

test('docs/configuration.md has the defaults of the schema', () => {
  for (const [key, { byDefault }] of rows) {
    const known = keys.get(key)?.default;
    const quoted = /^`(.+)`$/.exec(byDefault)?.[1];
    if (known === undefined) assert.match(byDefault, /required|none|at most|else/, key);
    else assert.deepEqual(parse(quoted ?? ''), known, key);
  }
});

/** Every key that has a row, so that an example finds what it goes with. */
const COMPLETE = `
telemetry:
  instruments: { inference.request.duration: { min: 0.0001, max: 1000, factor: 10 } }
  attributes_from_headers: [{ header: x-a, attribute: a }]
upstreams:
  - name: a
    url: "https://127.0.0.1:8080"
    protocol: auto
    routes: [{ path: /a }]
    instruments: { inference.request.duration: { min: 0.0001, max: 1000, factor: 10 } }
    models: [{ name: m, instruments: { inference.request.duration: { min: 0.0001, max: 1000, factor: 10 } } }]
    requests_in_flight: 8
    health: { path: /health }
    tls: { cert_file: a, key_file: b }
push: [{ name: a, endpoint: "https://h:4317", tls: { cert_file: a, key_file: b } }]
`;

test('the example of every key in docs/configuration.md is accepted', () => {
  for (const [key, { example }] of rows) {
    const file: unknown = parse(COMPLETE);
    const steps = key.replaceAll('[]', '.0').split('.');
    let at = file as Record<string, unknown>;
    for (const step of steps.slice(0, -1)) {
      at = (at[step === 'NAME' ? 'inference.request.duration' : step] ??= {}) as Record<string, unknown>;
    }
    // They are the other way to say the same.
    if (steps.at(-1) === 'buckets') for (const other of ['min', 'max', 'factor']) Reflect.deleteProperty(at, other);
    at[steps.at(-1) ?? ''] = parse(example.slice(1, -1));
    const result = parseConfig({ text: stringify(file), source: key, ...outside() });
    assert.deepEqual(result.ok || result.problems, true, key);
  }
});

test('every YAML block of docs/configuration.md is a configuration', () => {
  const blocks = [...docs.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block);
  assert.ok(blocks.length >= 3);
  for (const text of blocks) {
    const result = parseConfig({ text, source: 'docs/configuration.md', ...outside({ PULL: 'true' }) });
    assert.deepEqual(result.ok || result.problems, true, text);
  }
});
