export interface Report {
  /** The peer's cost over ours: above 1 means that we are ahead. */
  readonly ratios: Readonly<Record<string, number>>;
  /** The last part of a name is the unit, but for what is a ratio itself (`..._vs_page`) and `cpu_at_...`, which is percent of one core. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface BenchOptions {
  /** One short round, which shows that it runs; the figures are worth nothing. */
  readonly quick: boolean;
  /** By `performance.now()`. */
  readonly deadlineMs: number;
  /** Told what is going on, by lines. */
  readonly progress: (line: string) => void;
}

/** metergate and its peers, measured in one run. */
export type Bench = (options: BenchOptions) => Report | Promise<Report>;

/** Thrown where the machine lacks what a benchmark cannot do without; its message is a sentence for people. */
export class CannotRun extends Error {}
