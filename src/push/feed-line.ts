import { within, type Deadline } from '../std/deadline.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Destination } from './destination.ts';
import type { Feed, Placements } from './feed.ts';

/** A feed and those that it is for. */
export interface FeedLine {
  readonly feed: Feed;
  readonly destinations: readonly Destination[];
}

export interface StopOptions {
  readonly deadline: Deadline;
  readonly logger: Logger;
  /** Where the start was refused, there is nothing to collect for. */
  readonly hasStarted: boolean;
}

/** One last collection, which each destination sends or keeps by itself. */
export async function stopLine(
  { feed, destinations }: FeedLine,
  { deadline, logger, hasStarted }: StopOptions,
): Promise<void> {
  const collectLast = async (): Promise<Placements | undefined> => {
    await feed.stop();
    return hasStarted ? feed.collect() : undefined;
  };
  const collected = await within(deadline, collectLast());
  const placements = collected.done ? collected.value : undefined;
  await Promise.all(
    destinations.map(async (destination) => {
      await within(deadline, Promise.all(placements?.get(destination.name) ?? []));
      const left = await destination.shutdown(deadline);
      if (hasStarted) {
        logger.info('last export', { 'metergate.destination': destination.name, ...left });
      }
    }),
  );
}
