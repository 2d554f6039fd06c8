import type { IntakeStats } from './intake.ts';
import type { DestinationQueueOptions } from './options.ts';
import type { QueueStats } from './queue/queue.ts';
import { timeText } from './time-text.ts';

export const NOTHING_WAITS: QueueStats = { bytes: 0, batches: 0, points: 0, batchesInMemory: 0, oldestMs: undefined };

/** @param pending what is to be in the queue, and is still in memory. */
export function withPending(stats: QueueStats, pending: IntakeStats): QueueStats {
  if (pending.batches === 0) return stats;
  return {
    bytes: stats.bytes + pending.bytes,
    batches: stats.batches + pending.batches,
    points: stats.points + pending.points,
    batchesInMemory: stats.batchesInMemory + pending.batches,
    oldestMs: stats.oldestMs ?? pending.oldestMs,
  };
}

/** For `/status`. */
export function queueStatus(
  { directory, bytesMax, batchesMax }: Pick<DestinationQueueOptions, 'directory' | 'bytesMax' | 'batchesMax'>,
  { bytes, batches, points, batchesInMemory, oldestMs }: QueueStats,
): Readonly<Record<string, unknown>> {
  const oldest = timeText(oldestMs);
  return { directory: directory ?? null, bytes, bytesMax, batches, batchesMax, points, batchesInMemory, oldest };
}
