/** What one child process measures. It has the process to itself: no other's inline caches, type feedback or heap are mixed with its own. */
export type Case = TimedCase | HeapCase | ProbeCase;

export interface TimedCase {
  /** Does `operations` operations, or a few more. @returns how many it did. */
  run(operations: number): number | Promise<number>;
  /** Has to come before each operation and does not count. Such operations are long ones: they are measured one by one, in ms. */
  prepare?(): void;
  /** For how long such operations are done before they count, twice at least; not at all, if not given. */
  readonly warmUpMs?: number;
  /** Asked for at the end: what else is known of an operation. */
  findings?(): Promise<Sample>;
}

export interface HeapCase {
  readonly series: number;
  /** @returns what must not be collected while the heap is measured. */
  build(): unknown;
}

/** Measures by itself. */
export interface ProbeCase {
  probe(): Promise<Sample>;
}

export interface CaseOptions {
  /** As little as shows that it runs. */
  readonly quick: boolean;
}

/** By name. */
export type Cases = Readonly<Record<string, (options: CaseOptions) => Case>>;

/**
 * What a child found, by unit: `ns` or `ms` per operation, of processor time, and the same as `wall_...`; or `bytes` per series; or
 * what a case says itself.
 */
export type Sample = Readonly<Record<string, number>>;
