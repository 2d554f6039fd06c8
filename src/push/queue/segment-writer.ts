import type { Batch } from '../batch.ts';
import type { Disk } from './disk/disk.ts';
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './disk/format.ts';
import type { Limits } from './limits.ts';
import { MEMORY_BATCH_BYTES, MemorySegment } from './memory-segment.ts';
import { persistMemory } from './persist.ts';
import type { Need, Retention } from './retention.ts';
import type { Segment } from './segment.ts';
import type { Place, SegmentList } from './segment-list.ts';

export interface WriterOptions {
  readonly segments: SegmentList;
  readonly retention: Retention;
  readonly limits: Limits;
  /** Not given = everything is in memory. */
  readonly disk: Disk | undefined;
  readonly onPersisted: () => void;
}

/** What is found in the folder has smaller numbers, whenever it is found: also when the folder works only later. */
const FIRST_APPENDED = 2 ** 40;

/** Appends to the last of the segments, makes room, and clears away what is done. One call at a time. */
export class SegmentWriter {
  readonly #options: WriterOptions;
  #end = FIRST_APPENDED;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** The number of the next batch. */
  get end(): number {
    const { last } = this.#options.segments;
    return Math.max(this.#end, last === undefined ? 0 : last.first + last.contents.length);
  }

  /** @returns whether they are on disk. */
  async append(batches: readonly Batch[]): Promise<boolean> {
    const onDisk = await this.#appendOnDisk(batches);
    if (!onDisk) for (const batch of batches) await this.#appendInMemory(batch);
    return onDisk;
  }

  /** What is in memory only is brought to the disk, if it works. */
  async persist(): Promise<void> {
    const { disk, segments } = this.#options;
    if (disk === undefined || segments.stats().batchesInMemory === 0) return;
    await this.#tryOnDisk(disk, () => Promise.resolve());
  }

  /** A segment that was there before. */
  async addFound(segment: Segment): Promise<void> {
    this.#options.segments.add(segment);
    await this.#removeSpent();
    await this.#removeAll(this.#options.retention.makeRoom({ bytes: 0, batches: 0 }));
  }

  /** It is known now what is in it; undefined = it is none of the queue. */
  async replace(unread: Segment, found: Segment | undefined): Promise<void> {
    const { segments } = this.#options;
    if (!segments.has(unread)) return;
    segments.delete(unread);
    if (found !== undefined) await this.addFound(found);
  }

  /** These wait no longer. */
  async clear(places: readonly Place[]): Promise<void> {
    await this.#removeSpent();
    for (const { segment, index } of places) {
      if (!this.#options.segments.has(segment)) continue;
      if (this.#options.disk === undefined) await segment.mark(index);
      else await this.#options.disk.mark(segment, index);
    }
  }

  /** Also the last one, which is appended to no more. */
  async removeEmpty(): Promise<void> {
    await this.#takeAway(isEmpty);
  }

  async #appendOnDisk(batches: readonly Batch[]): Promise<boolean> {
    const { disk, retention, segments } = this.#options;
    if (disk === undefined || disk.rests) return false;
    const need = needOf(batches);
    return this.#tryOnDisk(disk, async () => {
      await this.#removeAll(retention.makeRoom(need));
      if (segments.last?.hasRoom(need) !== true) await this.#startOnDisk(disk);
      await disk.append(batches);
      this.#end = this.end;
    });
  }

  /** Writes, after all that comes before it. On a full disk what is done gives its room, if there is any, for another attempt. @returns whether it worked. */
  async #tryOnDisk(disk: Disk, write: () => Promise<void>): Promise<boolean> {
    const attempt = async (): Promise<void> => {
      await disk.prepare();
      // They come before these, on the disk as well.
      await persistMemory({ ...this.#options, disk });
      await write();
    };
    try {
      await attempt().catch(async (error: unknown) => {
        const done = this.#options.segments.filter(isEmpty);
        if (!isFull(error) || !done.some(({ bytes }) => bytes > 0)) throw error;
        await this.removeEmpty();
        await attempt();
      });
      return true;
    } catch (error) {
      disk.failed(error);
      return false;
    }
  }

  async #startOnDisk(disk: Disk): Promise<void> {
    this.#options.segments.add(await disk.create(this.end));
    await this.#removeSpent();
  }

  async #appendInMemory(batch: Batch): Promise<void> {
    const { disk, retention, segments, limits } = this.#options;
    const need = needOf([batch], MEMORY_BATCH_BYTES);
    await this.#removeAll(retention.makeRoomInMemory(need));
    await this.#removeAll(retention.makeRoom(need));
    let { last } = segments;
    if (last?.onDisk !== false || !last.hasRoom(need)) {
      await disk?.finish();
      last = new MemorySegment(this.end, limits.memorySegment);
      segments.add(last);
      await this.#removeSpent();
    }
    await last.append([batch]);
    this.#end = this.end;
  }

  async #removeSpent(): Promise<void> {
    await this.#takeAway((segment) => this.#isSpent(segment));
  }

  async #takeAway(which: (segment: Segment) => boolean): Promise<void> {
    const { segments } = this.#options;
    const taken = segments.filter(which);
    segments.deleteAll(which);
    await this.#removeAll(taken);
  }

  /** The last one stays while it is small: else there would be a new file for each batch that is delivered at once. */
  #isSpent(segment: Segment): boolean {
    const { segments, limits } = this.#options;
    return isEmpty(segment) && (segment !== segments.last || segment.bytes >= limits.emptyBytesMax);
  }

  async #removeAll(segments: readonly Segment[]): Promise<void> {
    const { disk } = this.#options;
    for (const segment of segments) await (disk === undefined ? segment.remove() : disk.remove(segment));
  }
}

/** What they take in a segment of their own. */
export function needOf(batches: readonly Batch[], batchBytes = RECORD_HEADER_BYTES): Need {
  const bytes = batches.reduce((sum, { payload }) => sum + batchBytes + payload.length, SEGMENT_HEADER_BYTES);
  return { bytes, batches: batches.length };
}

function isEmpty({ contents }: Segment): boolean {
  return contents.waiting === 0;
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
