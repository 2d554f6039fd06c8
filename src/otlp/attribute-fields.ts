import type { Attributes } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import {
  beginMessage,
  bytesField,
  doubleField,
  endMessage,
  int64Field,
  stringField,
  uintField,
} from '../std/protobuf-fields.ts';

/** Of values within values. What contains itself is deeper. */
const DEPTH_MAX = 20;

/**
 * Writes one KeyValue for each attribute. Left out are those without a value (`undefined`, `null`) or with one that is none (functions,
 * symbols). Whole numbers that an int64 can hold are integers, as the official serializer has it; of what the model's types do not have
 * but the API's do, maps become key-value lists and bytes stay bytes. In lists and maps what has no value is an empty one.
 *
 * @throws what a getter throws, and RangeError for a value that is nested too deep.
 *
 * Source: opentelemetry/proto/common/v1/common.proto
 */
export function writeAttributes(out: ByteWriter, field: number, attributes: Attributes): void {
  for (const key of Object.keys(attributes)) writeAttribute(out, field, [key, attributes[key]]);
}

/** As `writeAttributes`, without those that throw. */
export function writeReadableAttributes(out: ByteWriter, field: number, attributes: Attributes): void {
  for (const key of Object.keys(attributes)) {
    const { length } = out;
    try {
      writeAttribute(out, field, [key, attributes[key]]);
    } catch {
      out.length = length;
    }
  }
}

function writeAttribute(out: ByteWriter, field: number, [key, value]: [key: string, value: unknown]): void {
  if (hasValue(value)) writeKeyValue(out, field, { key, value, depth: 0 });
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'function' && typeof value !== 'symbol';
}

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
  readonly depth: number;
}

function writeKeyValue(out: ByteWriter, field: number, { key, value, depth }: KeyValue): void {
  const begin = beginMessage(out, field);
  stringField(out, 1, key);
  writeAnyValue(out, 2, { value, depth });
  endMessage(out, begin);
}

function writeAnyValue(out: ByteWriter, field: number, { value, depth }: Omit<KeyValue, 'key'>): void {
  const begin = beginMessage(out, field);
  if (typeof value === 'string') stringField(out, 1, value);
  else if (typeof value === 'boolean') uintField(out, 2, value ? 1 : 0);
  else if (typeof value === 'number') writeNumberValue(out, value);
  else if (typeof value === 'bigint') writeBigInt(out, value);
  else if (value instanceof Uint8Array) bytesField(out, 7, value);
  else if (typeof value === 'object' && value !== null) writeCollection(out, value, depth + 1);
  endMessage(out, begin);
}

function writeNumberValue(out: ByteWriter, value: number): void {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
    const high = Math.floor(value / 2 ** 32);
    int64Field(out, 3, { low: value - high * 2 ** 32, high });
  } else doubleField(out, 4, value);
}

function writeBigInt(out: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    int64Field(out, 3, { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) });
  } else stringField(out, 1, String(value));
}

function writeCollection(out: ByteWriter, value: object, depth: number): void {
  if (depth > DEPTH_MAX) throw new RangeError(`an attribute has values nested deeper than ${DEPTH_MAX}`);
  if (Array.isArray(value)) {
    const begin = beginMessage(out, 5);
    for (const item of value as unknown[]) writeAnyValue(out, 1, { value: item, depth });
    endMessage(out, begin);
    return;
  }
  const begin = beginMessage(out, 6);
  for (const [key, item] of Object.entries(value)) writeKeyValue(out, 1, { key, value: item, depth });
  endMessage(out, begin);
}
