import type { Attributes, Metric, Scope } from '../metric/model.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage, stringField, uintField } from '../std/protobuf-fields.ts';
import { writeReadableAttributes } from './attribute-fields.ts';

/** A message around points: what it has besides these, and the messages further in, stands before them. */
export interface Frame {
  /** Of the message around it. */
  readonly field: number;
  readonly head: Buffer;
}

/** ResourceMetrics. */
export function resourceFrame(resource: Attributes): Frame {
  const head = new ByteWriter(256);
  const begin = beginMessage(head, 1);
  writeReadableAttributes(head, 1, resource);
  endMessage(head, begin);
  return { field: 1, head: head.take() };
}

/** ScopeMetrics. */
export function scopeFrame({ name, version, schemaUrl }: Scope): Frame {
  const head = new ByteWriter(128);
  const begin = beginMessage(head, 1);
  textField(head, 1, name);
  textField(head, 2, version);
  endMessage(head, begin);
  textField(head, 3, schemaUrl);
  return { field: 2, head: head.take() };
}

/** Metric. */
export function metricFrame({ name, description, unit }: Metric): Frame {
  const head = new ByteWriter(128);
  textField(head, 1, name);
  textField(head, 2, description);
  textField(head, 3, unit);
  return { field: 2, head: head.take() };
}

const DATA = { gauge: 5, sum: 7, histogram: 9, exponential_histogram: 10, summary: 11 } as const;

/** Gauge, Sum, ... */
export function dataFrame(metric: Metric): Frame {
  const head = new ByteWriter(8);
  if ('temporality' in metric) uintField(head, 2, metric.temporality === 'delta' ? 1 : 2);
  if (metric.kind === 'sum' && metric.monotonic) uintField(head, 3, 1);
  return { field: DATA[metric.kind], head: head.take() };
}

function textField(out: ByteWriter, field: number, text: string): void {
  if (text !== '') stringField(out, field, text);
}
