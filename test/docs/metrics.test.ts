import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PROTOCOLS } from '../../src/config/protocols.ts';
import { DROP_REASONS } from '../../src/exposition/families.ts';
import { labelName } from '../../src/exposition/names.ts';
import { gpuFields } from '../../src/observables/gpu/gpu.ts';
import { outcomes } from '../../src/serving/proxy/outcome.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';
import { metricTables, prometheusName } from './metric-tables.ts';

// `UPDATE_DOCS=1 node --test test/docs/metrics.test.ts` writes the tables anew; the diff is the review.

const file = new URL('../../docs/metrics.md', import.meta.url);
const tables = metricTables();
const marked = /(<!-- table: ([a-z.]+) -->\n)([^]*?)(\n<!-- end -->)/g;

if (process.env.UPDATE_DOCS === '1') {
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(
      marked,
      (_, before: string, name: string, old: string, after: string) =>
        `${before}\n${tables[name] ?? old.trim()}\n${after}`,
    ),
  );
}

const page = readFileSync(file, 'utf8');
const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);
/** All that is in backticks in the running text and the tables that people write. */
const words = [...page.replace(marked, '').matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
const attributes = new Set(instruments.flatMap(([, definition]) => definition.attributes));
const ofGpus = Object.values(gpuFields).flatMap((field) =>
  'attributes' in field ? Object.values<string>(field.attributes) : [],
);

describe('docs/metrics.md', () => {
  const found = Object.fromEntries([...page.matchAll(marked)].map(([, , name = '', table]) => [name, table?.trim()]));

  for (const [name, table] of Object.entries(tables)) {
    it(`has the table ${name} as the code has it`, () => {
      // Line by line, so that a difference is seen; a metric that is only in the docs is one as well.
      assert.deepEqual(found[name]?.split('\n'), table.split('\n'));
    });
  }

  it('has every metric in one table', () => {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(tables).sort());
    const rows = [...page.matchAll(/^\| `([a-z0-9_.]+)` +\| `[a-z0-9_]+` +\| [a-z]/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), Object.keys(catalogue).sort());
  });

  it('explains every attribute, and none that is not there', () => {
    const [, section = ''] = /\n## Attributes\n([^]*?)\n#/.exec(page) ?? [];
    const explained = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(explained.sort(), [...attributes].sort());
  });

  it('explains every reason for which a family is left out of a page', () => {
    const explained = [...page.matchAll(/^\| `metergate\.pull\.families\.dropped` +\| `([a-z_]+)` +\| [A-Z]/gm)];
    assert.deepEqual(explained.map(([, reason]) => reason).sort(), [...DROP_REASONS].sort());
  });

  it('says every value of the closed sets', () => {
    for (const value of [...outcomes, ...PROTOCOLS, '_other', '_OTHER', ...ofGpus])
      assert.ok(words.includes(value), value);
  });

  it('speaks of no metric that does not exist', () => {
    const known = new Set<string>([
      ...instruments.flatMap(([name, definition]) => [name, prometheusName(name, definition)]),
      ...[...attributes].flatMap((attribute) => [attribute, labelName(attribute)]),
      // Some reasons for which a GPU is throttled begin as names of hardware do.
      ...ofGpus,
    ]);
    const namespaces = 'inference|metergate|system|container|process|nodejs|v8js|hw|http';
    const spoken = words.filter((word) => new RegExp(`^(${namespaces})[._][a-z0-9_.]*[a-z0-9]$`).test(word));
    assert.deepEqual(
      spoken.filter((word) => !known.has(word)),
      [],
    );
  });
});
