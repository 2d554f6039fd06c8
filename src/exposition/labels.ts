import type { AttributeValue, Attributes, Scope } from '../metric/model.ts';

/** Name, value, name, value, ... of one series, ordered by name; names are unique, values well-formed and not empty. */
export type Labels = readonly string[];

export interface LabellerOptions {
  /** The label name of an attribute key, empty = none. */
  readonly nameOf: (key: string) => string;
  /** Its name, version and schema URL become `otel_scope_*` labels. */
  readonly scope?: Scope | undefined;
  /** A label name, besides those of scopes, that the exposition writes itself. */
  readonly reserved?: string | undefined;
  /** Labels that every series has, unless it has one of that name itself. */
  readonly constants?: Labels;
}

/** One label of a shape: a fixed value, or the attributes whose keys became this name, in order of the original keys. */
type Slot =
  { readonly name: string; readonly value: string } | { readonly name: string; readonly keys: readonly string[] };

const SCOPE_PREFIX = 'otel_scope_';

/** A node of the tree of attribute keys; it stands for the keys on the way to it. */
interface Shape {
  readonly next: Map<string, Shape>;
  slots?: readonly Slot[];
}

/**
 * Makes labels of attributes. Names are worked out once per shape (set of keys in their order), so that a series costs no more than
 * its values.
 *
 * Keys that become one name have their values joined with `;`. An attribute that takes a reserved name, or one of a scope, becomes
 * `exported_<name>`, as Prometheus does with clashing labels of a target. An attribute that is null or undefined is dropped, and so is
 * an empty value: to Prometheus an empty label and none are the same.
 *
 * What is returned is the same array each time.
 */
export function createLabeller(options: LabellerOptions): (attributes: Attributes) => Labels {
  const root: Shape = { next: new Map() };
  const labels: string[] = [];

  return (attributes) => {
    let shape = root;
    for (const key of Object.keys(attributes)) if (isPresent(attributes[key])) shape = step(shape, key);
    shape.slots ??= toSlots(presentKeys(attributes), options);
    labels.length = 0;
    for (const slot of shape.slots) {
      const value = 'value' in slot ? slot.value : joinValues(attributes, slot.keys);
      if (value !== '') labels.push(slot.name, value);
    }
    return labels;
  };
}

/** Prometheus' parser of text takes NUL in the value of a label, and in no name and no label of an exemplar. */
export function withoutNul(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

/** @returns the attributes without those that cannot be read or have no text; itself where it has none of them. */
export function readableAttributes(attributes: Attributes): Attributes {
  const labelsOf = createLabeller({ nameOf: (key) => key });
  const isReadable = (key: string): boolean => {
    try {
      labelsOf({ [key]: attributes[key] });
      return true;
    } catch {
      return false;
    }
  };
  const all = Object.keys(attributes);
  const readable = all.filter(isReadable);
  return readable.length === all.length
    ? attributes
    : Object.fromEntries(readable.map((key) => [key, attributes[key]]));
}

function toScopeSlots({ name, version, schemaUrl }: Scope): Slot[] {
  return [
    { name: `${SCOPE_PREFIX}name`, value: name.toWellFormed() },
    { name: `${SCOPE_PREFIX}schema_url`, value: schemaUrl.toWellFormed() },
    { name: `${SCOPE_PREFIX}version`, value: version.toWellFormed() },
  ];
}

function toConstantSlots(constants: Labels): Slot[] {
  const slots: Slot[] = [];
  for (let i = 0; i + 1 < constants.length; i += 2) slots.push({ name: constants[i]!, value: constants[i + 1]! });
  return slots;
}

function presentKeys(attributes: Attributes): string[] {
  return Object.keys(attributes).filter((key) => isPresent(attributes[key]));
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

function toSlots(keys: readonly string[], { nameOf, scope, reserved, constants = [] }: LabellerOptions): Slot[] {
  const keysByName = new Map<string, string[]>();
  for (const key of keys.toSorted()) {
    const plain = nameOf(key);
    if (plain === '') continue;
    const name = plain === reserved || plain.startsWith(SCOPE_PREFIX) ? `exported_${plain}` : plain;
    const sharers = keysByName.get(name);
    if (sharers === undefined) keysByName.set(name, [key]);
    else sharers.push(key);
  }
  const own = [...keysByName].map(([name, sharers]) => ({ name, keys: sharers }));
  const fixed = toConstantSlots(constants).filter(({ name }) => !keysByName.has(name) && name !== reserved);
  const slots: Slot[] = [...own, ...fixed, ...(scope === undefined ? [] : toScopeSlots(scope))];
  return slots.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function joinValues(attributes: Attributes, keys: readonly string[]): string {
  const [only = ''] = keys;
  if (keys.length === 1) return attributeText(attributes[only] ?? '');
  let joined = '';
  for (const [i, key] of keys.entries()) {
    const value = attributes[key];
    if (value !== undefined) joined += i === 0 ? attributeText(value) : `;${attributeText(value)}`;
  }
  return joined;
}

/** Strings as they are, else the specification's representation: JSON, where NaN and the infinities are strings and bytes base64. */
function attributeText(value: AttributeValue): string {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object') return String(value);
  const json: unknown = toJson('', value);
  return typeof json === 'string' ? json : JSON.stringify(json, toJson);
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
