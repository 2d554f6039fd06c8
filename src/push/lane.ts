import type { Batch } from './batch.ts';
import { Pause } from './pause.ts';
import type { Entry, Queue } from './queue/queue.ts';
import { hasBegun, startDelivery, type Delivery, type Sender, type Tally } from './sender.ts';

export interface LaneOptions {
  readonly queue: Queue;
  readonly sender: Sender;
  /** By number, what one lane has left to another of which the receiver has a part. */
  readonly begun: Map<number, Delivery>;
  /** A batch has left the queue. */
  readonly settled: (batch: Batch, tally: Tally) => void;
  /** Batches on their way at one time. */
  readonly exportsMax: number;
  /** Below which number batches are its own; undefined = all. */
  readonly to: () => number | undefined;
  /** Given, only batches from here on are its own, and what could not be sent at once is left to another lane, which is told so. */
  readonly fresh?: { readonly from: number; readonly leave: () => void };
}

const READ_AGAIN_MS = 1_000;

/**
 * Sends batches of a queue in their order. Several are on their way at one time only if they are of one collection, so that no series
 * overtakes itself.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #idle = new Pause();
  #next: number;
  #wakes = 0;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#next = options.fresh?.from ?? 0;
  }

  /** What is below is not its own any more, or is done. */
  get next(): number {
    return this.#next;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is a batch more. */
  wake(): void {
    this.#wakes++;
    this.#idle.end();
  }

  /** Whoever waits before an attempt need not. */
  hurry(): void {
    this.#idle.end();
    this.#options.sender.hurry();
  }

  /**
   * Ends when nothing is waiting any more, or when an attempt fails and `mayEnd` says so. @returns when it has ended. Called again, the last
   * `mayEnd` counts.
   */
  async stop(mayEnd: () => boolean): Promise<void> {
    this.#isStopping = true;
    this.#options.sender.stop(mayEnd);
    this.#idle.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      const wakes = this.#wakes;
      const [first, ...others] = await this.#read();
      if (first !== undefined) {
        if (!(await this.#deliverAll([first, ...others]))) return;
      } else if (this.#isStopping) return;
      // What came while it read, it may not have seen.
      else if (wakes === this.#wakes) await this.#idle.wait(this.#readAgainMs());
    }
  }

  /** What cannot be read just now wakes nobody when it can. */
  #readAgainMs(): number | undefined {
    const { queue, fresh } = this.#options;
    return fresh === undefined && queue.stats().batches > 0 ? READ_AGAIN_MS : undefined;
  }

  /** The next batches of one collection. */
  async #read(): Promise<Entry[]> {
    const { queue, exportsMax, to, fresh } = this.#options;
    const entries: Entry[] = [];
    // Always the oldest: a folder that can be read only later comes with batches that are older than what was sent already.
    let from = fresh === undefined ? 0 : this.#next;
    while (entries.length < exportsMax) {
      const entry = await queue.read(from, to());
      if (entry === undefined) break;
      const [first = entry] = entries;
      if (entry.batch.timeMs !== first.batch.timeMs) break;
      entries.push(entry);
      from = entry.number + 1;
    }
    return entries;
  }

  /** @returns whether to go on. */
  async #deliverAll(entries: readonly [Entry, ...Entry[]]): Promise<boolean> {
    const { queue, sender, fresh } = this.#options;
    const { end } = queue;
    this.#next = entries[0].number;
    const delivered = await Promise.all(entries.map((entry) => this.#deliver(entry)));
    if (delivered.every(Boolean)) this.#next = Math.max(...entries.map(({ number }) => number)) + 1;
    else if (sender.isToEnd) return false;
    else if (fresh !== undefined) {
      // What has come meanwhile is newer, and has its turn.
      this.#next = end;
      fresh.leave();
    }
    return true;
  }

  /** @returns whether nothing is left to be done about it. */
  async #deliver({ number, batch }: Entry): Promise<boolean> {
    const { queue, sender, begun, settled } = this.#options;
    const delivery = begun.get(number) ?? startDelivery(batch);
    const isDone = await sender.send(delivery, () => queue.has(number));
    if (isDone) begun.delete(number);
    else if (hasBegun(delivery)) begun.set(number, delivery);
    for (const key of begun.keys()) if (!queue.has(key)) begun.delete(key);
    // What was dropped meanwhile is counted as that.
    if (isDone && (await queue.remove(number))) settled(batch, delivery.tally);
    return isDone;
  }
}
