import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { labelName, metricName, type NameParts } from '../../src/exposition/names.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';
import { interopProgram, skipWithout } from '../support/interop.ts';

const run = promisify(execFile);

interface DataSourceRef {
  uid: string;
}
interface Dashboard {
  uid: string;
  panels: { title: string; datasource: DataSourceRef; targets: { expr: string; datasource: DataSourceRef }[] }[];
}

const dashboard = JSON.parse(await readFile('grafana/dashboards/metergate.json', 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

test('every query of the dashboard is PromQL', { skip: skipWithout('promtool') }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-dashboard-'));
  t.after(() => rm(folder, { recursive: true }));
  // promtool parses expressions in rules only. Grafana fills in the variables; JSON is YAML.
  const rules = queries.map(({ expr }, index) => ({
    record: `dashboard:query:${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$via', 'scrape'),
  }));
  const file = join(folder, 'rules.yml');
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));

  const { stdout } = await run(interopProgram('promtool'), ['check', 'rules', file]);
  assert.match(stdout, new RegExp(`SUCCESS: ${queries.length} rules found`));
});

test('every query of the dashboard names metrics and labels that the catalogue has', () => {
  const families = new Map(Object.entries(catalogue).flatMap(([name, definition]) => samplesOf(name, definition)));
  for (const { title, expr } of queries) {
    const metrics = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{/g)].map(([, metric = '']) => metric);
    assert.ok(metrics.length > 0, `${title}: no metric in ${expr}`);
    // What the target and the exposition add, whatever the metric.
    const labels = new Set(['via', 'job', 'instance', 'le']);
    for (const metric of metrics) {
      const attributes = families.get(metric);
      assert.ok(attributes, `${title}: ${metric} is not in the catalogue`);
      for (const attribute of attributes) labels.add(labelName(attribute));
    }
    for (const label of labelsOf(expr))
      assert.ok(labels.has(label), `${title}: no metric of it has the label ${label}`);
  }
});

test('every panel reads from the provisioned data source', async () => {
  const { datasources } = parse(await readFile('grafana/provisioning/datasources/prometheus.yaml', 'utf8')) as {
    datasources: DataSourceRef[];
  };
  const uids = dashboard.panels.flatMap(({ datasource, targets }) => [
    datasource,
    ...targets.map((each) => each.datasource),
  ]);
  assert.deepEqual(
    [...new Set(uids.map(({ uid }) => uid))],
    datasources.map(({ uid }) => uid),
  );
});

/** The Prometheus names of an instrument's samples, each with the attributes that they may carry. */
function samplesOf(name: string, { kind, unit, attributes }: InstrumentDefinition): [string, readonly string[]][] {
  const family = metricName({ name, unit, kind: kind.replace('observable_', '') as NameParts['kind'] });
  const suffixes = kind === 'histogram' ? ['_bucket', '_count', '_sum'] : [''];
  return suffixes.map((suffix) => [family + suffix, attributes]);
}

/** Labels in selectors and in `by (...)` clauses. */
function labelsOf(expr: string): string[] {
  const matchers = [...expr.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
  const groupings = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return [...matchers, ...groupings];
}
