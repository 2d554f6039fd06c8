import { deadlineIn, within } from '../std/deadline.ts';
import type { Part } from '../std/part.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments, ObservableName } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createContainerGroup } from './container/index.ts';
import { createGpuGroup, type GpuOptions } from './gpu/index.ts';
import { createHostGroups, type HostOptions } from './host/index.ts';
import type { ObservableGroup } from './observable.ts';
import { createProcessGroups } from './process/index.ts';
import { createSampler, type Sampler, type SamplerStats } from './sampler.ts';
import { createWakeUps } from './wake-ups.ts';

export interface ObservablesOptions {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** Each of the four is off if not given. */
  readonly host?: HostOptions | undefined;
  readonly container?: Schedule | undefined;
  readonly process?: Schedule | undefined;
  readonly gpu?: (Schedule & GpuOptions) | undefined;
  /** Groups besides the built-in ones. */
  readonly groups?: readonly ScheduledGroup[];
  /** For one sample of one group. */
  readonly sampleTimeoutMs?: number;
  /** How long `start` waits for the first samples, so that the first scrape finds them. */
  readonly startWaitMs?: number;
}

export interface Schedule {
  readonly intervalMs: number;
}

export interface ScheduledGroup extends Schedule {
  readonly group: ObservableGroup;
}

/** A device that hangs must not take the time of the last export, which comes after this. */
const SHUTDOWN_MS = 2000;

/**
 * Readings of the machine through asynchronous instruments: sampled on timers, and only looked up when a collection runs, so
 * that neither the number of readers nor the rate of scrapes changes what is read. A group that fails or hangs costs its own
 * readings, a counter and a log line; it neither fails `start` nor holds it up for longer than `startWaitMs`.
 */
export function createObservables(options: ObservablesOptions): Part {
  const { instruments, events, logger, sampleTimeoutMs = 5000, startWaitMs = 1000 } = options;
  let samplers: readonly Sampler[] = [];
  let state: 'created' | 'started' | 'stopped' = 'created';

  return {
    name: 'observables',
    start: async () => {
      if (state !== 'created') return;
      state = 'started';
      const wakeUps = createWakeUps();
      samplers = scheduledGroups(options).map(({ group, intervalMs }) =>
        createSampler({ group, intervalMs, timeoutMs: sampleTimeoutMs, instruments, events, logger, wakeUps }),
      );
      observeSamplers(instruments, samplers);
      await within(deadlineIn(startWaitMs), Promise.all(samplers.map((sampler) => sampler.start())));
    },
    shutdown: async (deadline) => {
      state = 'stopped';
      const own = deadlineIn(Math.min(deadline.remainingMs() / 2, SHUTDOWN_MS));
      await within(own, Promise.all(samplers.map((sampler) => sampler.shutdown(own))));
    },
    ready: () => state === 'started',
    status: () => Object.fromEntries(samplers.map((sampler) => [sampler.name, sampler.status()])),
  };
}

function scheduledGroups(options: ObservablesOptions): ScheduledGroup[] {
  const { instruments, logger, host, container, process, gpu, groups = [] } = options;
  return [
    ...(host ? createHostGroups({ ...host, logger }) : []),
    ...(container ? [{ group: createContainerGroup(), ...container }] : []),
    ...(process ? createProcessGroups({ instruments }).map((group) => ({ group, ...process })) : []),
    ...(gpu ? [{ group: createGpuGroup({ ...gpu, logger }), intervalMs: gpu.intervalMs }] : []),
    ...groups,
  ];
}

const STATS = {
  'metergate.observable.sample.duration': ({ durationSeconds }) => durationSeconds,
  'metergate.observable.sample.age': ({ ageSeconds }) => ageSeconds,
  'metergate.observable.sample.success': ({ success }) => (success === undefined ? undefined : Number(success)),
} as const satisfies Partial<Record<ObservableName, (stats: SamplerStats) => number | undefined>>;

function observeSamplers(instruments: Instruments, samplers: readonly Sampler[]): void {
  const series = samplers.map((sampler) => ({ sampler, attributes: { 'metergate.observable': sampler.name } }));
  for (const [name, read] of Object.entries(STATS) as [keyof typeof STATS, (typeof STATS)[keyof typeof STATS]][]) {
    instruments.observe(name, (observe) => {
      for (const { sampler, attributes } of series) {
        const value = read(sampler.stats());
        if (value !== undefined) observe(value, attributes);
      }
    });
  }
}
