import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { labelName, metricName, type NameParts } from '../../src/exposition/names.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';
import { interopProgram, skipWithout } from '../support/interop.ts';

const run = promisify(execFile);
const readYaml = async (path: string): Promise<unknown> => parse(await readFile(path, 'utf8'));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

const { groups } = (await readYaml('prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const { tests } = (await readYaml('prometheus/rules.test.yml')) as {
  tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[];
};

test('the alerts fire when they should', { skip: skipWithout('promtool') }, async () => {
  const { stdout } = await run(interopProgram('promtool'), ['test', 'rules', 'prometheus/rules.test.yml']);
  assert.match(stdout, /SUCCESS/);
});

test('each alert is seen to fire in a test', () => {
  const fired = tests.flatMap((each) => each.alert_rule_test).filter(({ exp_alerts }) => exp_alerts?.length);
  assert.deepEqual(
    [...new Set(fired.map(({ alertname }) => alertname))].sort(),
    rules.map(({ alert }) => alert).sort(),
  );
});

test('the alerts name metrics and labels that the catalogue has', () => {
  const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);
  const names = instruments.map(([name, { kind, unit }]) =>
    metricName({ name, unit, kind: kind.replace('observable_', '') as NameParts['kind'] }),
  );
  const labels = instruments.flatMap(([, { attributes }]) => attributes.map((key) => labelName(key)));
  const known = new Set([...names, ...labels]);
  for (const { alert, expr, annotations } of rules) {
    // What is in quotes are values of labels.
    const text = [expr.replace(/"[^"]*"/g, ''), annotations.summary].join(' ');
    const named = text.match(/\b(hw|system|metergate|container|process|nodejs|v8js|inference|http)_\w+/g) ?? [];
    assert.ok(
      named.some((name) => names.includes(name)),
      alert,
    );
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
      alert,
    );
  }
});
