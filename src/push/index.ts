import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { Destination } from './destination.ts';
import { Feed } from './feed.ts';
import { feedsOf } from './feeds.ts';
import { flushLine, type Line } from './flush.ts';
import { observeDestinations } from './observe.ts';
import { createOfficialPush } from './official/index.ts';
import type { FlushResult, Push, PushOptions } from './push.ts';
import { Records } from './records.ts';

export type { Push } from './push.ts';

/** Sends a collection to every destination at its interval, and one last at shutdown. Each goes its own way. */
export function createPush(options: PushOptions): Push {
  return options.engine === 'sdk' ? createOfficialPush(options) : createNativePush(options);
}

function createNativePush(options: PushOptions): Push {
  const { instruments, logger } = options;
  const lines = createLines(options);
  const destinations = lines.flatMap((line) => line.destinations);
  observeDestinations(instruments, destinations);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    await Promise.all(destinations.map((destination) => destination.start()));
    if (stopping === undefined) for (const { feed } of lines) feed.start();
  };
  const collectLast = async ({ feed, destinations: takers }: Line): Promise<void> => {
    await feed.stop();
    if (takers.some(({ isOpen }) => isOpen)) await Promise.all([...(await feed.collect()).values()].flat());
  };
  const stop = async (deadline: Deadline): Promise<void> => {
    await within(deadline, Promise.all(lines.map(collectLast)));
    await Promise.all(
      destinations.map(async (destination) => {
        const { isOpen, name } = destination;
        const left = await destination.shutdown(deadline);
        if (isOpen) logger.info('last export', { 'metergate.destination': name, ...left });
      }),
    );
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
        return [name, { status: flushed.get(name) ?? 'pending', batches: destination.stats()?.batches ?? 0 }];
      });
      const ok = entries.every(([, { status }]) => status === 'sent' || status === 'on_disk');
      return { ok, destinations: Object.fromEntries(entries) };
    },
  };
}

function createLines({ destinations, readers, version, ...shared }: PushOptions): readonly Line[] {
  return feedsOf(destinations, 'native').map(({ name, destinations: options }) => {
    const reader = readers.get(name);
    if (reader === undefined) throw new Error(`no reader for the feed ${name}`);
    const takers = options.map((each) => {
      const records = new Records({ ...shared, name: each.name, endpoint: each.endpoint });
      return new Destination({ options: each, records, userAgent: `metergate/${version}` });
    });
    return { destinations: takers, feed: new Feed({ ...options[0], reader, takers }) };
  });
}
