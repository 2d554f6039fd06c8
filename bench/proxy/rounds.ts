import { medianOf } from '../median.ts';
import { processorMs } from './processor-time.ts';
import type { ServerProcess } from '../server-process.ts';
import { wrk } from './wrk.ts';
import type { Path } from './workload.ts';

/** By contender: its requests per second in one slice of time. */
export type Round = ReadonlyMap<string, Rates>;

export interface Rates {
  /** Of its own processor time: what one processor carries that has nothing else to do. */
  readonly rps: number;
  readonly wallRps: number;
}

export interface Slice {
  readonly path: Path;
  readonly connections: number;
  readonly ms: number;
}

const SLICE_MS_MAX = 5_000;

/** One slice of each, one after the other. @param sent is told of every slice. */
export async function runRound(
  contenders: readonly ServerProcess[],
  slice: Slice,
  sent: (server: ServerProcess, requests: number, connections: number) => void,
): Promise<Round> {
  const round = new Map<string, Rates>();
  for (const server of contenders) {
    // Where the machine is so slow that none was answered, it is tried for longer.
    for (let { ms } = slice; !round.has(server.name) && ms < SLICE_MS_MAX; ms *= 2) {
      const beforeMs = processorMs(server.pid);
      const { requests, wallMs } = await wrk({ ...slice, ms, url: server.url });
      const tookMs = processorMs(server.pid) - beforeMs;
      sent(server, requests, slice.connections);
      if (requests === 0) continue;
      round.set(server.name, { rps: (requests / tookMs) * 1e3, wallRps: (requests / wallMs) * 1e3 });
    }
    if (!round.has(server.name)) throw new Error(`${server.name} answered no request for ${slice.path} within seconds`);
  }
  return round;
}

/**
 * Ours over the peer's: of the rounds that had both the median of their ratios, since what slows the machine down for a while
 * slows down both.
 */
export function ratioOf(rounds: readonly Round[], ours: string, peer: string): number {
  return medianOf(
    rounds.flatMap((round) => {
      const [a, b] = [round.get(ours), round.get(peer)];
      return a === undefined || b === undefined ? [] : [a.rps / b.rps];
    }),
  );
}

/** Medians over the rounds, as `PREFIX_CONTENDER_rps`. */
export function figuresOf(prefix: string, rounds: readonly Round[]): Record<string, number> {
  const names = new Set(rounds.flatMap((round) => [...round.keys()]));
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const rates = rounds.flatMap((round) => round.get(name) ?? []);
      return [
        [`${prefix}_${name}_rps`, medianOf(rates.map(({ rps }) => rps))],
        [`${prefix}_${name}_wall_rps`, medianOf(rates.map(({ wallRps }) => wallRps))],
      ];
    }),
  );
}
