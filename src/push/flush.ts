import { within, type Deadline } from '../std/deadline.ts';
import type { Destination } from './destination.ts';
import type { FeedLine } from './feed-line.ts';
import type { Placed } from './intake.ts';
import type { Flushed, FlushState } from './push.ts';
import type { Loss } from './records.ts';

/** Collects now, and waits until it is sent or on disk. */
export async function flushLine({ feed, destinations }: FeedLine, deadline: Deadline): Promise<Flushed[]> {
  const beganMs = Date.now();
  // What is collected must have somewhere to be.
  const isStarted = destinations.every((destination) => destination.isStarted);
  const collecting = isStarted ? within(deadline, feed.collect()) : undefined;
  return Promise.all(
    destinations.map(async (destination): Promise<Flushed> => {
      const { name, records } = destination;
      const losses: Loss[] = [];
      const unwatch = records.watchLosses((loss) => losses.push(loss));
      const collected = await collecting;
      const endedMs = Date.now();
      const status = collected?.done
        ? await statusOf(destination, { placements: collected.value?.get(name), deadline })
        : 'pending';
      unwatch();
      const isLost = losses.some(({ fromMs, toMs }) => fromMs <= endedMs && toMs >= beganMs);
      return [name, { status: isLost ? 'failed' : status, batches: destination.stats().batches }];
    }),
  );
}

async function statusOf(
  destination: Destination,
  { placements, deadline }: { placements: readonly Promise<Placed>[] | undefined; deadline: Deadline },
): Promise<FlushState['status']> {
  if (placements === undefined) return 'failed';
  const placed = await within(deadline, Promise.all(placements));
  if (!placed.done) return 'pending';
  const state = await destination.secure(deadline);
  return state === 'in_memory' ? 'pending' : state;
}
