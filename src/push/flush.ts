import { within, type Deadline } from '../std/deadline.ts';
import type { Destination } from './destination.ts';
import type { Placed } from './intake.ts';
import type { Line } from './line.ts';
import type { Loss } from './records.ts';

/** `pending` = not sent in time, and in memory only; `failed` = some of it is lost. */
export type FlushStatus = 'sent' | 'on_disk' | 'pending' | 'failed';

/** Collects now, and waits until it is sent or on disk. @returns by the name of the destination. */
export async function flushLine({ feed, destinations }: Line, deadline: Deadline): Promise<[string, FlushStatus][]> {
  // What is collected must have somewhere to be.
  if (!destinations.every(({ isStarted }) => isStarted)) return destinations.map(({ name }) => [name, 'pending']);
  const beganMs = Date.now();
  const collecting = within(deadline, feed.collect());
  return Promise.all(
    destinations.map(async (destination) => {
      const { name, records } = destination;
      const losses: Loss[] = [];
      const unwatch = records.watchLosses((loss) => losses.push(loss));
      const collected = await collecting;
      const endedMs = Date.now();
      const status = collected.done
        ? await statusOf(destination, { placements: collected.value?.get(name), deadline })
        : 'pending';
      unwatch();
      const isLost = losses.some(({ fromMs, toMs }) => fromMs <= endedMs && toMs >= beganMs);
      return [name, isLost ? 'failed' : status];
    }),
  );
}

async function statusOf(
  destination: Destination,
  { placements, deadline }: { placements: readonly Promise<Placed>[] | undefined; deadline: Deadline },
): Promise<FlushStatus> {
  if (placements === undefined) return 'failed';
  const placed = await within(deadline, Promise.all(placements));
  if (!placed.done) return 'pending';
  const state = await destination.secure(deadline);
  return state === 'in_memory' ? 'pending' : state;
}
