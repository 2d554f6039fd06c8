/** How far around the place where it should be an item is looked for, at least. */
const REACH = 16;
/** How many are looked at freely, per item: where every object is a new one there is nothing to be found. */
const LOOKS_PER_ITEM = 16;

export const NOT_FOUND = -1;

/**
 * Finds the items of one list in another one that has nearly the same in nearly the same order: what is not found is taken to be in the
 * place of another one, and the longer nothing is found, the farther around it is looked for.
 */
export class RowFinder<T> {
  readonly #items: readonly T[];
  #next = 0;
  #misses = 0;
  #looks: number;

  constructor(items: readonly T[]) {
    this.#items = items;
    this.#looks = items.length * LOOKS_PER_ITEM;
  }

  /** @param item the one that follows that of the last call. @returns where it is, or NOT_FOUND, which it may also be when it is far away. */
  find(item: T): number {
    const found = this.#search(item);
    if (found === NOT_FOUND) {
      this.#next++;
      this.#misses++;
    } else {
      this.#next = found + 1;
      this.#misses = 0;
    }
    return found;
  }

  #search(item: T): number {
    const items = this.#items;
    const from = this.#next;
    if (items[from] === item) return from;
    const reach = this.#reach();
    // First behind its place, where it is when others have gone, then before it, where it is when others have come.
    const end = Math.min(items.length, from + reach);
    for (let i = from + 1; i < end; i++) if (items[i] === item) return i;
    const start = Math.max(0, from - reach);
    for (let i = Math.min(from, items.length) - 1; i >= start; i--) if (items[i] === item) return i;
    this.#looks -= reach;
    return NOT_FOUND;
  }

  /** When all looks are spent, only every time that twice as many have been missed: that is linear, and finds the rest all the same. */
  #reach(): number {
    const misses = this.#misses;
    if (this.#looks > 0) return REACH + misses;
    return (misses & (misses - 1)) === 0 ? 2 * misses : 0;
  }
}
