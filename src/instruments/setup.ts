import type { ExemplarSampler } from './exemplars.ts';

export interface Description {
  readonly name: string;
  readonly unit: string;
  description: string;
}

/** What every kind of instrument is made of. */
export interface InstrumentSetup {
  readonly described: Description;
  /** Whether it was declared to take integers only. */
  readonly integer: boolean;
  /** Whether its values come from callbacks. */
  readonly asynchronous: boolean;
  readonly limit: number;
  readonly expireAfterMs: number | undefined;
  readonly nowMs: () => number;
  readonly sampler: ExemplarSampler;
}
