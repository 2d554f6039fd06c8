import { errorText } from '../../std/error-text.ts';
import type { Backoff } from '../../std/backoff.ts';
import type { QueueOptions } from './queue.ts';
import type { ReadResult } from './segment.ts';
import type { Place } from './segment-list.ts';

/** So often in a row a place on the disk cannot be read before what is there is given up. */
const ATTEMPTS_MAX = 5;

/** Reads batches, and tells a batch that is lost from a disk that is not there just now. */
export class SegmentReader {
  readonly #onFault: QueueOptions['onFault'];
  readonly #backoff: Backoff;
  #failedNumber = -1;
  #failures = 0;

  constructor(onFault: QueueOptions['onFault'], backoff: Backoff) {
    this.#onFault = onFault;
    this.#backoff = backoff;
  }

  /** @returns undefined = not now. */
  async read({ segment, index }: Place): Promise<ReadResult | undefined> {
    if (segment.onDisk && this.#backoff.waits()) return undefined;
    try {
      const result = await segment.read(index);
      if (segment.onDisk) this.#backoff.reset();
      return result;
    } catch (error) {
      this.#backoff.failed();
      const number = segment.first + index;
      this.#failures = number === this.#failedNumber ? this.#failures + 1 : 1;
      this.#failedNumber = number;
      const message = `${segment.name}: a batch cannot be read: ${errorText(error)}`;
      // With any other error it is not the place that is wrong, but that there are too many open files, ...
      if ((error as NodeJS.ErrnoException).code === 'EIO' && this.#failures >= ATTEMPTS_MAX) return { damage: message };
      this.#onFault({ code: 'damaged', message: `${message}; it is tried again` });
      return undefined;
    }
  }
}
