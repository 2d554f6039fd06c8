import { Lane, type LaneOptions } from './lane.ts';
import type { DestinationQueueOptions, RetryOptions } from './options.ts';
import { createRetry, createThrottle } from './retry.ts';
import { Sender, type Delivery, type SenderOptions } from './sender.ts';

export interface LanesOptions
  extends Pick<LaneOptions, 'queue' | 'settled' | 'exportsMax'>, Pick<SenderOptions, 'attempt'> {
  readonly order: DestinationQueueOptions['order'];
  readonly retry: RetryOptions;
}

/** All lanes of one destination. */
export interface Lanes {
  start(): void;
  /** There is a batch more. */
  wake(): void;
  /** The receiver has taken something. */
  isThere(): void;
  /** Try now what waits for its next attempt, whatever the receiver asked for. */
  hurry(): void;
  /** As `Lane.stop`. */
  stop(mayEnd: () => boolean): Promise<void>;
}

/**
 * `oldest_first`: one lane. `newest_first`: what is collected from now on has a lane of its own. What that one cannot send at once joins the
 * backlog, whose lane has all that is older than what the first one is at.
 */
export function createLanes({ order, retry, attempt, ...shared }: LanesOptions): Lanes {
  const throttle = createThrottle();
  const begun = new Map<number, Delivery>();
  const lane = (own: Pick<LaneOptions, 'to' | 'fresh'>): Lane => {
    const sender = new Sender({ attempt, retry: createRetry(retry), throttle, triesOnce: own.fresh !== undefined });
    return new Lane({ ...shared, ...own, sender, begun });
  };
  const fresh =
    order === 'newest_first'
      ? lane({ to: () => undefined, fresh: { from: shared.queue.end, leave: () => backlog.wake() } })
      : undefined;
  const backlog = lane({ to: () => fresh?.next });
  const lanes = fresh ? [fresh, backlog] : [backlog];
  const all = (act: (lane: Lane) => void): (() => void) => {
    return () => {
      for (const each of lanes) act(each);
    };
  };
  return {
    start: all((each) => each.start()),
    wake: all((each) => each.wake()),
    // A lane that sends knows it; the one that waits for its next attempt does not.
    isThere: () => {
      if (fresh !== undefined && throttle.remainingMs() === 0) backlog.hurry();
    },
    hurry: () => {
      throttle.end();
      all((each) => each.hurry())();
    },
    stop: async (mayEnd) => {
      throttle.end();
      // What the first one leaves behind is for the other.
      await fresh?.stop(mayEnd);
      await backlog.stop(mayEnd);
    },
  };
}
