import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { Destination } from './destination.ts';
import { Feed } from './feed.ts';
import { feedsOf } from './feeds.ts';
import { flushLine } from './flush.ts';
import { startLate } from './late-start.ts';
import { stopLine, type Line } from './line.ts';
import { observeDestinations } from './observe.ts';
import { createOfficialPush } from './official/index.ts';
import type { FlushResult, Push, PushOptions } from './push.ts';
import { createDiskPlaces } from './queue/disk/places.ts';
import { Records } from './records.ts';

export type { Push } from './push.ts';

/** A disk that stands still is no reason not to serve. An owner of the folder who lives has shown it by then (lock.ts). */
const START_TIMEOUT_MS = 2_500;

/** At one time, of the 20 threads that bin/metergate.js sets. */
const DISK_CALLS = { count: 12, each: 4 };

/** Sends a collection to every destination at its interval, and one last at shutdown. Each goes its own way. */
export function createPush(options: PushOptions): Push {
  return options.engine === 'sdk' ? createOfficialPush(options) : createNativePush(options);
}

function createNativePush(options: PushOptions): Push {
  const { instruments, logger } = options;
  const lines = createLines(options);
  const destinations = lines.flatMap((line) => line.destinations);
  observeDestinations(instruments, destinations);
  let hasStarted = false;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    const opening = Promise.all(destinations.map((destination) => destination.start()));
    const { done } = await within(deadlineIn(START_TIMEOUT_MS), opening);
    if (stopping !== undefined) return;
    hasStarted = true;
    for (const { feed } of lines) feed.start();
    if (!done) for (const destination of destinations) void startLate(destination, logger);
  };
  const stop = async (deadline: Deadline): Promise<void> => {
    await Promise.all(lines.map((line) => stopLine(line, { deadline, logger, hasStarted })));
  };
  return {
    name: 'push',
    start: () => (starting ??= start()),
    shutdown: (deadline) => (stopping ??= stop(deadline)),
    // A dead collector does not make the gateway less ready to serve.
    ready: () => true,
    status: () => ({ destinations: Object.fromEntries(destinations.map((each) => [each.name, each.status()])) }),
    flush: async (timeoutMs) => {
      const deadline = deadlineIn(timeoutMs);
      const flushed = new Map((await Promise.all(lines.map((line) => flushLine(line, deadline)))).flat());
      const entries = destinations.map((destination): [string, FlushResult['destinations'][string]] => {
        const { name } = destination;
        return [name, { status: flushed.get(name) ?? 'pending', batches: destination.stats().batches }];
      });
      const ok = entries.every(([, { status }]) => status === 'sent' || status === 'on_disk');
      return { ok, destinations: Object.fromEntries(entries) };
    },
  };
}

function createLines({ destinations, readers, version, ...shared }: PushOptions): readonly Line[] {
  const places = createDiskPlaces(DISK_CALLS);
  return feedsOf(destinations, 'native').map(({ name, destinations: options }) => {
    const reader = readers.get(name);
    if (reader === undefined) throw new Error(`no reader for the feed ${name}`);
    const takers = options.map((each) => {
      const records = new Records({ ...shared, name: each.name, endpoint: each.endpoint });
      return new Destination({ options: each, records, userAgent: `metergate/${version}`, places });
    });
    return { destinations: takers, feed: new Feed({ ...options[0], reader, takers }) };
  });
}
