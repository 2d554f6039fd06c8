// The same data by the three ways that it can take to Prometheus has the same names, labels, `job` and `instance`. What differs
// all the same is in a table of docs/metrics.md, and nothing else may.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { createTelemetry, type Telemetry } from '../../src/telemetry/index.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import { prometheusName } from '../docs/metric-tables.ts';
import { skipWithout } from '../support/interop.ts';
import { sampleValue } from '../support/prometheus.ts';
import { recordEveryKind, recordExponential, recordReservedLabel } from './every-kind.ts';
import { takeBy, WAYS, type Way } from './three-ways.ts';
import { differencesOf, knownBy, NOTHING, type Difference, type KnownByWay } from './way-differences.ts';

const JOB = 'demo/shop';
const INSTANCE = 'gateway-1';

interface Scenario {
  readonly record: (telemetry: Telemetry) => void;
  readonly native: boolean;
}

const scenarios: Record<string, Scenario> = {
  'every kind': { record: recordEveryKind, native: true },
  'a histogram with an attribute le': { record: recordReservedLabel, native: true },
  'an exponential histogram, where scrapes do not ask for native ones': { record: recordExponential, native: false },
};

const ofMetric =
  (pattern: RegExp) =>
  ({ metric }: Difference): boolean =>
    pattern.test(metric);

/** What makes a difference one of a row of the table, by its first column. The first that applies counts. */
const rows: Record<string, (difference: Difference) => boolean> = {
  'Numbers in `le` and `quantile`': ({ about, said: { scrape, collector, endpoint } }) =>
    about === 'bounds' && [scrape, NOTHING].includes(collector) && asNumbers(scrape) === asNumbers(endpoint),
  'Labels of `target_info`': ofMetric(/^target_info$/),
  'Type, help and unit': ({ about, said }) => about === 'metadata' && says(said, ['some', 'some', NOTHING]),
  'Unit of a metric': ({ about, said }) => about === 'unit' && says(said, [said.scrape, '', NOTHING]),
  'Exemplars of up-down counters': ({ about, metric, said }) =>
    about === 'exemplars' && metric === 'pool_connections' && says(said, [NOTHING, NOTHING, said.endpoint]),
  'Zero threshold of an exponential histogram': ofMetric(/^coarse_scale$/),
  'Exponential histograms as classic ones': ofMetric(/^grown_size(_bucket|_sum|_count)?$/),
  'Sum after a negative value': ({ metric, said }) =>
    metric === 'temperature_celsius_sum' && says(said, ['NaN', '0', NOTHING]),
  'Exponential histogram after a negative value': ofMetric(/^balance$/),
  '`TiBy` and `kBy`': ofMetric(/^(disk|file)_size_.*(te|ti|k)/),
  'A name that ends in a unit of several words': ofMetric(/^io_bytes_per_second(_per_second)?_total$/),
  'A unit with a stray character': ofMetric(/^stray_/),
  'A name without letter or digit': ({ metric, said }) => metric === 'seconds_total' && says(said, [NOTHING, '2', '2']),
  'An attribute that starts with `_`': ofMetric(/^odd_label_0$/),
  'An attribute that starts with `__`': ofMetric(/^odd_label_1$/),
  'Attributes that become one label': ({ metric, said }) => metric === 'odd_label_3' && says(said, ['3', NOTHING, '3']),
  'An attribute `otel_scope_name`': ofMetric(/^odd_label_6$/),
  'An attribute `job` or `instance`': ofMetric(/^odd_label_7$/),
  'An attribute `le` of a histogram': ({ about, metric }) => about === 'page' || metric.startsWith('odd_le_'),
  'One name, two types': ofMetric(/^disputed(_bucket|_sum|_count)?$/),
};

function says(
  said: Difference['said'],
  wanted: readonly [scrape: string, collector: string, endpoint: string],
): boolean {
  return WAYS.every((way, i) => said[way] === wanted[i]);
}

