import type { Batch } from '../batch.ts';
import { RECORD_HEADER_BYTES } from './disk/format.ts';
import type { SegmentLimits } from './segment.ts';

/** A batch whose turn has not come yet. */
export interface Pending {
  readonly batch: Batch;
  readonly resolve: (appended: { readonly onDisk: boolean }) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes away the first ones, so many as are appended at one time; one at least, if there is any. */
export function takeGroup(pending: Pending[], { bytesMax, batchesMax }: SegmentLimits): Pending[] {
  let bytes = 0;
  let count = 0;
  for (const { batch } of pending) {
    bytes += RECORD_HEADER_BYTES + batch.payload.length;
    if (count > 0 && (bytes > bytesMax || count === batchesMax)) break;
    count++;
  }
  return pending.splice(0, count);
}
