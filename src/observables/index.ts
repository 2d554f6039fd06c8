import { deadlineIn, within } from '../std/deadline.ts';
import type { Part } from '../std/part.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createHostGroups } from './host/index.ts';
import { observeKnown, type ObservableGroup } from './observable.ts';
import { createProcessGroup } from './process/index.ts';
import { createSampler, type Sampler } from './sampler.ts';

export interface ObservablesOptions {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** CPU and memory of the host; off if not given. Below 250 ms it does not go: the backend does not refresh faster. */
  readonly host?: Schedule | undefined;
  /** The gateway's own process; off if not given. */
  readonly process?: Schedule | undefined;
  /** Groups besides the built-in ones. */
  readonly groups?: readonly (Schedule & { readonly group: ObservableGroup<object> })[];
  /** For one sample of one group. */
  readonly sampleTimeoutMs?: number;
  /** How long `start` waits for the first samples, so that the first scrape finds them. */
  readonly startWaitMs?: number;
}

export interface Schedule {
  readonly intervalMs: number;
}

/**
 * Readings of the machine through asynchronous instruments: sampled on timers, and only looked up when a collection runs, so
 * that neither the number of readers nor the rate of scrapes changes what is read. A group that fails or hangs costs its own
 * readings, a counter and a log line; it neither fails `start` nor holds it up for longer than `startWaitMs`.
 */
export function createObservables(options: ObservablesOptions): Part {
  const {
    instruments,
    events,
    logger,
    host,
    process,
    groups = [],
    sampleTimeoutMs = 5000,
    startWaitMs = 1000,
  } = options;
  const scheduled = [
    ...(host ? createHostGroups().map((group) => ({ group, intervalMs: host.intervalMs })) : []),
    ...(process ? [{ group: createProcessGroup(), intervalMs: process.intervalMs }] : []),
    ...groups,
  ];
  const samplers = scheduled.map(({ group, intervalMs }) =>
    createSampler<object>({ group, intervalMs, timeoutMs: sampleTimeoutMs, instruments, events, logger }),
  );
  let state: 'created' | 'started' | 'stopped' = 'created';

  return {
    name: 'observables',
    start: async () => {
      if (state !== 'created') return;
      state = 'started';
      observeDurations(instruments, samplers);
      await within(deadlineIn(startWaitMs), Promise.all(samplers.map((sampler) => sampler.start())));
    },
    shutdown: async (deadline) => {
      state = 'stopped';
      await Promise.all(samplers.map((sampler) => sampler.shutdown(deadline)));
    },
    ready: () => state === 'started',
    status: () => Object.fromEntries(samplers.map((sampler) => [sampler.name, sampler.status()])),
  };
}

function observeDurations(instruments: Instruments, samplers: readonly Sampler[]): void {
  const series = samplers.map((sampler) => ({ sampler, attributes: { 'metergate.observable': sampler.name } }));
  instruments.observe('metergate.observable.sample.duration', (observe) => {
    for (const { sampler, attributes } of series) observeKnown(observe, sampler.durationSeconds(), attributes);
  });
}
