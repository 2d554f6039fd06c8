/**
 * - `not_a_number`: not of the type number, or NaN.
 * - `infinite`: an infinity, or a sum that would become one.
 * - `negative`: a negative increment of a counter.
 */
export type Refusal = 'not_a_number' | 'infinite' | 'negative';

/** Measurements of one instrument that were left out because they would have spoilt a series for good. */
export class Refusals {
  readonly counts = new Map<Refusal, number>();

  count(value: unknown): void {
    const reason =
      typeof value !== 'number' || Number.isNaN(value) ? 'not_a_number' : value < 0 ? 'negative' : 'infinite';
    this.#add(value === -Infinity ? 'infinite' : reason);
  }

  #add(reason: Refusal): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
  }
}
