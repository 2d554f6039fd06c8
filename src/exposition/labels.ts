import type { AttributeValue, Attributes, Scope } from '../metric/model.ts';
import { labelName } from './names.ts';

/** Name, value, name, value, ... of one series, ordered by name; names are unique, values well-formed and not empty. */
export type Labels = readonly string[];

export interface LabellerOptions {
  /** Its name, version and schema URL become `otel_scope_*` labels. */
  readonly scope?: Scope;
  /** Label names, besides those of the scope, that the exposition writes itself. */
  readonly reserved?: readonly string[];
}

/** One label of a shape: the scope's value, or the attributes whose keys became this name, in order of the original keys. */
type Slot =
  { readonly name: string; readonly value: string } | { readonly name: string; readonly keys: readonly string[] };

/** A node of the tree of attribute keys; it stands for the keys on the way to it. */
interface Shape {
  readonly next: Map<string, Shape>;
  slots?: readonly Slot[];
}

/**
 * Makes labels of attributes. Names are worked out once per shape (set of keys in their order), so that a series costs no more than
 * its values.
 *
 * Keys that become one name have their values joined with `;`. An attribute that takes a reserved name becomes `exported_<name>`, as
 * Prometheus does with clashing labels of a target. An attribute that is null or undefined is dropped, and so is an empty value: to
 * Prometheus an empty label and none are the same.
 */
export function createLabeller({ scope, reserved = [] }: LabellerOptions): (attributes: Attributes) => Labels {
  const scopeSlots = scope === undefined ? [] : toScopeSlots(scope);
  const taken = new Set([...reserved, ...scopeSlots.map(({ name }) => name)]);
  const root: Shape = { next: new Map() };

  return (attributes) => {
    const keys = Object.keys(attributes).filter((key) => isPresent(attributes[key]));
    const shape = keys.reduce(step, root);
    shape.slots ??= toSlots(keys, taken, scopeSlots);
    const labels: string[] = [];
    for (const slot of shape.slots) {
      const value = 'value' in slot ? slot.value : joinValues(attributes, slot.keys);
      if (value !== '') labels.push(slot.name, value);
    }
    return labels;
  };
}

/** Equal for equal labels only: no well-formed value holds the separator, a lone surrogate. */
export function labelsKey(labels: Labels): string {
  return labels.join('\ud800');
}

function toScopeSlots({ name, version, schemaUrl }: Scope) {
  return [
    { name: 'otel_scope_name', value: name.toWellFormed() },
    { name: 'otel_scope_schema_url', value: schemaUrl.toWellFormed() },
    { name: 'otel_scope_version', value: version.toWellFormed() },
  ];
}

/** A foreign producer's null is not in the types. */
function isPresent(value: AttributeValue | null | undefined): boolean {
  return value !== undefined && value !== null;
}

function step(shape: Shape, key: string): Shape {
  const known = shape.next.get(key);
  if (known !== undefined) return known;
  const next: Shape = { next: new Map() };
  shape.next.set(key, next);
  return next;
}

function toSlots(keys: readonly string[], taken: ReadonlySet<string>, scopeSlots: readonly Slot[]): Slot[] {
  const keysByName = new Map<string, string[]>();
  for (const key of keys.toSorted()) {
    if (key === '') continue;
    const plain = labelName(key);
    const name = taken.has(plain) ? `exported_${plain}` : plain;
    const sharers = keysByName.get(name);
    if (sharers === undefined) keysByName.set(name, [key]);
    else sharers.push(key);
  }
  const slots = [...keysByName].map(([name, sharers]) => ({ name, keys: sharers }));
  return [...slots, ...scopeSlots].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function joinValues(attributes: Attributes, keys: readonly string[]): string {
  let joined = '';
  for (const [i, key] of keys.entries()) {
    const value = attributes[key];
    if (value !== undefined) joined += i === 0 ? valueText(value) : `;${valueText(value)}`;
  }
  return joined;
}

/** Strings as they are, else the specification's representation: JSON, where NaN and the infinities are strings and bytes base64. */
function valueText(value: AttributeValue): string {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object') return String(value);
  const json: unknown = toJson('', value);
  return typeof json === 'string' ? json : JSON.stringify(json, toJson);
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
