import type { Attributes } from '@opentelemetry/api';
import type { Deadline } from '../std/deadline.ts';
import type { ObservableName } from '../telemetry/instruments.ts';

/**
 * One kind of readings of the machine: how they are taken. A sampler owns the timer, the deadline, the instruments and the last
 * readings; a group only knows how to read and what the numbers mean. Backends that read the same thing write the same
 * instruments with the same attributes, which `test/contract` holds them to.
 */
export interface ObservableGroup {
  /** Attribute `metergate.observable`; unique among the groups. */
  readonly name: string;
  /** All that it may write. */
  readonly instruments: readonly ObservableName[];
  /**
   * Once, before the first sample. What it throws, or rejects with, is a failed sample, and samples are taken nevertheless.
   *
   * @param onNews of what goes at its own pace, to be called when a sample would find something new: it is taken then, and not by the timer.
   */
  start?(onNews?: () => void): void | Promise<void>;
  /**
   * Takes all readings anew. Throws or rejects when there are none: with a `SampleError` if the reason is known. Is not called again
   * before the promise has settled; what is written after the sampler's deadline is dropped.
   */
  sample(into: Sample): void | Promise<void>;
  /** Leaves no process, file or timer behind. Also called without `start`. */
  close?(deadline: Deadline): void | Promise<void>;
}

/**
 * Absent is absent: a value that no reading of ours can be (missing, NaN, infinite, or negative where it is no temperature) is left
 * out. A true 0 is written.
 *
 * @param value in the unit of the instrument.
 * @param attributes not to be changed afterwards; each set once for a name.
 */
export type WriteReading = (name: ObservableName, value: number | undefined, attributes?: Attributes) => void;

/** What one sample has read; the readings of a sample are shown together, and until the next sample is over. */
export interface Sample {
  readonly write: WriteReading;
  /** Instead of `write`, once in a sample of many readings: what is given writes them when somebody looks, if anybody does. */
  writeLater?(readings: (write: WriteReading) => void): void;
  /** Part of it failed, and what was read of the rest is shown. */
  report(error: SampleError): void;
  /** The readings were taken so long ago, by a device or a program that goes at its own pace; now, if this is not called. */
  takenAgo(ms: number): void;
}

/**
 * Why there are no readings, the value of `error.type`: `missing` (a file, a program), `unreadable` (an error of the system),
 * `malformed` (not the format that is known), `timeout`, `exited` (a child process), `device` (the device itself reports a fault), `other`.
 * `unsupported` is no failure: this machine does not have what the group reads, so it is neither counted nor said again and again.
 */
export type SampleReason =
  'missing' | 'unreadable' | 'malformed' | 'timeout' | 'exited' | 'device' | 'other' | 'unsupported';

export class SampleError extends Error {
  readonly reason: SampleReason;

  /** @param message a sentence for the log, with the path or name of what was read. */
  constructor(reason: SampleReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SampleError';
    this.reason = reason;
  }
}
