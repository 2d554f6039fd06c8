import type { AttributeValue } from '../metric/model.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

export type AttributesDraft = Record<string, AttributeValue | undefined>;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Reads one KeyValue into `attributes`; the last of several with one key counts.
 *
 * The model holds scalars and arrays of scalars. Beyond that: bytes become base64; a key-value list becomes JSON with sorted keys, so that
 * one list is always one string; so does an array or a list within an array. JSON has `null` for numbers that are not finite.
 * An empty value is `undefined`, but `null` in an array or in JSON.
 *
 * Source: opentelemetry/proto/common/v1/common.proto
 */
export function readAttribute(reader: ProtobufReader, attributes: AttributesDraft): void {
  const [key, value] = readKeyValue(reader);
  put(attributes, key, modelled(value));
}

/** `into[key] = value` for keys from outside. */
function put<Value>(into: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__' || /^\d/.test(key)) {
    // An assignment to __proto__ adds no property. One to a number such as '1000' makes V8 set aside 12 kB for the numbers before
    // it, so that a few MB of such keys could bring a process down; for a property that cannot be deleted it does not.
    Object.defineProperty(into, key, { value, enumerable: true, writable: true });
  } else {
    into[key] = value;
  }
}

function modelled(value: Json): AttributeValue | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object') return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value.map((item) => (typeof item === 'object' && item !== null ? JSON.stringify(item) : item));
}

function readKeyValue(reader: ProtobufReader): [key: string, value: Json] {
  let key = '';
  let value: Json = null;
  reader.message((field) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = readAnyValue(reader);
  });
  return [key, value];
}

function readAnyValue(reader: ProtobufReader): Json {
  let value: Json = null;
  reader.message((field) => {
    if (field === 1) value = reader.string();
    else if (field === 2) value = reader.int64() !== 0;
    else if (field === 3) value = reader.int64();
    else if (field === 4) value = reader.double();
    else if (field === 5) value = readArray(reader);
    else if (field === 6) value = readKeyValueList(reader);
    else if (field === 7) value = Buffer.from(reader.bytes()).toString('base64');
  });
  return value;
}

function readArray(reader: ProtobufReader): Json[] {
  const items: Json[] = [];
  reader.message((field) => {
    if (field === 1) items.push(readAnyValue(reader));
  });
  return items;
}

function readKeyValueList(reader: ProtobufReader): Json {
  const entries: [string, Json][] = [];
  reader.message((field) => {
    if (field === 1) entries.push(readKeyValue(reader));
  });
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const list: Record<string, Json> = {};
  for (const [key, value] of entries) put(list, key, value);
  return list;
}
