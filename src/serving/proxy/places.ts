/**
 * The requests that an upstream is sent at one time, and the line of those that wait until one of them is over: first come, first
 * served, both bounded. No place is ever free while somebody waits.
 */
export interface Places {
  /**
   * @returns `taken`: there is a place, give it back by `release`; `waiting`: `waiter` is called when it has one, in the order of the
   *   calls; `full`: neither.
   */
  take(waiter: Waiter): 'taken' | 'waiting' | 'full';
  /** Leaves the line. @returns false if it is not in it: then it has had its place. */
  leave(waiter: Waiter): boolean;
  /** Gives a place back. */
  release(): void;
  readonly taken: number;
  readonly waiting: number;
}

export interface Waiter {
  /** Has a place. */
  proceed(): void;
}

export interface PlacesOptions {
  /** Undefined = as many as want one. */
  readonly takenMax: number | undefined;
  readonly waitingMax: number;
}

export function createPlaces({ takenMax = Infinity, waitingMax }: PlacesOptions): Places {
  // A set keeps the order, and whoever leaves in the middle costs nothing.
  const line = new Set<Waiter>();
  let taken = 0;
  return {
    take: (waiter) => {
      if (taken < takenMax) {
        taken++;
        return 'taken';
      }
      if (line.size >= waitingMax) return 'full';
      line.add(waiter);
      return 'waiting';
    },
    leave: (waiter) => line.delete(waiter),
    release: () => {
      const next = line.values().next();
      if (next.done) {
        taken--;
        return;
      }
      line.delete(next.value);
      next.value.proceed();
    },
    get taken() {
      return taken;
    },
    get waiting() {
      return line.size;
    },
  };
}
