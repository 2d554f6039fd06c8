import { within, type Deadline } from '../std/deadline.ts';
import type { Destination } from './destination.ts';
import type { Feed } from './feed.ts';
import type { Placed } from './intake.ts';

/** A feed and those that it is for. */
export interface Line {
  readonly feed: Feed;
  readonly destinations: readonly Destination[];
}

/** `pending` = not sent in time, and in memory only; `failed` = some of it is lost. */
export type FlushStatus = 'sent' | 'on_disk' | 'pending' | 'failed';

/** Collects now, and waits until it is sent or on disk. @returns by the name of the destination. */
export async function flushLine({ feed, destinations }: Line, deadline: Deadline): Promise<[string, FlushStatus][]> {
  // What is collected must have somewhere to be.
  if (!destinations.every(({ isOpen }) => isOpen)) return destinations.map(({ name }) => [name, 'pending']);
  const beganMs = Date.now();
  const collecting = within(deadline, feed.collect());
  return Promise.all(
    destinations.map(async (destination) => {
      const { name } = destination;
      const collected = await collecting;
      const placements = collected.done ? collected.value.get(name) : undefined;
      const status = placements === undefined ? 'pending' : await statusOf(destination, { placements, deadline });
      return [name, destination.lostToMs >= beganMs ? 'failed' : status];
    }),
  );
}

async function statusOf(
  destination: Destination,
  { placements, deadline }: { placements: readonly Promise<Placed>[]; deadline: Deadline },
): Promise<FlushStatus> {
  const placed = await within(deadline, Promise.all(placements));
  if (!placed.done) return 'pending';
  const state = await destination.secure(deadline);
  return state === 'in_memory' ? 'pending' : state;
}
