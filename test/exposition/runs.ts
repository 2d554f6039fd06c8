/** How often a property is tried: in the long run (METERGATE_LONG=1) at least 100,000 times over all. */
export function runs({ short, long = 100_000 }: { short: number; long?: number }): { numRuns: number } {
  return { numRuns: process.env.METERGATE_LONG === '1' ? long : short };
}
