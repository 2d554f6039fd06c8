import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Snapshot } from '../metric/model.ts';
import { createEncoder, type EncodeDrop } from '../otlp/encode.ts';
import { deadlineIn, type Deadline } from '../std/deadline.ts';
import { repeat, type Repetition } from '../std/repeat.ts';
import { matcher } from '../std/wildcards.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Batch } from './batch.ts';
import type { Placed } from './intake.ts';
import { shareNextRun } from './next-run.ts';
import type { MetricFilter } from './options.ts';

/** Who is sent what a feed collects. */
export interface Taker {
  readonly name: string;
  /** Resolves when it has room for a batch of that size, at the latest by the deadline. */
  room(bytes: number, deadline: Deadline): Promise<void>;
  /** Never throws. @returns when the batch is where it stays. */
  offer(batch: Batch): Promise<Placed>;
  /** Points that cannot be sent to anyone. */
  unfit(dropped: EncodeDrop): void;
  collectionFailed(error: unknown): void;
}

export interface FeedSource {
  readonly reader: Reader;
  readonly intervalMs: number;
  readonly metrics: MetricFilter;
  readonly batchBytesMax: number;
  readonly takers: readonly Taker[];
}

/** By the name of the taker, where each batch of a collection is, in the order in which they were made. */
export type Placements = ReadonlyMap<string, readonly Promise<Placed>[]>;

/** How long the disks of one destination may hold up a collection for others. */
const ROOM_TIMEOUT_MS = 1_000;

/** Collects at an interval, encodes once, and gives every batch to all takers. */
export class Feed {
  readonly #source: FeedSource;
  readonly #isWanted: (name: string) => boolean;
  readonly #encoder = createEncoder();
  /**
   * A collection that begins from now on, not beside another one; all who ask before it has begun share it. Never throws. @returns when all is
   * encoded and offered; who took it may still be writing. undefined = it failed.
   */
  readonly collect = shareNextRun(() => this.#collect());
  #schedule: Repetition | undefined;
  #lastMs = 0;

  constructor(source: FeedSource) {
    this.#source = source;
    const { included = ['*'], excluded } = source.metrics;
    const [isIncluded, isExcluded] = [matcher(included), matcher(excluded)];
    this.#isWanted = (name) => isIncluded(name) && !isExcluded(name);
  }

  start(): void {
    this.#schedule ??= repeat({ intervalMs: this.#source.intervalMs, task: () => this.collect() });
  }

  stop(): Promise<void> {
    return this.#schedule?.stop() ?? Promise.resolve();
  }

  async #collect(): Promise<Placements | undefined> {
    const { reader, takers } = this.#source;
    const placements = new Map(takers.map(({ name }) => [name, [] as Promise<Placed>[]]));
    try {
      // No two collections have points of the same time: a receiver would take the second for the first, sent twice.
      while (Date.now() === this.#lastMs) await setTimeout(1);
      const { snapshot } = await reader.collect();
      this.#lastMs = Date.now();
      await this.#encode(this.#wanted(snapshot), placements);
    } catch (error) {
      for (const taker of takers) taker.collectionFailed(error);
      return undefined;
    }
    return placements;
  }

  async #encode(snapshot: Snapshot, placements: Map<string, Promise<Placed>[]>): Promise<void> {
    const { takers, batchBytesMax } = this.#source;
    const timeMs = this.#lastMs;
    const deadline = deadlineIn(ROOM_TIMEOUT_MS);
    const drop = (dropped: EncodeDrop): void => {
      for (const taker of takers) taker.unfit(dropped);
    };
    for (const encoded of this.#encoder.encode([snapshot], { batchBytesMax, drop })) {
      if (encoded === undefined) {
        await setImmediate();
        continue;
      }
      const { bytes: payload, points } = encoded;
      await Promise.all(takers.map((taker) => taker.room(payload.length, deadline)));
      for (const taker of takers) placements.get(taker.name)?.push(taker.offer({ timeMs, points, payload }));
    }
  }

  #wanted({ resource, scopes }: Snapshot): Snapshot {
    const isWanted = this.#isWanted;
    const { included, excluded } = this.#source.metrics;
    if (included === undefined && excluded.length === 0) return { resource, scopes };
    return {
      resource,
      scopes: scopes.map(({ scope, metrics }) => ({ scope, metrics: metrics.filter(({ name }) => isWanted(name)) })),
    };
  }
}
