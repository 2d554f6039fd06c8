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
    const isNumber = typeof value === 'number' && !Number.isNaN(value);
    const reason = !isNumber ? 'not_a_number' : Number.isFinite(value) ? 'negative' : 'infinite';
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
  }
}
