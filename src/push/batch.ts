/** One encoded `ExportMetricsServiceRequest`, as it is kept in a queue and sent. */
export interface Batch {
  /**
   * Unix ms of the collection that it is a part of, in whole milliseconds. Batches of one collection have the same one, and no series
   * is in two of them; no other collection of the destination has it.
   */
  readonly timeMs: number;
  /** Data points. */
  readonly points: number;
  /** Protobuf, not compressed. Nobody changes it. */
  readonly payload: Uint8Array;
}
