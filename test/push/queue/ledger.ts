import assert from 'node:assert/strict';
import type { Batch } from '../../../src/push/batch.ts';
import type { Queue, QueueDrop } from '../../../src/push/queue/queue.ts';

/** Unix ms of batch 0; each one is a millisecond later, so that its time names it. */
export const FIRST_MS = 1_700_000_000_000;

interface Promised {
  readonly batch: Batch;
  /** `append` has ended, in this life. */
  answered: boolean;
  /** It is on disk: `append` has said so, of it or of a later one. */
  acknowledged: boolean;
  /** `remove` was called, and has not ended. */
  removing: boolean;
  /** It was removed, or reported, and need not come any more. */
  gone: boolean;
}

/** What a queue has promised in all its lives, and what it may deliver. */
export class Ledger {
  readonly #promised: Promised[];
  #isReviving = false;
  #wrong: Error | undefined;

  constructor(promised: readonly Promised[] = []) {
    this.#promised = promised.map((one) => ({ ...one }));
  }

  /** As it is now, whatever happens later. */
  copy(): Ledger {
    return new Ledger(this.#promised);
  }

  /** How many are to be delivered whatever happens to the power. */
  get due(): number {
    return this.#promised.filter(isDue).length;
  }

  get length(): number {
    return this.#promised.length;
  }

  /** @returns whether it is on disk. */
  async append(queue: Queue, bytes: number): Promise<boolean> {
    const number = this.#promised.length;
    const batch = createBatch(number, bytes);
    const promised = { batch, answered: false, acknowledged: false, removing: false, gone: false };
    this.#promised.push(promised);
    const { onDisk } = await queue.append(batch);
    promised.answered = true;
    // Then so are those that were in memory before.
    if (onDisk) for (const one of this.#promised) one.acknowledged ||= one.answered;
    return onDisk;
  }

  /** Removes the oldest one from there on. @returns whether there was one. */
  async remove(queue: Queue, from = 0): Promise<boolean> {
    const entry = await queue.read(from);
    if (entry === undefined) return false;
    const promised = this.#find(entry.batch);
    promised.removing = true;
    const kept = await queue.remove(entry.number);
    promised.removing = false;
    assert.equal(kept, !promised.gone, `batch ${nameOf(entry.batch)}: either it is removed or it was reported`);
    promised.gone = true;
    return true;
  }

  /** For `onDrop`. What is wrong is thrown by the next check: what calls this may take it for an error of the disk. */
  readonly onDrop = (drop: QueueDrop): void => {
    try {
      this.#drop(drop);
    } catch (error) {
      this.#wrong ??= error as Error;
    }
  };

  /**
   * Reads all there is, and holds it against what was promised.
   *
   * @returns the names of what there was.
   */
  async check(queue: Queue): Promise<readonly number[]> {
    const found: number[] = [];
    for (let from = 0; ;) {
      const entry = await queue.read(from);
      if (entry === undefined) break;
      assert.ok(entry.number >= from, `asked from ${from} on, and got ${entry.number}`);
      from = entry.number + 1;
      found.push(nameOf(this.#find(entry.batch).batch));
    }
    if (this.#wrong !== undefined) throw this.#wrong;
    const all = `delivered were ${found.join(' ')}`;
    for (const [index, number] of found.entries())
      assert.ok(index === 0 || number > (found[index - 1] ?? -1), `${number} is not in order, or there twice: ${all}`);
    const missing = this.#promised.filter((one) => isDue(one) && !found.includes(nameOf(one.batch)));
    assert.deepEqual(
      missing.map(({ batch }) => nameOf(batch)),
      [],
      all,
    );
    assert.equal(queue.stats().batches, found.length, 'stats');
    return found;
  }

  /** After a sudden end, before a queue is opened: what was gone may wait again, and be reported again. */
  beginAgain(): void {
    this.#isReviving = true;
  }

  /**
   * After a sudden end, and what was found then by `check`: that is known, and waits, whatever was reported before.
   *
   * @param state.durable it also survives the next power cut.
   */
  goOn(found: readonly number[], { durable }: { readonly durable: boolean }): void {
    this.#isReviving = false;
    for (const [number, one] of this.#promised.entries()) {
      one.removing = false;
      one.answered = false;
      one.gone = !found.includes(number);
      if (durable) one.acknowledged = true;
    }
  }

  /** So many batches with so many points were waiting from `fromMs` to `toMs`; between them, others may go on to do so. */
  #drop({ reason, batches, points, fromMs, toMs }: QueueDrop): void {
    // What is damaged excuses nothing.
    if (reason === 'corrupt') return;
    const all = this.#promised.slice(fromMs - FIRST_MS, toMs - FIRST_MS + 1);
    const range = all.filter(({ gone }) => !gone);
    const kinds = [
      range,
      range.filter(({ removing }) => !removing),
      // Those in memory, which go before those on disk when it fails.
      range.filter(({ acknowledged, removing }) => !acknowledged && !removing),
    ];
    const dropped = this.#isReviving
      ? range.filter(isDue).length <= batches && batches <= all.length && range
      : kinds.find((kind) => kind.length === batches && sumPoints(kind) === points);
    const said = `${reason}: ${batches} batches with ${points} points from ${fromMs - FIRST_MS} to ${toMs - FIRST_MS}`;
    assert.ok(dropped, `${said}, but there are ${range.map(({ batch }) => nameOf(batch)).join(' ')}`);
    for (const one of dropped) one.gone = true;
  }

  /** The one that was appended; fails if there was none that is the same in every byte. */
  #find(batch: Batch): Promised {
    const promised = this.#promised[nameOf(batch)];
    assert.ok(promised, `nobody has appended a batch of ${batch.timeMs}`);
    const { timeMs, points, payload } = promised.batch;
    assert.equal(batch.timeMs, timeMs);
    assert.equal(batch.points, points);
    assert.ok(Buffer.from(payload).equals(batch.payload), `batch ${nameOf(batch)} is not what was appended`);
    return promised;
  }
}

function isDue({ acknowledged, removing, gone }: Promised): boolean {
  return acknowledged && !removing && !gone;
}

function sumPoints(all: readonly Promised[]): number {
  return all.reduce((sum, { batch }) => sum + batch.points, 0);
}

function nameOf({ timeMs }: Batch): number {
  return timeMs - FIRST_MS;
}

function createBatch(number: number, bytes: number): Batch {
  const payload = Uint8Array.from({ length: bytes }, (_, index) => (number * 31 + index * 7 + 1) % 251);
  return { timeMs: FIRST_MS + number, points: (number % 7) + 1, payload };
}
