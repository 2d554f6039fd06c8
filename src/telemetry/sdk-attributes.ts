import type { Attributes } from '@opentelemetry/api';

/** A copy, since the SDK keeps the object that it is given; and to the SDK a key that has no value makes another series. */
export function present(attributes: Attributes = {}): Attributes {
  const copy = { ...attributes };
  for (const key of Object.keys(copy)) {
    if (copy[key] === undefined || copy[key] === null) Reflect.deleteProperty(copy, key);
  }
  return copy;
}

/** Equal for equal sets of attributes, in whatever order. */
export function attributesKey(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}
