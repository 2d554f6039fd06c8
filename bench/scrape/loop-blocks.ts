/** How long who waited for a turn of the event loop had to wait, at most. */
export interface LongestBlock {
  /** Without the time in which other processes had the processor: what no thread of this process ran in does not count. */
  readonly ms: number;
  /** As the clock has it. */
  readonly wallMs: number;
}

/**
 * Watches the event loop. It has no time to sleep meanwhile: a chain of immediates goes through it, so that nothing between two of them is
 * missed.
 *
 * @returns stops.
 */
export function watchLoop(): () => LongestBlock {
  let [longestMs, longestWallMs] = [0, 0];
  let lastMs = performance.now();
  let cpu = process.cpuUsage();
  let watching = true;
  const look = (): void => {
    const wallMs = performance.now() - lastMs;
    const { user, system } = process.cpuUsage(cpu);
    longestMs = Math.max(longestMs, Math.min(wallMs, (user + system) / 1e3));
    longestWallMs = Math.max(longestWallMs, wallMs);
    lastMs = performance.now();
    cpu = process.cpuUsage();
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    look();
    watching = false;
    return { ms: longestMs, wallMs: longestWallMs };
  };
}
