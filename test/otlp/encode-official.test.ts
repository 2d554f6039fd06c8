import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes as SdkAttributes } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import type { Attributes, GaugeMetric, Metric, Snapshot } from '../../src/metric/model.ts';
import { toSdk } from '../../src/metric/to-sdk.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { runs } from '../exposition/runs.ts';
import { collectSdk, resourceMetrics } from '../metric/sdk-metrics.ts';
import { encodedBytes } from './encoded.ts';
import { decodeMessage } from './messages.ts';

// Whatever both can express, the official serializer says the same of.

function official(snapshot: Snapshot): Uint8Array {
  // Made by the SDK a resource would lose `__proto__`.
  const resource = { ...resourceFromAttributes({}), attributes: snapshot.resource as SdkAttributes };
  const bytes = ProtobufMetricsSerializer.serializeRequest(toSdk(snapshot, resource));
  assert.ok(bytes);
  return bytes;
}

/** Without what says nothing: fields of value 0, messages and metrics without points. */
function essence(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => essence(item)).filter((item) => !hasNoPoints(key, item));
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const zeros = ['startTimeUnixNano', 'timeUnixNano', 'count', 'zeroCount', 'droppedAttributesCount'];
  const fields = Object.entries(value)
    .filter(([name, own]) => !(zeros.includes(name) && (own === '0' || own === 0)) && own !== '')
    .map(([name, own]) => [name, essence(own, name)] as const)
    .filter(([, own]) => own !== undefined);
  return Object.fromEntries(fields);
}

function hasNoPoints(key: string, item: unknown): boolean {
  const fields = item as Record<string, unknown>;
  if (key === 'resourceMetrics') return fields.scopeMetrics === undefined;
  if (key === 'scopeMetrics') return fields.metrics === undefined;
  const data = fields.gauge ?? fields.sum ?? fields.histogram ?? fields.exponentialHistogram;
  return key === 'metrics' && (data as { dataPoints?: unknown } | undefined)?.dataPoints === undefined;
}

function saysTheSame(snapshot: Snapshot): void {
  const [ours, theirs] = [encodedBytes(snapshot), official(snapshot)];
  const messageOf = (bytes: Uint8Array) => essence(decodeMessage('ExportMetricsServiceRequest', bytes));
  assert.deepEqual(messageOf(ours), messageOf(theirs));
  const metricsOf = (bytes: Uint8Array) =>
    decodeExportMetricsRequest(bytes).snapshots.flatMap(({ scopes }) => scopes.filter(({ metrics }) => metrics.length));
  assert.deepEqual(metricsOf(ours), metricsOf(theirs));
}

const described = { name: 'm', description: '', unit: '' };

function gaugeOf(
  values: readonly number[],
  { attributes = values.map(() => ({})), ...more }: Partial<Rows> = {},
): GaugeMetric {
  const column = () => Float64Array.from(values, () => 1_700_000_000_000);
  const points = { attributes, startTimesMs: column(), timesMs: column(), values: Float64Array.from(values), ...more };
  return { ...described, kind: 'gauge', points };
}

interface Rows {
  readonly attributes: readonly Attributes[];
  readonly startTimesMs: Float64Array;
  readonly timesMs: Float64Array;
}

const inScope = (...metrics: Metric[]): Snapshot => ({
  resource: { 'service.name': 'x' },
  scopes: [{ scope: { name: 's', version: '1', schemaUrl: 'https://x' }, metrics }],
});

/** Wider than the model's. */
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 62, -(2 ** 63), 2 ** 63, 1e300, -1e18, 1 - 2 ** 53, 127, 128, -1),
    fc.uint8Array({ maxLength: 5 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

describe('a request says what that of the official serializer says', () => {
  it('of what a MeterProvider collected', async () => {
    saysTheSame(fromSdk(await collectSdk()).snapshot);
  });

  it('of any metrics of the SDK', () => {
    fc.assert(
      fc.property(resourceMetrics, (sent) => saysTheSame(fromSdk(sent).snapshot)),
      runs({ short: 400, long: 20_000 }),
    );
  });

  it('of every double', () => {
    const special = [NaN, Infinity, -Infinity, -0, 0, 5e-324, -5e-324, 2.2250738585072014e-308, Number.MAX_VALUE];
    saysTheSame(inScope(gaugeOf(special)));
    fc.assert(fc.property(fc.array(fc.double()), (values) => saysTheSame(inScope(gaugeOf(values)))));
  });

  it('of every integer that a double holds exactly', () => {
    const integers = fc.array(
      fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(2 ** 32, -(2 ** 32), 2 ** 31)),
    );
    fc.assert(
      fc.property(integers, (values) =>
        saysTheSame(inScope({ ...gaugeOf(values), kind: 'sum', monotonic: true, integer: true, temporality: 'delta' })),
      ),
    );
  });

  it('of times, to the nanosecond', () => {
    const time = fc.oneof(
      fc.double({ min: 1.6e12, max: 2e12, noNaN: true }),
      fc.double({ min: 1e-3, max: 1.8e13, noNaN: true }),
      fc.constantFrom(1, 0.000001, 999.9999999, 1_700_000_000_999.9998, 2 ** 32 / 1e6, 18_446_744_073_709),
    );
    fc.assert(
      fc.property(fc.array(time), (times) => {
        const timesMs = Float64Array.from(times);
        saysTheSame(inScope(gaugeOf(times, { timesMs, startTimesMs: timesMs.toReversed() })));
      }),
      runs({ short: 400, long: 20_000 }),
    );
  });

  it('of attributes of every kind, maps and bytes among them', () => {
    const sets = fc.array(fc.dictionary(fc.string({ maxLength: 4 }), anyValue, { maxKeys: 4, noNullPrototype: true }));
    fc.assert(
      fc.property(sets, (some) => {
        const attributes = some as Attributes[];
        saysTheSame(
          inScope(
            gaugeOf(
              attributes.map(() => 1),
              { attributes },
            ),
          ),
        );
      }),
      runs({ short: 400, long: 20_000 }),
    );
  });
});
