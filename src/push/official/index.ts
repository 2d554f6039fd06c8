import { deadlineIn, within } from '../../std/deadline.ts';
import { observeLastSuccess } from '../observe.ts';
import type { FlushResult, Push, PushOptions } from '../push.ts';
import { Lane } from './lane.ts';

/** Every destination by the official OTLP/gRPC exporter, as it is: what fails is counted, and not repeated. */
export function createOfficialPush({
  destinations,
  readers,
  instruments,
  events,
}: Pick<PushOptions, 'destinations' | 'readers' | 'instruments' | 'events'>): Push {
  const lanes = destinations.map((options) => {
    const reader = readers.get(options.name);
    if (reader === undefined) throw new Error(`no reader for destination ${options.name}`);
    return new Lane({ options, reader, instruments, events });
  });
  observeLastSuccess(instruments, lanes);
  return {
    name: 'push',
    start: async () => {
      await Promise.all(lanes.map((lane) => lane.start()));
    },
    shutdown: async (deadline) => {
      await Promise.all(lanes.map((lane) => lane.shutdown(deadline)));
    },
    ready: () => true,
    status: () => ({ destinations: Object.fromEntries(lanes.map((lane) => [lane.name, lane.status()])) }),
    flush: async (timeoutMs) => {
      const deadline = deadlineIn(timeoutMs);
      const entries = await Promise.all(
        lanes.map(async (lane): Promise<[string, FlushResult['destinations'][string]]> => {
          const exported = await within(deadline, lane.export());
          const status = exported.done ? (exported.value ? 'sent' : 'failed') : 'pending';
          return [lane.name, { status, batches: 0 }];
        }),
      );
      return { ok: entries.every(([, { status }]) => status === 'sent'), destinations: Object.fromEntries(entries) };
    },
  };
}
