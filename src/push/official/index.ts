import type { PushEngine, PushOptions } from '../push.ts';
import { OfficialDestination } from './destination.ts';

/** Every destination by the official OTLP/gRPC exporter, as it is: what fails is counted, and not repeated. */
export function createOfficialPush({ feeds, readers, ...shared }: PushOptions): PushEngine {
  const destinations = feeds.map(({ name, destinations: [options] }) => {
    const reader = readers.get(name);
    if (reader === undefined) throw new Error(`no reader for the feed ${name}`);
    return new OfficialDestination({ ...shared, options, reader });
  });
  const all = <T>(act: (each: OfficialDestination) => Promise<T>): Promise<T[]> => Promise.all(destinations.map(act));
  return {
    destinations,
    start: async () => {
      await all((each) => each.start());
    },
    stop: async (deadline) => {
      await all((each) => each.stop(deadline));
    },
    flush: (deadline) => all((each) => each.flush(deadline)),
  };
}
