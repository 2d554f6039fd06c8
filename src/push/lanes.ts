import { Lane, type LaneOptions } from './lane.ts';
import type { DestinationQueueOptions, RetryOptions } from './options.ts';
import { createRetry, createThrottle } from './retry.ts';
import { hasBegun, Sender, type Delivery, type SenderOptions } from './sender.ts';

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
  /** Try now what waits for its next attempt, whatever the receiver asked for. */
  hurry(): void;
  /** As `Lane.stop`. */
  stop(mayEnd: () => boolean): Promise<void>;
}

/** Batches of which the receiver has a part, whose rest is in memory. */
const BEGUN_MAX = 4;

/**
 * `oldest_first`: one lane. `newest_first`: what is collected from now on has a lane of its own. What that one cannot send at once joins the
 * backlog, whose lane has all that is older than what the first one is at.
 */
export function createLanes({ order, retry, attempt, ...shared }: LanesOptions): Lanes {
  const throttle = createThrottle();
  const begun = new Map<number, Delivery>();
  const lane = (sender: Pick<SenderOptions, 'attempt' | 'givesBack'>, own: Pick<LaneOptions, 'to' | 'fresh'>): Lane =>
    new Lane({ ...shared, ...own, begun, sender: new Sender({ ...sender, retry: createRetry(retry), throttle }) });

  let wasAway = false;
  const fresh =
    order === 'newest_first'
      ? lane(
          {
            attempt: async (batch) => {
              const outcome = await attempt(batch);
              // The other lane, which waits for its next attempt, cannot know that the receiver is back.
              if (outcome.status === 'sent' && wasAway) backlog.hurry();
              wasAway = outcome.status === 'retryable';
              return outcome;
            },
            givesBack: (delivery) => !hasBegun(delivery) || begun.size < BEGUN_MAX,
          },
          { to: () => undefined, fresh: { from: shared.queue.end, leave: () => backlog.wake() } },
        )
      : undefined;
  const backlog = lane({ attempt, givesBack: () => false }, { to: () => fresh?.next });
  const lanes = fresh ? [fresh, backlog] : [backlog];
  const all = (act: (lane: Lane) => void): (() => void) => {
    return () => {
      for (const each of lanes) act(each);
    };
  };
  return {
    start: all((each) => each.start()),
    wake: all((each) => each.wake()),
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
