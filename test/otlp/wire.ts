import assert from 'node:assert/strict';
import type { Metric } from '../../src/metric/model.ts';
import { type DecodedRequest, decodeExportMetricsRequest } from '../../src/otlp/decode.ts';

// A writer of single fields, for what the official serializer never sends.
export type Bytes = readonly number[];

export const int = (value: bigint): Bytes => {
  const bits = BigInt.asUintN(64, value);
  return bits < 128n ? [Number(bits)] : [Number(bits & 127n) | 128, ...int(bits >> 7n)];
};
const tag = (field: number, wireType: number): Bytes => int(BigInt(field * 8 + wireType));
export const varint = (field: number, value: number | bigint): Bytes => [...tag(field, 0), ...int(BigInt(value))];
export const message = (field: number, ...parts: Bytes[]): Bytes => {
  const content = parts.flat();
  return [...tag(field, 2), ...int(BigInt(content.length)), ...content];
};
export const string = (field: number, value: string): Bytes => message(field, [...Buffer.from(value)]);
export const rawDouble = (value: number): Bytes => [...new Uint8Array(Float64Array.of(value).buffer)];
export const rawFixed64 = (value: bigint): Bytes => [...new Uint8Array(BigUint64Array.of(value).buffer)];
export const double = (field: number, value: number): Bytes => [...tag(field, 1), ...rawDouble(value)];
export const fixed64 = (field: number, value: bigint): Bytes => [...tag(field, 1), ...rawFixed64(value)];
export const fixed32 = (field: number): Bytes => [...tag(field, 5), 1, 2, 3, 4];

export const keyValue = (field: number, key: string, ...any: Bytes[]): Bytes =>
  message(field, string(1, key), message(2, ...any));
export const cumulative = varint(2, 2);
export const gauge = (...points: Bytes[]): Bytes => message(2, string(1, 'g'), message(5, ...points));
export const histogram = (...points: Bytes[]): Bytes => message(2, string(1, 'h'), message(9, cumulative, ...points));
export const inScope = (...metrics: Bytes[]): Bytes => message(1, message(2, ...metrics));

export const decode = (...parts: Bytes[]): DecodedRequest => decodeExportMetricsRequest(Uint8Array.from(parts.flat()));

export function onlyMetric({ snapshots }: DecodedRequest): Metric {
  const metrics = snapshots.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.metrics));
  assert.equal(metrics.length, 1);
  assert.ok(metrics[0]);
  return metrics[0];
}
