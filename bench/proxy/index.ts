import { CannotRun, type Bench, type BenchOptions, type Report } from '../bench.ts';
import { medianOf } from '../median.ts';
import { sendAtFixedRate } from './fixed-rate.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { figuresOf, ratioOf, runRound, type Round, type Slice } from './rounds.ts';
import type { ServerProcess } from '../server-process.ts';
import { isInstalled, names, startServers, type ServerName, type Servers } from './servers.ts';
import { paths } from './workload.ts';

interface Pace {
  readonly warmUpMs: number;
  readonly sliceMs: number;
  /** Of large bodies, and of streams. */
  readonly rounds: number;
  /** Of small requests, at least. */
  readonly smallRounds: number;
  /** At the fixed rate. */
  readonly seconds: number;
}

const FULL: Pace = { warmUpMs: 800, sliceMs: 300, rounds: 9, smallRounds: 4, seconds: 5 };
const QUICK: Pace = { warmUpMs: 0, sliceMs: 100, rounds: 1, smallRounds: 1, seconds: 1 };

const SMALL = { path: 'small', connections: 32 } as const;
const LARGE = { path: 'large', connections: 8 } as const;
const STREAM = { path: 'stream', connections: 32 } as const;

/** Those that we are close to, ourselves between them, take part in every round of small requests, all others in one of four. */
const close: readonly ServerName[] = ['bare_undici', 'gateway', 'telemetry_off'];
const ALL_EVERY = 4;
/** Proxies that have to be compiled first; the upstream is as they are. */
const compiled: readonly ServerName[] = [...close, 'fastify_http_proxy'];
const beside: readonly ServerName[] = ['gateway', 'bare_undici'];

/** Requests through proxies that stand before the same upstream: how many a processor carries, and what they wait. */
export const proxyBench: Bench = async (options) => {
  if (!isInstalled('wrk')) throw new CannotRun('wrk is not here: it sends the load (Debian has it in the package wrk)');
  const servers = await startServers(options);
  try {
    return await measureAll(servers, options);
  } finally {
    servers.stop();
  }
};

async function measureAll(servers: Servers, { quick, deadlineMs, progress }: BenchOptions): Promise<Report> {
  const pace = quick ? QUICK : FULL;
  const measuring = createMeasuring(servers, pace);
  const { gateway, ledger } = measuring;
  ledger.add(Object.keys(paths).length, 0);

  progress('warming up');
  if (!quick) await measuring.warmUp();
  progress('1,000 requests per second');
  const fixed = await measureFixedRate(servers, ledger, pace.seconds);
  progress('large bodies');
  const large = await measuring.rounds({ ...LARGE, ms: pace.sliceMs }, pace.rounds);
  progress('streams');
  const stream = await measuring.rounds({ ...STREAM, ms: pace.sliceMs }, pace.rounds);
  progress('small requests');
  const small = await measuring.smallRounds(deadlineMs);
  progress(`${small.length} rounds`);
  await ledger.check(gateway);

  const peers = names.filter((name) => !['upstream', 'gateway'].includes(name) && servers.find(name) !== undefined);
  return {
    ratios: {
      ...Object.fromEntries(peers.map((peer) => [`rps_vs_${peer}`, ratioOf(small, 'gateway', peer)])),
      large_body_vs_bare_undici: ratioOf(large, 'gateway', 'bare_undici'),
      stream_vs_bare_undici: ratioOf(stream, 'gateway', 'bare_undici'),
    },
    figures: { ...fixed, ...figuresOf('small', small), ...figuresOf('large', large), ...figuresOf('stream', stream) },
  };
}

interface Measuring {
  readonly gateway: ServerProcess;
  readonly ledger: Ledger;
  warmUp(): Promise<void>;
  rounds(slice: Slice, count: number): Promise<Round[]>;
  smallRounds(deadlineMs: number): Promise<Round[]>;
}

function createMeasuring(servers: Servers, pace: Pace): Measuring {
  const ledger = createLedger();
  const pick = (chosen: readonly ServerName[]): ServerProcess[] => chosen.flatMap((name) => servers.find(name) ?? []);
  const [gateway] = pick(['gateway']);
  if (gateway === undefined) throw new Error('there is no gateway');
  const run = (contenders: readonly ServerProcess[], slice: Slice, round: number): Promise<Round> =>
    // Who comes first is another one each time.
    runRound(round % 2 === 0 ? contenders : contenders.toReversed(), slice, (server, requests, connections) => {
      if (server === gateway) ledger.add(requests, connections);
    });
  const rounds = async (slice: Slice, count: number): Promise<Round[]> => {
    const done: Round[] = [];
    for (let round = 0; round < count; round++) done.push(await run(pick(beside), slice, round));
    return done;
  };
  return {
    gateway,
    ledger,
    rounds,
    warmUp: async () => {
      await run(pick(compiled), { ...SMALL, ms: pace.warmUpMs }, 0);
      await rounds({ ...LARGE, ms: pace.warmUpMs / 2 }, 1);
      await rounds({ ...STREAM, ms: pace.warmUpMs / 2 }, 1);
    },
    smallRounds: async (deadlineMs) => {
      const done: Round[] = [];
      let longestMs = 0;
      while (done.length < pace.smallRounds || (pace === FULL && performance.now() + longestMs < deadlineMs)) {
        const beginMs = performance.now();
        const all = done.length % ALL_EVERY === 0;
        done.push(await run(pick(all ? names : close), { ...SMALL, ms: pace.sliceMs }, done.length));
        longestMs = Math.max(longestMs, performance.now() - beginMs);
      }
      return done;
    },
  };
}

/** What the gateway adds to the upstream's own time, for all but the slowest of a hundred. */
async function measureFixedRate(servers: Servers, ledger: Ledger, seconds: number): Promise<Record<string, number>> {
  const urls = (['upstream', 'gateway'] as const).map((name) => servers.find(name)?.url ?? '');
  const [alone = [], behind = []] = await sendAtFixedRate(urls, seconds + 1);
  ledger.add(behind.flat().length, 0);
  const p99 = (times: readonly number[]): number =>
    times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  // Without the first one, in which connections were made.
  const [aloneMs, behindMs] = [alone.slice(1).map(p99), behind.slice(1).map(p99)];
  return {
    added_p99_ms: medianOf(behindMs.map((ms, second) => ms - (aloneMs[second] ?? NaN))),
    upstream_p99_ms: medianOf(aloneMs),
    gateway_p99_ms: medianOf(behindMs),
  };
}
