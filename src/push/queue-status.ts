import type { DestinationQueueOptions } from './options.ts';
import type { QueueStats } from './queue/queue.ts';

/** For `/status`. @param stats not there = the queue is not open. */
export function queueStatus(
  { directory, bytesMax, batchesMax }: Pick<DestinationQueueOptions, 'directory' | 'bytesMax' | 'batchesMax'>,
  stats: QueueStats | undefined,
): Readonly<Record<string, unknown>> {
  const limits = { directory: directory ?? null, bytesMax, batchesMax };
  if (stats === undefined) return { open: false, ...limits };
  const { bytes, batches, points, batchesInMemory, oldestMs } = stats;
  const oldest = oldestMs === undefined ? null : new Date(oldestMs).toISOString();
  return { open: true, ...limits, bytes, batches, points, batchesInMemory, oldest };
}
