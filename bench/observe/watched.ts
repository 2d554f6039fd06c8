import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createObservables } from '../../src/observables/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import type { Part } from '../../src/std/part.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import { defaults } from './groups.ts';

/** What this process is to do, as JSON in its first argument; without one it is only there. */
export interface Watched {
  /** The program; without it there are no GPUs. */
  readonly nvidiaSmi?: string | undefined;
  readonly filesystemIntervalMs: number;
  /** For so long all is sampled over and over, until what is compiled is compiled. */
  readonly warmUpMs: number;
}

/** What it answers to any message. */
export interface Cost {
  /** CPU time of its main thread. */
  readonly mainThreadMs: number;
  /** Where it has a namespace of processes, the number of all that were started there, threads included; else of all anywhere. */
  readonly lastPid: number;
}

const WARM_UP_INTERVAL_MS = 5;

const [json] = process.argv.slice(2);
if (json !== undefined) await observe(JSON.parse(json) as Watched);
process.on('message', () => process.send?.(cost()));
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit();
process.send?.(cost());

async function observe(watched: Watched): Promise<void> {
  if (watched.warmUpMs > 0) {
    const warming = createAll(watched, () => WARM_UP_INTERVAL_MS);
    await warming.start();
    await sleep(watched.warmUpMs);
    await warming.shutdown(deadlineIn(1_000));
    // What has been left is not collected at the cost of what comes.
    globalThis.gc?.();
  }
  await createAll(watched, (intervalMs) => intervalMs).start();
}

/** As the gateway does by default, on a machine that has GPUs or does not. */
function createAll({ nvidiaSmi, filesystemIntervalMs }: Watched, interval: (intervalMs: number) => number): Part {
  const { host, container, process: own, gpu } = defaults();
  const filesystems = { ...host.filesystems, intervalMs: interval(filesystemIntervalMs) };
  return createObservables({
    ...createTelemetry(),
    logger: { debug: () => {}, info: () => {}, warn: complain, error: complain },
    host: { ...host, filesystems, intervalMs: interval(host.intervalMs) },
    container: { intervalMs: interval(container.intervalMs) },
    process: { intervalMs: interval(own.intervalMs) },
    gpu: {
      ...gpu,
      intervalMs: interval(gpu.intervalMs),
      ...(nvidiaSmi === undefined
        ? { nvidiaPaths: [] }
        : { backend: 'nvidia-smi' as const, nvidiaSmi: { path: nvidiaSmi } }),
    },
  });
}

function cost(): Cost {
  // Of the thread that reads it, in ns: Documentation/scheduler/sched-stats.rst of Linux
  const [running] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
  return { mainThreadMs: Number(running) / 1e6, lastPid: Number(readFileSync('/proc/sys/kernel/ns_last_pid', 'utf8')) };
}

function complain(message: string, fields?: object): void {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
}
