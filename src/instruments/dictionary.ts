import type { AttributeValue } from '../metric/model.ts';
import { isPlain, textOf } from './attribute-set.ts';

/** Numbers for the values that one attribute key has had, from 1. A value costs its text once, however many series have it. */
export class Dictionary {
  /** Of strings, numbers and booleans; for look-ups that cannot afford more. */
  readonly plain = new Map<unknown, number>();
  readonly #lists = new Map<string, number>();

  get size(): number {
    return this.plain.size + this.#lists.size;
  }

  find(value: AttributeValue): number | undefined {
    return isPlain(value) ? this.plain.get(value) : this.#lists.get(textOf(value));
  }

  findOrAdd(value: AttributeValue): number {
    const known = this.find(value);
    if (known !== undefined) return known;
    const id = this.size + 1;
    if (isPlain(value)) this.plain.set(value, id);
    else this.#lists.set(textOf(value), id);
    return id;
  }
}
