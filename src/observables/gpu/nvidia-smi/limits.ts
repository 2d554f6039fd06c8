/** How long is too long, in milliseconds. */
export interface NvidiaSmiLimits {
  /** Since a row came, for it to be shown; three intervals if those are longer. */
  readonly shownMs: number;
  /** Without a row, for the program to go on; five intervals if those are longer. */
  readonly silentMs: number;
  /** The same before all GPUs have had a row: without the persistence daemon of NVIDIA, each may take some seconds. */
  readonly firstRowsMs: number;
  /** From the start of the program, for a sample to wait for these. */
  readonly waitMs: number;
  /** For a program that ends so soon after its first rows, the back-off goes on where it was. */
  readonly steadyMs: number;
}

const DEFAULTS: NvidiaSmiLimits = {
  shownMs: 3000,
  silentMs: 10_000,
  firstRowsMs: 60_000,
  waitMs: 2000,
  steadyMs: 60_000,
};

export function limitsOf(intervalMs: number, limits: Partial<NvidiaSmiLimits> = {}): NvidiaSmiLimits {
  const all = { ...DEFAULTS, ...limits };
  return {
    ...all,
    shownMs: Math.max(all.shownMs, 3 * intervalMs),
    silentMs: Math.max(all.silentMs, 5 * intervalMs),
    firstRowsMs: Math.max(all.firstRowsMs, 5 * intervalMs),
  };
}
