import { setTimeout } from 'node:timers/promises';
import { request } from 'undici';
import { countsOfPage, sumOfPage } from '../../src/cli/demo/comparison.ts';
import type { Counts } from '../../src/cli/demo/load.ts';
import { outcomes } from '../../src/serving/proxy/outcome.ts';
import { startServer, type ServerProcess } from '../server-process.ts';
import type { MemorySample } from './gateway-process.ts';
import { createSoakLoad } from './load.ts';
import { growth, inMiB } from './memory.ts';

export interface SoakOptions {
  readonly requests: number;
  /** Told what is going on, by lines. */
  readonly progress: (line: string) => void;
}

/** The first is taken when all that is made once has been made. */
const SAMPLES = 10;
/** Gauges of what is under way. */
const GAUGES = ['inference_active_requests', 'inference_queue_size', 'http_server_active_requests'];
/** For what ends a moment after its last byte was read here. */
const SETTLE_MS = 100;
const SETTLES_MAX = 30;

/** Sends requests of many kinds through the gateway. @returns sentences about what it did wrong; none, if all is well. */
export async function soak({ requests, progress }: SoakOptions): Promise<string[]> {
  const script = (name: string): URL => new URL(name, import.meta.url);
  const upstream = await startServer({ name: 'upstream', script: script('upstream.ts') });
  const started = startServer({
    name: 'gateway',
    script: script('gateway-process.ts'),
    flags: ['--expose-gc'],
    args: [upstream.url],
  });
  let gateway: ServerProcess | undefined;
  try {
    gateway = await started;
    return await soakGateway(gateway, { requests, progress });
  } finally {
    gateway?.stop();
    upstream.stop();
  }
}

async function soakGateway(gateway: ServerProcess, { requests, progress }: SoakOptions): Promise<string[]> {
  const load = createSoakLoad(gateway.url);
  const samples: MemorySample[] = [];
  const beginMs = performance.now();
  for (let sample = 1; sample <= SAMPLES; sample++) {
    await load.send(Math.floor((requests * sample) / SAMPLES) - Math.floor((requests * (sample - 1)) / SAMPLES));
    await pageAtRest(gateway);
    const memory = (await gateway.ask('memory')) as MemorySample;
    samples.push(memory);
    progress(
      `${total(load.counts)} requests, ${((performance.now() - beginMs) / 1_000).toFixed(0)} s: ` +
        `${inMiB(memory.heldBytes)} held, ${inMiB(memory.rssBytes)} resident`,
    );
  }
  const page = await pageAtRest(gateway);
  await load.close();
  const left = (await gateway.ask('shutdown')) as string[];
  return [
    ...[...load.faults].map(([fault, times]) => `${times} times: ${fault}`),
    ...growth(samples),
    ...differences(load.counts, countsOfPage(page)),
    ...GAUGES.filter((name) => sumOfPage(page, name) !== 0).map(
      (name) => `${name} is ${sumOfPage(page, name)} at rest`,
    ),
    ...(left.length > 0 ? [`after the shutdown there is still: ${left.join(', ')}`] : []),
  ];
}

/** The page as soon as nothing is under way, or that of the last look. */
async function pageAtRest({ metricsUrl = '' }: ServerProcess): Promise<string> {
  for (let look = 1; ; look++) {
    const page = await (await request(metricsUrl)).body.text();
    if (look === SETTLES_MAX || GAUGES.every((name) => sumOfPage(page, name) === 0)) return page;
    await setTimeout(SETTLE_MS);
  }
}

function differences(sent: Counts, counted: Counts): string[] {
  return outcomes
    .filter((outcome) => sent[outcome] !== counted[outcome])
    .map((outcome) => `${sent[outcome]} requests ended as ${outcome}, and the gateway counted ${counted[outcome]}`);
}

function total(counts: Counts): number {
  return outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
}
