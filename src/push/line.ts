import { within, type Deadline } from '../std/deadline.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Destination } from './destination.ts';
import type { Feed, Placements } from './feed.ts';

/** A feed and those that it is for. */
export interface Line {
  readonly feed: Feed;
  readonly destinations: readonly Destination[];
}

/** One last collection, which each destination sends or keeps by itself. */
export async function stopLine(
  { feed, destinations }: Line,
  { deadline, logger }: { deadline: Deadline; logger: Logger },
): Promise<void> {
  const started = destinations.filter(({ isStarted }) => isStarted);
  const collectLast = async (): Promise<Placements> => {
    await feed.stop();
    return started.length === 0 ? new Map() : feed.collect();
  };
  const collected = await within(deadline, collectLast());
  const placements: Placements = collected.done ? collected.value : new Map();
  await Promise.all(
    destinations.map(async (destination) => {
      await within(deadline, Promise.all(placements.get(destination.name) ?? []));
      const left = await destination.shutdown(deadline);
      if (started.includes(destination)) {
        logger.info('last export', { 'metergate.destination': destination.name, ...left });
      }
    }),
  );
}
