/** What one child process measures. It has the process to itself: no other's inline caches, type feedback or heap are mixed with its own. */
export type Case = TimedCase | HeapCase;

export interface TimedCase {
  /** Does `operations` operations, or a few more. @returns how many it did. */
  run(operations: number): number | Promise<number>;
  /** Has to come before each operation and does not count. Such operations are long ones: they are measured one by one, in ms. */
  prepare?(): void;
}

export interface HeapCase {
  readonly series: number;
  /** @returns what must not be collected while the heap is measured. */
  build(): unknown;
}

/** By name. */
export type Cases = Readonly<Record<string, () => Case>>;

/** What a child found, by unit: `ns` or `ms` per operation, of processor time, and the same as `wall_...`; or `bytes` per series. */
export type Sample = Readonly<Record<string, number>>;
