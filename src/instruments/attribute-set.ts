import type { Attributes as GivenAttributes } from '@opentelemetry/api';
import type { AttributeValue, Attributes } from '../metric/model.ts';

/** Where measurements go whose attribute set found no room. Source: OpenTelemetry metrics SDK, "overflow attribute". */
export const OVERFLOW: Attributes = Object.freeze({ 'otel.metric.overflow': true });

/**
 * A copy that no caller can change: keys in order, so that sets of the same keys share one shape, and only what can be exported.
 * `undefined`, `null`, functions, symbols, the empty key and what throws when it is read count as not there. What the API's types
 * allow besides strings, numbers, booleans and lists of them (maps, bytes) and big integers become text, as the specification
 * represents them.
 */
export function toAttributeSet(given: GivenAttributes): Attributes {
  const entries: [string, AttributeValue][] = [];
  for (const key of keysOf(given).sort()) {
    const value = valueOf(given, key);
    if (value !== undefined && key !== '') entries.push([key, value]);
  }
  // Not by assignment: `__proto__` is a key as any other.
  return Object.freeze(Object.fromEntries(entries));
}

/** None of what is no object, whatever the types say, nor of one that throws: nobody is to pay for counting a request. */
export function keysOf(given: GivenAttributes): string[] {
  try {
    return Object.keys(given);
  } catch {
    return [];
  }
}

/** Whether equal values are the same key of a `Map`: true for nearly every value in life. */
export function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Equal for equal values, or sets made by `toAttributeSet`, only. */
export function textOf(value: AttributeValue | Attributes): string {
  const text = JSON.stringify(value);
  // JSON writes NaN and the infinities as null, too. To look at each value is four times as slow.
  if (!text.includes('null')) return text;
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'number' ? { number: String(inner) } : inner));
}

function valueOf(given: GivenAttributes, key: string): AttributeValue | undefined {
  try {
    return toValue(given[key]);
  } catch {
    return undefined; // It contains itself, or throws when it is read.
  }
}

function toValue(value: unknown): AttributeValue | undefined {
  if (isPlain(value)) return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) && value.every((entry) => isPlain(entry) || entry == null)) {
    return Object.freeze([...(value as (string | null)[])]);
  }
  return value instanceof Uint8Array ? toBase64(value) : JSON.stringify(value, toJson);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function toJson(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return typeof value === 'bigint' ? String(value) : value;
}
