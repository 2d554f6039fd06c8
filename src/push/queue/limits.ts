import { SEGMENT_HEADER_BYTES } from './disk/format.ts';
import type { QueueOptions } from './queue.ts';
import type { SegmentLimits } from './segment.ts';

export interface Limits {
  readonly bytesMax: number;
  readonly batchesMax: number;
  /** Of all segments in memory. */
  readonly memoryBytesMax: number;
  readonly diskSegment: SegmentLimits;
  readonly memorySegment: SegmentLimits;
  /** How large a file may be of which nothing waits any more, before it goes: else there would be a new one for each batch. */
  readonly emptyBytesMax: number;
  /** What is written at one time. */
  readonly group: SegmentLimits;
}

const MIB = 2 ** 20;
/** What is lost together when the queue is full is a 16th of it. */
const SEGMENTS = 16;

/** @param segmentBytes for tests. */
export function limitsOf({ directory, bytesMax, batchesMax }: QueueOptions, segmentBytes?: number): Limits {
  const memoryBytesMax = directory === undefined ? bytesMax : Math.min(bytesMax, 64 * MIB);
  const segmentOf = (bytes: number): SegmentLimits => ({
    bytesMax: segmentBytes ?? Math.min(64 * MIB, Math.floor(bytes / SEGMENTS)),
    batchesMax: Math.max(1, Math.floor(batchesMax / SEGMENTS)),
  });
  const diskSegment = segmentOf(bytesMax);
  return {
    bytesMax,
    batchesMax,
    memoryBytesMax,
    diskSegment,
    memorySegment: segmentOf(memoryBytesMax),
    emptyBytesMax: Math.min(diskSegment.bytesMax, MIB),
    // So many that two buffers for each are fewer than what one call takes (IOV_MAX, 1024).
    group: {
      bytesMax: Math.min(diskSegment.bytesMax, 8 * MIB, bytesMax - SEGMENT_HEADER_BYTES),
      batchesMax: Math.min(diskSegment.batchesMax, 256),
    },
  };
}
