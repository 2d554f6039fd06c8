/**
 * Requests that wait for an upstream, or were sent to one, and are not over.
 *
 * Not a `Set`: V8 chains its old hash tables, and one that has grown old keeps all that later ones held from being collected young. A set that
 * every request goes through took a seventh of all processor time.
 */
export interface InFlight<T extends InFlightEntry> {
  readonly size: number;
  add(entry: T): void;
  /** Does nothing if it is not there. */
  remove(entry: T): void;
  /** Those that are there now: a copy. */
  all(): T[];
}

export interface InFlightEntry {
  /** Where it is; -1 = it is not there. Kept by the collection. */
  inFlightAt: number;
}

export function createInFlight<T extends InFlightEntry>(): InFlight<T> {
  const entries: T[] = [];
  return {
    get size() {
      return entries.length;
    },
    add: (entry) => {
      entry.inFlightAt = entries.length;
      entries.push(entry);
    },
    remove: (entry) => {
      if (entry.inFlightAt < 0) return;
      const last = entries.pop();
      if (last !== undefined && last !== entry) {
        entries[entry.inFlightAt] = last;
        last.inFlightAt = entry.inFlightAt;
      }
      entry.inFlightAt = -1;
    },
    all: () => [...entries],
  };
}
