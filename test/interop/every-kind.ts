import { ValueType, type Attributes } from '@opentelemetry/api';
import type { HistogramName, CounterName, ObservableName } from '../../src/telemetry/instruments.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';
import type { Telemetry } from '../../src/telemetry/index.ts';
import { foreignSource } from './foreign-metrics.ts';
import { knownMetrics, record } from './known-metrics.ts';

/** Observed by the telemetry itself. */
const OWN = ['metergate.build_info', 'metergate.cardinality.overflow', 'metergate.measurements.refused'];

/** Records on every instrument of the catalogue and on some of every kind that users can have; the same is there ever after. */
export function recordEveryKind(telemetry: Telemetry): void {
  recordCatalogue(telemetry);
  record(telemetry.getMeter({ name: 'known', version: '1' }), knownMetrics);
  telemetry.addSource(foreignSource);
  recordCustom(telemetry);
  recordObservables(telemetry);
  recordOddNames(telemetry);
  recordOddLabels(telemetry);
}

function recordCatalogue(telemetry: Telemetry): void {
  const { instruments } = telemetry;
  for (const [name, definition] of Object.entries<InstrumentDefinition>(catalogue)) {
    if (OWN.includes(name)) continue;
    const attributes = Object.fromEntries(definition.attributes.map((key) => [key, `some ${key}`]));
    switch (definition.kind) {
      case 'counter':
      case 'up_down_counter':
        instruments.counter(name as CounterName).add(3, attributes);
        break;
      case 'histogram':
        for (const value of definition.bounds ?? []) {
          instruments.histogram(name as HistogramName).record(value * 1.5, attributes);
        }
        break;
      default:
        instruments.observe(name as ObservableName, (observe) => observe(0.5, attributes));
    }
  }
  // What the telemetry says of itself needs a reason.
  const meter = telemetry.getMeter({ name: 'full' });
  const counter = meter.createCounter('full.counter', { cardinalityLimit: 1 });
  for (const model of ['iris', 'wine', 'wheat']) counter.add(1, { model });
  counter.add(NaN);
}

function recordCustom({ custom }: Telemetry): void {
  custom.register('custom.counter', { kind: 'counter', unit: '{thing}', description: 'Things' }).inc(2, { of: 'a' });
  custom.register('custom.gauge', { kind: 'gauge', unit: 'Cel', description: 'Warm' }).set(-1.5);
  custom.register('custom.histogram', { kind: 'histogram', unit: 'ms', buckets: [1, 10] }).observe(5);
  custom.register('custom.summary', { kind: 'summary', unit: 'By' }).observe(5);
  custom.log({ 'custom.logged': 0.5 }, { epoch: 1 });
}

function recordObservables(telemetry: Telemetry): void {
  const meter = telemetry.getMeter({ name: 'observed', version: '2', schemaUrl: 'https://example.com/schema/1' });
  const options = { unit: 'By', description: 'Seen from outside' };
  meter.createObservableCounter('seen.counter', options).addCallback((result) => result.observe(7, { of: 'a' }));
  meter.createObservableUpDownCounter('seen.level', options).addCallback((result) => result.observe(-7));
  meter.createObservableGauge('seen.gauge', options).addCallback((result) => result.observe(NaN));
  meter.createCounter('whole.counter', { valueType: ValueType.INT }).add(2 ** 53);
  meter.createGauge('whole.gauge', { valueType: ValueType.INT }).record(-3);
  meter.createHistogram('boundless', { advice: { explicitBucketBoundaries: [] } }).record(3);
}

/** Name and unit of counters, gauges and histograms alike. */
const oddNames = [
  ['total.of.things', '1'],
  ['ratio.of.things', '1'],
  ['double__under..score', 's'],
  ['1st.place', ''],
  ['disk.size', 'TiBy'],
  ['file.size', 'kBy'],
  ['wire.size', 'KiBy'],
  ['io.rate', 'By/s'],
  ['io.bytes_per_second', 'By/s'],
  ['walk', 'm/m'],
  ['stray', 'foo#'],
  ['share', '%'],
  ['seconds.since', 's'],
  ['sent', 'By{payload}'],
  ['größe.Ä', 's'],
  ['___', 's'],
] as const;

function recordOddNames(telemetry: Telemetry): void {
  const meter = telemetry.getMeter({ name: 'names' });
  for (const [name, unit] of oddNames) {
    const options = { unit, description: `Odd: ${name}` };
    meter.createCounter(name, options).add(2);
    meter.createGauge(`${name}.g`, options).record(3);
    meter.createHistogram(`${name}.h`, { ...options, advice: { explicitBucketBoundaries: [1] } }).record(4);
  }
}

const oddLabels: readonly Attributes[] = [
  { _x: 'underscore' },
  { __y: 'two underscores' },
  { '1a': 'digit' },
  { 'a.b': 'first', a_b: 'second' },
  { 'run..of': 'dots' },
  { größe: 'groß' },
  { otel_scope_name: 'forged' },
  { job: 'forged', instance: 'forged' },
  { empty: '' },
  { number: 1.5, large: 1e21, boolean: false, list: [1, 2.5, 'x', true] },
];

function recordOddLabels(telemetry: Telemetry): void {
  const meter = telemetry.getMeter({ name: 'labels' });
  for (const [i, attributes] of oddLabels.entries()) meter.createGauge(`odd.label.${i}`).record(i, attributes);
  meter.createGauge('shared', { description: 'of two scopes' }).record(1);
  telemetry.getMeter({ name: 'labels.too' }).createGauge('shared', { description: 'of two scopes' }).record(2);
  meter.createGauge('disputed', { description: 'a gauge' }).record(1);
  telemetry.getMeter({ name: 'labels.too' }).createHistogram('disputed', { description: 'a histogram' }).record(2);
}

/** Makes the Collector's page one that Prometheus refuses. */
export function recordReservedLabel(telemetry: Telemetry): void {
  const bounds = { advice: { explicitBucketBoundaries: [0.5] } };
  telemetry.getMeter({ name: 'labels' }).createHistogram('odd.le', bounds).record(1, { le: 'forged' });
}

export function recordExponential(telemetry: Telemetry): void {
  const exponential = { aggregation: 'base2_exponential_bucket_histogram' } as const;
  const histogram = telemetry.getMeter({ name: 'exponential' }).createHistogram('grown.size', exponential);
  for (const value of [1, 3, 100]) histogram.record(value);
}
