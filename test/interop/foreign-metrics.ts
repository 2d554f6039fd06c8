import type { Source } from '../../src/telemetry/source.ts';
import { toSnapshot, type MetricRows } from '../exposition/snapshot.ts';
import type { SampleHistogram } from '../support/prometheus.ts';
import { seriesKey, type Expected, type Seen } from './expected-series.ts';

/** What no instrument of ours gives: quantiles, scales and thresholds at the limits, counts at the edge of doubles. */
const rows: readonly MetricRows[] = [
  {
    ...{ kind: 'summary', name: 'rpc.latency', unit: 's', description: 'With quantiles' },
    points: [{ quantiles: [0.5, 0.999, 1], values: [0.25, 'NaN', 1e-7], count: 3, sum: 1.5 }],
  },
  {
    ...{ kind: 'histogram', name: 'huge.counts', description: 'As many as a double can count' },
    points: [{ bounds: [0.5], buckets: [2 ** 53 - 1, 1], sum: 1e300 }],
  },
  {
    ...{ kind: 'exponential_histogram', name: 'fine.scale', description: 'Finer than Prometheus has it' },
    points: [{ scale: 10, positive: { offset: 0, counts: [1, 2, 3, 4, 5] }, sum: 15.1 }],
  },
  {
    ...{ kind: 'exponential_histogram', name: 'coarse.scale', description: 'As coarse as Prometheus has it' },
    points: [
      {
        ...{ scale: -4, zeroCount: 2, zeroThreshold: 0.001, sum: 1e6 },
        negative: { offset: 0, counts: [1] },
        positive: { offset: -1, counts: [3, 0, 4] },
      },
    ],
  },
];

export const foreignSource: Source = {
  name: 'foreign',
  collect: () => {
    const time = Date.now();
    const metrics = rows.map((metric) => ({ ...metric, points: metric.points.map((point) => ({ ...point, time })) }));
    return Promise.resolve(
      toSnapshot({ scopes: [{ scope: { name: 'foreign' }, metrics: metrics as MetricRows[] }] }).scopes,
    );
  },
};

const natives: Readonly<Record<string, SampleHistogram>> = {
  fine_scale: {
    ...{ count: 15, sum: 15.1 },
    buckets: [
      { bounds: '(]', lower: 1, upper: 2 ** (1 / 256), count: 10 },
      { bounds: '(]', lower: 2 ** (1 / 256), upper: 2 ** (2 / 256), count: 5 },
    ],
  },
  coarse_scale: {
    ...{ count: 10, sum: 1e6 },
    buckets: [
      { bounds: '[)', lower: -65536, upper: -1, count: 1 },
      { bounds: '[]', lower: -0.001, upper: 0.001, count: 2 },
      { bounds: '(]', lower: 0.001, upper: 1, count: 3 },
      { bounds: '(]', lower: 65536, upper: 4294967296, count: 4 },
    ],
  },
};

/** Adds what Prometheus has to know of the source, of the resource and of the build. */
export function addForeign(seen: Seen, expected: Expected): void {
  const labels = { ...seen.labels, otel_scope_name: 'foreign' };
  const add = (__name__: string, values: Readonly<Record<string, number>>, label = ''): void => {
    for (const [text, value] of Object.entries(values)) {
      expected.values.set(seriesKey({ ...labels, __name__, ...(label !== '' && { [label]: text }) }), value);
    }
  };
  const one = seen.format === 'text' && seen.by === 2 ? '1' : '1.0';
  add('rpc_latency_seconds', { '0.5': 0.25, '0.999': NaN, [one]: 1e-7 }, 'quantile');
  add('rpc_latency_seconds_sum', { '': 1.5 });
  add('rpc_latency_seconds_count', { '': 3 });
  add('huge_counts_bucket', { '0.5': 2 ** 53 - 1, '+Inf': 2 ** 53 }, 'le');
  add('huge_counts_sum', { '': 1e300 });
  add('huge_counts_count', { '': 2 ** 53 });
  if (seen.format === 'protobuf') {
    for (const [name, histogram] of Object.entries(natives)) {
      expected.natives.set(seriesKey({ ...labels, __name__: name }), histogram);
    }
  } else {
    const whole = (bound: string): string => (seen.format === 'text' && seen.by === 2 ? bound : `${bound}.0`);
    add('fine_scale_bucket', { [whole('1')]: 0, [whole('2')]: 15, '+Inf': 15 }, 'le');
    add('fine_scale_sum', { '': 15.1 });
    add('fine_scale_count', { '': 15 });
    add('coarse_scale_bucket', { [whole('1')]: 6, [whole('65536')]: 6, '4.294967296e+09': 10, '+Inf': 10 }, 'le');
    if (seen.format === 'text') add('coarse_scale_count', { '': 10 });
  }
  addOwn(seen, expected);
}

function addOwn({ format, labels }: Seen, { values, metadata }: Expected): void {
  const build = {
    ...{ __name__: 'metergate_build_info', otel_scope_name: 'metergate', otel_scope_version: '1.2.3' },
    ...{ service_version: '1.2.3', process_runtime_version: process.versions.node },
  };
  const target = {
    ...{ __name__: 'target_info', service_name: 'shop', service_instance_id: 'gateway-1', host_name: 'a "b"\n\\c' },
    ...{ telemetry_sdk_language: 'nodejs', telemetry_sdk_name: 'metergate', telemetry_sdk_version: '1.2.3' },
  };
  for (const info of [build, target]) values.set(seriesKey({ ...labels, ...info }), 1);
  const help = 'Target metadata';
  if (format === 'openmetrics') metadata.set('target', { type: 'info', help, unit: '' });
  else metadata.set('target_info', { type: 'gauge', help, unit: '' });
}