/** What stands in `le`, and not how. */
function asNumbers(bounds: string): string {
  return bounds.split(' ').map(sampleValue).join(' ');
}

describe('the same data by three ways', { skip: skipWithout('prometheus3', 'otelcol') }, () => {
  const differences: Difference[] = [];
  const series = new Map<string, Known>();
  const rowOf = (difference: Difference): string => Object.entries(rows).find(([, is]) => is(difference))?.[0] ?? '';

  before(async () => {
    for (const [scenario, options] of Object.entries(scenarios)) {
      const known = await takeByAllWays(options);
      series.set(scenario, known);
      differences.push(...differencesOf(known));
    }
  });

  it('has the same names, labels and values, but for the differences of docs/metrics.md', (t) => {
    const lines = new Set(differences.map((difference) => lineOf(rowOf(difference), difference)));
    for (const line of [['difference', 'metric', ...WAYS].join(' | '), ...lines]) t.diagnostic(line);
    assert.deepEqual([...new Set(differences.map(rowOf))].sort(), explained().sort());
  });

  it('is compared as a whole', () => {
    const { scrape, collector, endpoint } = series.get('every kind') ?? assert.fail();
    const alike = [...scrape.series].filter(
      ([key, value]) => collector.series.get(key) === value && endpoint.series.get(key) === value,
    );
    const metrics = new Set(alike.map(([key]) => /"__name__","(\w+?)(?:_bucket|_sum|_count)?"/.exec(key)?.[1]));
    for (const [name, definition] of Object.entries(catalogue)) {
      const at = prometheusName(name, definition);
      assert.ok(metrics.has(at) || metrics.has(at.replace(/_count$/, '')), `${at} is not compared`);
    }
    assert.ok(alike.length > 0.8 * scrape.series.size, `${alike.length} of ${scrape.series.size} are alike`);
    for (const [key] of alike) {
      for (const label of [
        ['instance', INSTANCE],
        ['job', JOB],
      ])
        assert.ok(key.includes(JSON.stringify(label)), key);
    }
  });
});

/** The rows of the table. */
function explained(): string[] {
  const [, section = ''] =
    /\n## Three ways to Prometheus\n([^]*?)(?:\n## |$)/.exec(readFileSync('docs/metrics.md', 'utf8')) ?? [];
  const [, , ...table] = section.split('\n').filter((line) => line.startsWith('|'));
  return table.map((line) => line.split('|')[1]?.trim() ?? '');
}

/** One for all series of a metric that differ in the same way. */
function lineOf(row: string, { about, metric, labels, said }: Difference): string {
  const own = Object.entries(labels).filter(([name]) => !['le', 'job', 'instance'].includes(name));
  const shown = own.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',');
  const cells = WAYS.map((way) => said[way].replace(/\s+/g, ' ').slice(0, 100));
  return [row || 'UNEXPLAINED', `${metric || 'all'}{${shown}} (${about})`, ...cells].join(' | ');
}

type Known = Readonly<Record<Way, KnownByWay>>;

async function takeByAllWays({ record, native }: Scenario): Promise<Known> {
  const resource = {
    ...{ 'service.namespace': 'demo', 'service.name': 'shop', 'service.instance.id': INSTANCE },
    ...{ 'host.name': 'a "host"' },
  };
  const destinations = ['collector', 'endpoint'].map((name) => ({ name, temporality: 'cumulative' as const }));
  const telemetry = createTelemetry({ version: '1.2.3', resource, destinations });
  record(telemetry);
  const undoing: (() => unknown)[] = [];
  try {
    const given = {
      telemetry,
      job: JOB,
      instance: INSTANCE,
      native,
      after: (undo: () => unknown) => void undoing.push(undo),
    };
    const [scrape, collector, endpoint] = await Promise.all(WAYS.map(async (way) => knownBy(await takeBy[way](given))));
    assert.ok(scrape && collector && endpoint);
    return { scrape, collector, endpoint };
  } finally {
    for (const undo of undoing.reverse()) await undo();
  }
}
