import { errorText } from '../../std/error-text.ts';
import type { Backoff } from '../../std/backoff.ts';
import type { QueueOptions } from './queue.ts';
import type { ReadResult, Segment } from './segment.ts';
import type { Place } from './segment-list.ts';

/** What went wrong in a segment since it could be read last. */
interface Trouble {
  /** Of the place that could not be read last. */
  readonly index: number;
  /** How often in a row that was. */
  readonly failures: number;
  /** In which round it was passed over last; undefined = it is waited for. */
  readonly round: number | undefined;
  /** How long it is left alone while it is waited for. */
  readonly backoff: Backoff;
}

/** So often in a row a place on the disk cannot be read before it is not waited for any more. */
const ATTEMPTS_MAX = 5;

/**
 * Reads batches, and tells a batch that is lost from a disk that is not there just now: that one is waited for, so that batches stay in their
 * order. What cannot be read for longer must not hold up all that comes behind it for ever: it is passed over, and tried again in
 * rounds, which are further and further apart.
 */
export class SegmentReader {
  readonly #onFault: QueueOptions['onFault'];
  readonly #createBackoff: () => Backoff;
  /** Between rounds. */
  readonly #pause: Backoff;
  readonly #troubles = new WeakMap<Segment, Trouble>();
  #round = 0;
  /** Nothing could be read since something was passed over: then nothing else on the disk is waited for either. */
  #isImpatient = false;

  constructor(onFault: QueueOptions['onFault'], createBackoff: () => Backoff) {
    this.#onFault = onFault;
    this.#createBackoff = createBackoff;
    this.#pause = createBackoff();
  }

  /** @returns `wait` = not now, and nothing behind it either; `pass` = not now. */
  async read({ segment, index }: Place): Promise<ReadResult | 'wait' | 'pass'> {
    if (!segment.onDisk) return segment.read(index);
    const { round, backoff } = this.#troubles.get(segment) ?? {};
    if (round === undefined && backoff?.waits() === true) return 'wait';
    if (round === this.#round) {
      if (this.#pause.waits()) return 'pass';
      this.#round++;
    }
    try {
      const result = await segment.read(index);
      this.#troubles.delete(segment);
      this.#isImpatient = false;
      if (round !== undefined) this.#pause.reset();
      return result;
    } catch (error) {
      return this.#failed({ segment, index }, error);
    }
  }

  #failed({ segment, index }: Place, error: unknown): ReadResult | 'wait' | 'pass' {
    const before = this.#troubles.get(segment);
    // Of a disk that fails everywhere only the first place is given up, as long as that may mend itself.
    const counts = before?.round === undefined || !this.#pause.waits();
    const failures = (before?.index === index ? before.failures : 0) + (counts ? 1 : 0);
    const isOver = failures >= ATTEMPTS_MAX;
    const message = `${segment.name}: a batch cannot be read: ${errorText(error)}`;
    if (isOver || before?.round !== undefined) this.#isImpatient = true;
    // With any other error it is not the place that is wrong, but that there are too many open files, ...
    if (isOver && (error as NodeJS.ErrnoException).code === 'EIO') return { damage: message };
    const isPassed = this.#isImpatient;
    const backoff = before?.backoff ?? this.#createBackoff();
    this.#troubles.set(segment, { index, failures, round: isPassed ? this.#round : undefined, backoff });
    if (!isPassed) backoff.failed();
    else if (!this.#pause.waits()) this.#pause.failed();
    if (before?.round === undefined) {
      const what = isPassed ? 'what comes after it is sent first, and it is tried again' : 'it is tried again';
      this.#onFault({ code: 'damaged', message: `${message}; ${what}` });
    }
    return isPassed ? 'pass' : 'wait';
  }
}
