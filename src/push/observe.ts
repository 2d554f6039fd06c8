import type { Attributes } from '@opentelemetry/api';
import type { Instruments, ObserveSeries } from '../telemetry/instruments.ts';
import type { DestinationQueueOptions } from './options.ts';
import type { QueueStats } from './queue/queue.ts';

/** What a collection reads of one destination. */
export interface Observed {
  readonly name: string;
  readonly queue: Pick<DestinationQueueOptions, 'bytesMax' | 'batchesMax'>;
  stats(): QueueStats;
  readonly records: { readonly lastSentMs: number | undefined };
}

/** Queues, and how long ago each receiver took something. */
export function observeDestinations(instruments: Instruments, destinations: readonly Observed[]): void {
  const each =
    (read: (destination: Observed) => number | undefined) =>
    (observe: ObserveSeries): void => {
      for (const destination of destinations) {
        const value = read(destination);
        const attributes: Attributes = { 'metergate.destination': destination.name };
        if (value !== undefined) observe(value, attributes);
      }
    };
  instruments.observe(
    'metergate.push.queue.size',
    each((destination) => destination.stats().bytes),
  );
  instruments.observe(
    'metergate.push.queue.capacity',
    each(({ queue }) => queue.bytesMax),
  );
  instruments.observe(
    'metergate.push.queue.batches',
    each((destination) => destination.stats().batches),
  );
  instruments.observe(
    'metergate.push.queue.batch_capacity',
    each(({ queue }) => queue.batchesMax),
  );
  instruments.observe(
    'metergate.push.queue.oldest_age',
    each((destination) => {
      const oldestMs = destination.stats().oldestMs;
      return oldestMs === undefined ? undefined : Math.max(0, Date.now() - oldestMs) / 1000;
    }),
  );
  observeLastSuccess(
    instruments,
    destinations.map(({ name, records }) => ({ name, lastSentMs: () => records.lastSentMs })),
  );
}

/** With the engine `sdk` there is no queue. */
export function observeLastSuccess(
  instruments: Instruments,
  destinations: readonly { readonly name: string; lastSentMs(): number | undefined }[],
): void {
  instruments.observe('metergate.push.last_success.time', (observe) => {
    for (const destination of destinations) {
      const atMs = destination.lastSentMs();
      if (atMs !== undefined) observe(atMs / 1000, { 'metergate.destination': destination.name });
    }
  });
}
