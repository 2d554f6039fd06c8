import type { Attributes } from '@opentelemetry/api';
import type { Instruments, ObserveSeries } from '../telemetry/instruments.ts';

/**
 * One kind of readings of the machine: how they are taken and how the instruments show them. A sampler owns the timer, the
 * deadline and the last readings; a group only knows how to read and what the numbers mean.
 *
 * @typeParam R the readings of one sample: a new object each time, not changed after it was returned.
 */
export interface ObservableGroup<R extends object> {
  /** Attribute `metergate.observable`; unique among the groups. */
  readonly name: string;
  /** Rejects when nothing could be read. Is not called again before the promise has settled. */
  sample(): Promise<R>;
  /**
   * Creates the instruments; called once. Their callbacks run in every collection of every reader, so all they do is look at
   * `latest()`: the readings of the last sample, or `undefined` when it failed or there is none yet.
   */
  register(instruments: Instruments, latest: () => R | undefined): void;
}

/** `undefined` for what no reading of ours can be: missing, NaN, infinite or negative. A true 0 is known. */
export function known(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Observes a reading if it is known, else nothing: absent is absent. */
export function observeKnown(observe: ObserveSeries, value: number | undefined, attributes?: Attributes): void {
  const reading = known(value);
  if (reading !== undefined) observe(reading, attributes);
}
