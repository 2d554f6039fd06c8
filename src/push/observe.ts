import type { Instruments, ObservableName } from '../telemetry/instruments.ts';
import type { DestinationQueueOptions } from './options.ts';
import type { QueueStats } from './queue/queue.ts';
import type { Records } from './records.ts';

/** What a collection reads of one destination. With the engine `sdk` there is no queue. */
export interface Observed {
  readonly name: string;
  readonly records: Pick<Records, 'health'>;
  readonly queue?: Pick<DestinationQueueOptions, 'bytesMax' | 'batchesMax'>;
  stats?(): QueueStats;
}

const FIGURES = {
  'metergate.push.queue.size': (of) => of.stats?.().bytes,
  'metergate.push.queue.capacity': (of) => of.queue?.bytesMax,
  'metergate.push.queue.batches': (of) => of.stats?.().batches,
  'metergate.push.queue.batch_capacity': (of) => of.queue?.batchesMax,
  'metergate.push.queue.oldest_age': (of) => {
    const oldestMs = of.stats?.().oldestMs;
    return oldestMs === undefined ? undefined : Math.max(0, Date.now() - oldestMs) / 1000;
  },
  'metergate.push.last_success.time': ({ records: { health } }) =>
    health.lastSentMs === undefined ? undefined : health.lastSentMs / 1000,
} as const satisfies Partial<Record<ObservableName, (of: Observed) => number | undefined>>;

/** Queues, and how long ago each receiver took something. */
export function observeDestinations(instruments: Instruments, destinations: readonly Observed[]): void {
  for (const [name, read] of Object.entries(FIGURES) as [
    keyof typeof FIGURES,
    (typeof FIGURES)[keyof typeof FIGURES],
  ][]) {
    instruments.observe(name, (observe) => {
      for (const destination of destinations) {
        const value = read(destination);
        if (value !== undefined) observe(value, { 'metergate.destination': destination.name });
      }
    });
  }
}
