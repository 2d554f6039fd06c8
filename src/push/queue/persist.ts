import type { Disk } from './disk/disk.ts';
import { MemorySegment } from './memory-segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface PersistOptions {
  readonly segments: SegmentList;
  readonly disk: Disk;
  /** Called when one of them is on disk. */
  readonly onPersisted: () => void;
}

/**
 * Writes to the disk what came to memory while it failed: each segment to a file of its own, under the same numbers. It was appended last, so that
 * the order of the files is that of the batches. Until the file is whole and safe, the segment stays where it is.
 *
 * @throws the error of the system; the rest is in memory then.
 */
export async function persistMemory({ segments, disk, onPersisted }: PersistOptions): Promise<void> {
  for (const memory of segments.filter(({ onDisk }) => !onDisk)) {
    if (!(memory instanceof MemorySegment)) continue;
    if (memory.contents.waiting > 0) {
      const file = await disk.write(memory.first, memory.batches);
      // While it was written, some were delivered, or expired.
      const done = file.contents.settleLike(memory.contents);
      segments.add(file);
      segments.delete(memory);
      for (const index of done) await disk.mark(file, index);
      onPersisted();
    } else segments.delete(memory);
    await memory.remove();
  }
}
