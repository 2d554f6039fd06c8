import { createEncoder } from '../../src/otlp/encode.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import type { Batch } from '../../src/push/batch.ts';

/** A batch with a point for each value, of a counter `m`. */
export function batchOf(timeMs: number, values: readonly number[]): Batch {
  const column = (value: number): Float64Array => new Float64Array(values.length).fill(value);
  const points = {
    attributes: values.map((_, i) => ({ row: i })),
    startTimesMs: column(1),
    timesMs: column(timeMs),
    values: Float64Array.from(values),
  };
  const metric = {
    kind: 'sum',
    name: 'm',
    description: '',
    unit: '',
    monotonic: true,
    temporality: 'delta',
    points,
  } as const;
  const scopes = [{ scope: { name: 's', version: '', schemaUrl: '' }, metrics: [metric] }];
  const options = { batchBytesMax: 1e9, drop: () => {} };
  for (const encoded of createEncoder().encode([{ resource: {}, scopes }], options)) {
    if (encoded !== undefined) return { timeMs, points: encoded.points, payload: encoded.bytes };
  }
  throw new Error('no batch came of it');
}

/** Those of a batch made by `batchOf`, or of a part of one. */
export function valuesOf({ payload }: Pick<Batch, 'payload'>): number[] {
  return decodeExportMetricsRequest(payload)
    .snapshots.flatMap(({ scopes }) => scopes)
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => (metric.kind === 'sum' ? [...metric.points.values] : []));
}
