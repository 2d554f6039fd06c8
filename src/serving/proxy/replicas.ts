import type { Dispatcher } from 'undici';
import type { Health } from './health.ts';
import type { NodeDispatcher } from './node-dispatcher.ts';

/** One server of an upstream. */
export interface Replica {
  /** Origin, and the path that takes the place of the upstream's prefix. */
  readonly url: Readonly<URL>;
  /** Its path without a slash at the end. */
  readonly basePath: string;
  readonly health: Health;
  readonly dispatcher: Dispatcher;
  /** For what the other one cannot do. */
  readonly nodeDispatcher: NodeDispatcher;
  /** Requests that it was sent and that are not over. */
  inFlight: number;
}

/**
 * Chooses among the replicas of an upstream: the one with the fewest requests in flight, of several the next in turn; but first one that
 * is to show that it is back.
 */
export interface Replicas {
  readonly all: readonly Replica[];
  /**
   * @param except one that was tried already.
   * @returns undefined only if there is none but that one. When none is well, all are asked: a belief must not refuse a request.
   */
  pick(except?: Replica): Replica | undefined;
}

/** @param now of the clock of `Health`. */
export function createReplicas(all: readonly Replica[], now = () => performance.now()): Replicas {
  /** Behind the one that was picked last. */
  let turn = 0;
  const pickLeast = (accepts: (replica: Replica) => boolean, except?: Replica): Replica | undefined => {
    let found: Replica | undefined;
    let foundAt = 0;
    for (let i = 0; i < all.length; i++) {
      const at = (turn + i) % all.length;
      const replica = all[at];
      if (replica === undefined || replica === except || !accepts(replica)) continue;
      if (found !== undefined && replica.inFlight >= found.inFlight) continue;
      found = replica;
      foundAt = at;
    }
    if (found !== undefined) turn = (foundAt + 1) % all.length;
    return found;
  };
  return {
    all,
    pick: (except) => {
      const [only] = all;
      if (all.length === 1) return only === except ? undefined : only;
      const nowMs = now();
      // A second try is not for finding something out.
      const due = except === undefined && all.find(({ health }) => !health.healthy && health.accepts(nowMs));
      if (due) {
        due.health.tried(nowMs);
        return due;
      }
      return pickLeast(({ health }) => health.healthy, except) ?? pickLeast(() => true, except);
    },
  };
}
