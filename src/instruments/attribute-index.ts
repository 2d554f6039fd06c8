import type { Attributes as GivenAttributes } from '@opentelemetry/api';
import type { Attributes } from '../metric/model.ts';
import { isPlain, keysOf, OVERFLOW } from './attribute-set.ts';
import { Dictionary } from './dictionary.ts';
import { KeySet, NONE } from './key-set.ts';

/** The quick look-up cannot tell: `findSet` can. */
export const UNSURE = -2;

/** Keys in the order in which callers write them; `places[i]` is where key `i` stands in the key set. */
interface Order {
  readonly keys: readonly string[];
  readonly dictionaries: readonly Dictionary[];
  readonly places: readonly number[];
  readonly keySet: KeySet;
}

/** Code writes its attributes in a few orders; whoever makes up more of them is looked up slowly. */
const ORDERS_MAX = 16;

/**
 * Which row an attribute set has. Values are numbered per key (`Dictionary`), and the numbers are looked up in the table of the key
 * set (`KeySet`). The keys of the caller's object are compared with those of the order that was met last, so that neither sorting
 * nor text is needed for a set that is known.
 */
export class AttributeIndex {
  #dictionaries = new Map<string, Dictionary>();
  #keySets = new Map<string, KeySet>();
  #orders: Order[] = [];
  #latest: Order | undefined;

  /** @returns its row; NONE if no series has these attributes; UNSURE where that must be asked of `findSet`. Allocates nothing. */
  find(given: GivenAttributes): number {
    const order = this.#latest;
    return order === undefined ? UNSURE : this.#findIn(order, given, true);
  }

  #findIn(order: Order, given: GivenAttributes, others: boolean): number {
    const { keys, dictionaries, places, keySet } = order;
    const { ids } = keySet;
    let i = 0;
    // Node's fast path for `for in` makes this twice as quick as Object.keys, which would make a list.
    for (const key in given) {
      // `for in` takes hasOwnProperty of its key for nothing, but not Object.hasOwn.
      if (key !== keys[i] || !Object.prototype.hasOwnProperty.call(given, key))
        return others ? this.#findInOthers(given) : UNSURE;
      const value = given[key];
      const id = dictionaries[i]!.plain.get(value);
      if (id === undefined) return isPlain(value) ? NONE : UNSURE;
      ids[places[i]!] = id;
      i++;
    }
    if (i !== keys.length) return others ? this.#findInOthers(given) : UNSURE;
    return keySet.find();
  }

  #findInOthers(given: GivenAttributes): number {
    for (const order of this.#orders) {
      if (order === this.#latest) continue;
      const row = this.#findIn(order, given, false);
      if (row === UNSURE) continue;
      this.#latest = order;
      return row;
    }
    return UNSURE;
  }

  /** @returns the row of a set made by `toAttributeSet`, or NONE. */
  findSet(set: Attributes): number {
    const keys = Object.keys(set);
    const keySet = this.#keySets.get(idOf(keys));
    return keySet !== undefined && write(keySet, set) ? keySet.find() : NONE;
  }

  /** @param set made by `toAttributeSet`, not in the index. */
  insert(set: Attributes, row: number): void {
    const keys = Object.keys(set);
    const keySet = this.#keySets.get(idOf(keys)) ?? this.#createKeySet(keys);
    keys.forEach((key, i) => {
      keySet.ids[i] = keySet.dictionaries[i]!.findOrAdd(set[key]!);
    });
    keySet.insert(row);
  }

  remove(set: Attributes): void {
    const keySet = this.#keySets.get(idOf(Object.keys(set)));
    if (keySet !== undefined && write(keySet, set)) keySet.remove();
  }

  /** Lets `find` know objects that are written as this one, which stands for `set`. */
  learn(given: GivenAttributes, set: Attributes): void {
    const keys = keysOf(given);
    const sorted = Object.keys(set);
    const keySet = this.#keySets.get(idOf(sorted));
    // Where something was left out, the keys do not say which set it is.
    if (keySet === undefined || keys.length !== sorted.length || this.#orders.length >= ORDERS_MAX) return;
    if (this.#orders.some((order) => idOf(order.keys) === idOf(keys))) return;
    const places = keys.map((key) => sorted.indexOf(key));
    const dictionaries = places.map((place) => keySet.dictionaries[place]!);
    this.#orders.push((this.#latest = { keys, places, dictionaries, keySet }));
  }

  /** Forgets the values and key sets of series that are gone. @param live those that are there. */
  rebuild({ rows, attributes }: { rows: Int32Array; attributes: readonly Attributes[] }): void {
    this.#dictionaries = new Map();
    this.#keySets = new Map();
    this.#orders = [];
    this.#latest = undefined;
    attributes.forEach((set, i) => this.insert(set, rows[i]!));
  }

  /** How many values and key sets are held, those that no series has any more among them. */
  get held(): number {
    let held = this.#keySets.size;
    for (const { size } of this.#dictionaries.values()) held += size;
    return held;
  }

  /** The key that has had most values, that of the overflow not counted; empty if there is none. */
  get widestKey(): string {
    let widest = '';
    let most = 0;
    for (const [key, { size }] of this.#dictionaries) {
      if (size > most && !Object.hasOwn(OVERFLOW, key)) [widest, most] = [key, size];
    }
    return widest;
  }

  #createKeySet(keys: readonly string[]): KeySet {
    const dictionaries = keys.map((key) => {
      const known = this.#dictionaries.get(key) ?? new Dictionary();
      this.#dictionaries.set(key, known);
      return known;
    });
    const keySet = new KeySet(keys, dictionaries);
    this.#keySets.set(idOf(keys), keySet);
    return keySet;
  }
}

/** Writes the ids of a set's values. @returns false if one of them is not known, so that no series can have the set. */
function write(keySet: KeySet, set: Attributes): boolean {
  return keySet.keys.every((key, i) => {
    const id = keySet.dictionaries[i]!.find(set[key]!);
    keySet.ids[i] = id ?? 0;
    return id !== undefined;
  });
}

function idOf(keys: readonly string[]): string {
  return JSON.stringify(keys);
}
