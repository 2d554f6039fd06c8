import { deadlineIn, within } from '../std/deadline.ts';
import { Destination } from './destination.ts';
import { stopLine, type FeedLine } from './feed-line.ts';
import { Feed } from './feed.ts';
import { flushLine } from './flush.ts';
import { startLate } from './late-start.ts';
import { observeDestinations } from './observe.ts';
import { createOfficialPush } from './official/index.ts';
import type { Push, PushEngine, PushOptions } from './push.ts';
import { createDiskPlaces } from './queue/disk/places.ts';
import { Records } from './records.ts';

export type { Push } from './push.ts';

/** A disk that stands still is no reason not to serve. An owner of the folder who lives has shown it by then (lock.ts). */
const START_TIMEOUT_MS = 2_500;

/** At one time, of the 20 threads that bin/metergate.js sets. */
const DISK_CALLS = { count: 12, each: 4 };

/** Sends a collection to every destination at its interval, and one last at shutdown. Each goes its own way. */
export function createPush(options: PushOptions): Push {
  const engine = options.engine === 'sdk' ? createOfficialPush(options) : createNativePush(options);
  const { destinations } = engine;
  observeDestinations(options.instruments, destinations);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    name: 'push',
    start: () => (starting ??= engine.start()),
    shutdown: (deadline) => (stopping ??= engine.stop(deadline)),
    // A dead collector does not make the gateway less ready to serve.
    ready: () => true,
    status: () => ({ destinations: Object.fromEntries(destinations.map((each) => [each.name, each.status()])) }),
    flush: async (timeoutMs) => {
      const flushed = await engine.flush(deadlineIn(timeoutMs));
      const ok = flushed.every(([, { status }]) => status === 'sent' || status === 'on_disk');
      return { ok, destinations: Object.fromEntries(flushed) };
    },
  };
}

function createNativePush(options: PushOptions): PushEngine {
  const { logger } = options;
  const lines = createLines(options);
  const destinations = lines.flatMap((line) => line.destinations);
  let [hasStarted, isStopping] = [false, false];
  return {
    destinations,
    start: async () => {
      const opening = Promise.all(destinations.map((destination) => destination.start()));
      const { done } = await within(deadlineIn(START_TIMEOUT_MS), opening);
      if (isStopping) return;
      hasStarted = true;
      for (const { feed } of lines) feed.start();
      if (!done) for (const destination of destinations) void startLate(destination, logger);
    },
    stop: async (deadline) => {
      isStopping = true;
      await Promise.all(lines.map((line) => stopLine(line, { deadline, logger, hasStarted })));
    },
    flush: async (deadline) => (await Promise.all(lines.map((line) => flushLine(line, deadline)))).flat(),
  };
}

function createLines({ feeds, readers, version, ...shared }: PushOptions): readonly FeedLine[] {
  const places = createDiskPlaces(DISK_CALLS);
  return feeds.map(({ name, destinations: options }) => {
    const reader = readers.get(name);
    if (reader === undefined) throw new Error(`no reader for the feed ${name}`);
    const takers = options.map((each) => {
      const records = new Records({ ...shared, name: each.name, endpoint: each.endpoint });
      return new Destination({ options: each, records, userAgent: `metergate/${version}`, places });
    });
    return { destinations: takers, feed: new Feed({ ...options[0], reader, takers }) };
  });
}
