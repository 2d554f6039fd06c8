import type { ScopeMetrics } from '../metric/model.ts';

/**
 * One more origin of metrics, beside the engine, in every collection of every consumer.
 *
 * - Its metrics are cumulative, whatever temporality the consumer prefers.
 * - What it returns belongs to the caller: the source writes nothing into it afterwards.
 * - It returns what is good of what it has, and rejects only where nothing can be read at all.
 * - A source that rejects, throws or hangs costs its own metrics only.
 */
export interface Source {
  /** Who it is, in logs and errors. */
  readonly name: string;
  collect(): Promise<readonly ScopeMetrics[]>;
}
