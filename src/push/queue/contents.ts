/** What a segment knows of one of its batches without reading it. */
export interface Described {
  readonly timeMs: number;
  readonly points: number;
  /** Of the payload. */
  readonly bytes: number;
}

/**
 * The batches of one segment, by their index: whether they are waiting, and what is to be reported of them. Columns, since an object for each
 * batch of a long outage would be several times as large.
 */
export class Contents {
  readonly #timesMs: number[] = [];
  readonly #points: number[] = [];
  readonly #bytes: number[] = [];
  readonly #waits: boolean[] = [];
  #first = 0;
  #waiting = 0;
  #pointsWaiting = 0;

  get length(): number {
    return this.#waits.length;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get pointsWaiting(): number {
    return this.#pointsWaiting;
  }

  add({ timeMs, points, bytes }: Described, waits = true): void {
    this.#timesMs.push(timeMs);
    this.#points.push(points);
    this.#bytes.push(bytes);
    this.#waits.push(waits);
    if (!waits) return;
    this.#waiting++;
    this.#pointsWaiting += points;
  }

  at(index: number): Described {
    const [timeMs = 0, points = 0, bytes = 0] = [this.#timesMs[index], this.#points[index], this.#bytes[index]];
    return { timeMs, points, bytes };
  }

  isWaiting(index: number): boolean {
    return this.#waits[index] === true;
  }

  /** The index of the first one that waits, from `from` on; undefined if there is none. */
  firstWaiting(from: number): number | undefined {
    if (this.#waiting === 0) return undefined;
    while (this.#waits[this.#first] === false) this.#first++;
    const index = this.#waits.indexOf(true, Math.max(from, this.#first));
    return index === -1 ? undefined : index;
  }

  /** The indices of all that wait. */
  allWaiting(): number[] {
    return [...this.#waits.keys()].filter((index) => this.isWaiting(index));
  }

  /** What waits no longer there does not wait here. @returns of which this was news. */
  settleLike(other: Contents): number[] {
    const news = this.allWaiting().filter((index) => !other.isWaiting(index));
    for (const index of news) this.settle(index);
    return news;
  }

  /** It waits no longer. */
  settle(index: number): void {
    if (!this.isWaiting(index)) return;
    this.#waits[index] = false;
    this.#waiting--;
    this.#pointsWaiting -= this.#points[index] ?? 0;
  }
}
