/** What it is for the short run and for the long one (METERGATE_LONG=1). */
export function sized({ short, long }: { short: number; long: number }): number {
  return process.env.METERGATE_LONG === '1' ? long : short;
}

/** How often a property is tried: in the long run every judge is to see at least 100,000 hostile snapshots. */
export function runs({ short, long = 100_000 }: { short: number; long?: number }): { numRuns: number } {
  return { numRuns: sized({ short, long }) };
}
