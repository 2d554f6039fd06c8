import { deadlineIn, within } from '../std/deadline.ts';
import { SampleError } from './observable.ts';

/** Waits for the work of a group, one at a time: neither for ever nor longer than a shutdown does. */
export interface BoundedWait {
  /**
   * @param work nothing if it is over already.
   * @param late what is wrong when the time is up: "no readings".
   * @returns false if it was abandoned.
   * @throws what the work throws, or a `SampleError` when the time is up.
   */
  until(work: void | Promise<void>, late: string): Promise<boolean>;
  /** What was thrown when the time of work was up that has not ended yet; undefined if all has ended. */
  unsettled(): SampleError | undefined;
  /** Whoever waits now waits no longer. */
  abandon(): void;
}

export function createBoundedWait(timeoutMs: number): BoundedWait {
  let unsettled: SampleError | undefined;
  let abandon: (() => void) | undefined;
  return {
    until: async (work, late) => {
      if (work === undefined) return true;
      const tooLate = new SampleError('timeout', `${late} within ${timeoutMs} ms`);
      unsettled = tooLate;
      const abandoned = Promise.withResolvers<boolean>();
      abandon = () => abandoned.resolve(false);
      const ended = work.finally(() => (unsettled = undefined)).then(() => true);
      const result = await within(deadlineIn(timeoutMs), Promise.race([ended, abandoned.promise]));
      if (!result.done) throw tooLate;
      return result.value;
    },
    unsettled: () => unsettled,
    abandon: () => abandon?.(),
  };
}
