import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config/index.ts';
import type { DestinationOptions } from '../../src/push/options.ts';
import type { BindableMeter } from '../../src/instruments/index.ts';
import { countBuffersInGlobalLimit } from '../../src/main.ts';
import { feedsOf } from '../../src/push/feeds.ts';
import { createPush, type Push } from '../../src/push/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import type { CaseOptions } from '../case.ts';
import { COUNTER, counterSeries, HELP } from '../scrape/workload.ts';
import type { Expected, Sender } from './export-case.ts';
import { counterLoad } from './workload.ts';

export interface PushOptions {
  readonly endpoint: string;
  /** Of one instrument. */
  readonly series: number;
  /** What is sent of all that a gateway has. */
  readonly instrument: string;
  readonly queue?: Partial<DestinationOptions['queue']> | undefined;
  /** Told of what goes wrong. */
  readonly logger?: Logger;
}

export interface StartedPush extends Omit<Sender, 'touch'> {
  readonly meter: BindableMeter;
  readonly push: Push;
}

const NAME = 'bench';
/** The exports come when they are asked for. */
const INTERVAL_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 1_000;
const complain = (message: string, fields?: object): never => {
  throw new Error(`${message}: ${JSON.stringify(fields)}`);
};
const strict: Logger = { debug: () => {}, info: () => {}, warn: complain, error: complain };

/** The gateway's telemetry and its push to one destination, all else set as it is by default, and V8 as the command sets it. */
export async function startPush({ endpoint, series, instrument, ...options }: PushOptions): Promise<StartedPush> {
  countBuffersInGlobalLimit();
  const destination = destinationOf(endpoint);
  const logger = options.logger ?? strict;
  const sole = {
    ...destination,
    intervalMs: INTERVAL_MS,
    metrics: { included: [instrument], excluded: [] },
    queue: { ...destination.queue, ...options.queue },
  };
  const feeds = feedsOf([sole], 'native');
  const telemetry = createTelemetry({ cardinalityLimit: series, version: '0.0.0', destinations: feeds, logger });
  const push = createPush({
    feeds,
    engine: 'native',
    readers: telemetry.push,
    instruments: telemetry.instruments,
    events: telemetry.events,
    logger,
    version: '0.0.0',
  });
  await push.start();
  return {
    meter: telemetry.getMeter({ name: NAME }),
    push,
    export: async () => {
      const { destinations } = await push.flush(TIMEOUT_MS);
      const status = destinations[NAME]?.status;
      // To who flushes, what is on disk is as good as sent.
      while (status === 'on_disk' && waitingIn(push) > 0) await sleep(1);
      if (status !== 'sent' && status !== 'on_disk') throw new Error(`an export is ${status}`);
    },
    close: async () => {
      await push.shutdown(deadlineIn(CLOSE_TIMEOUT_MS));
      await telemetry.shutdown();
    },
  };
}

/** 100,000 counters, bound. */
export async function pushCounters(
  options: CaseOptions,
  given: Omit<PushOptions, 'series' | 'instrument'>,
): Promise<StartedPush & Sender & Expected> {
  const series = counterSeries(options).length;
  const started = await startPush({ ...given, series, instrument: COUNTER });
  const counter = started.meter.createCounter(COUNTER, { description: HELP });
  const recording = counterLoad(options, {
    bind: (labels) => counter.bind(labels),
    record: (bound, value) => bound.add(value),
  });
  return { ...started, ...recording };
}

function destinationOf(endpoint: string): DestinationOptions {
  const text = JSON.stringify({
    upstreams: [{ name: 'none', url: 'http://127.0.0.1:1' }],
    push: [{ name: NAME, endpoint }],
  });
  const result = parseConfig({ text, source: 'defaults', env: {}, readFile: () => '' });
  const [destination] = result.ok ? result.config.push : [];
  if (destination === undefined) throw new Error('no destination');
  return destination;
}

/** @returns batches. */
function waitingIn(push: Push): number {
  const { destinations } = push.status() as { destinations: Record<string, { queue: { batches: number } }> };
  return destinations[NAME]?.queue.batches ?? NaN;
}
