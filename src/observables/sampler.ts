import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createBoundedWait, type BoundedWait } from './bounded-wait.ts';
import type { ObservableGroup, SampleError } from './observable.ts';
import { createPace } from './pace.ts';
import { createReadings, observeReadings, type Readings } from './readings.ts';
import { asSampleError, createSampleHealth, type SampleStatus } from './sample-health.ts';
import { createWakeUps, type WakeUps } from './wake-ups.ts';

export interface SamplerOptions {
  readonly group: ObservableGroup;
  readonly intervalMs: number;
  /** A sample that takes longer has failed; the next one starts only when it has ended after all. */
  readonly timeoutMs: number;
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** Those of the other samplers, too. */
  readonly wakeUps?: WakeUps;
}

/** Samples one group on a timer, or when it has news, never beside itself, and holds its last readings, or none after a failure. */
export interface Sampler {
  readonly name: string;
  /** Creates the instruments and starts the timer; resolves when the first sample is over, well or not. */
  start(): Promise<void>;
  /** Waits for the running sample, but not for long, and closes the group. Idempotent. */
  shutdown(deadline: Deadline): Promise<void>;
  stats(): SamplerStats;
  status(): SampleStatus;
}

/** Each is undefined as long as it is not known, `success` also of what this machine does not have. */
export interface SamplerStats {
  /** What the last sample that ended or ran out of time took. */
  readonly durationSeconds: number | undefined;
  /** Since the sample whose readings are shown. */
  readonly ageSeconds: number | undefined;
  /** Whether the last sample read all that there is. */
  readonly success: boolean | undefined;
}

const UNSUPPORTED_MS = 60_000;

/** After news, until the group is sampled without any: before, it would as a rule be found as it was, at the cost of waking up. */
const INTERVALS_WITHOUT_NEWS = 3;

export function createSampler(options: SamplerOptions): Sampler {
  const { group, intervalMs, timeoutMs, instruments, events, logger, wakeUps = createWakeUps() } = options;
  const wait = createBoundedWait(timeoutMs);
  const health = createSampleHealth({ name: group.name, events, logger });
  let shown: { readings: Readings; atMs: number } | undefined;
  let durationSeconds: number | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const sample = async (): Promise<void> => {
    const before = wait.unsettled();
    if (before !== undefined) {
      health.ended([before]);
      return;
    }
    const startMs = performance.now();
    const taken = await take(group, wait);
    if (taken === undefined) return;
    shown =
      taken.readings?.isEmpty() === false
        ? { readings: taken.readings, atMs: performance.now() - taken.agoMs }
        : undefined;
    health.ended(taken.errors);
    durationSeconds = (performance.now() - startMs) / 1000;
  };

  const pace = createPace({
    wakeUps,
    task: sample,
    intervalMs: (hadNews) => {
      if (hadNews && shown !== undefined) return INTERVALS_WITHOUT_NEWS * intervalMs;
      // What this machine does not have is not looked for each second.
      return health.isUnsupported() ? Math.max(intervalMs, Math.min(UNSUPPORTED_MS, 60 * intervalMs)) : intervalMs;
    },
  });

  const prepare = async (): Promise<void> => {
    try {
      await wait.until(
        group.start?.(() => pace.onNews()),
        'not ready',
      );
    } catch (error) {
      health.ended([asSampleError(error)]);
    }
  };

  const begin = async (): Promise<void> => {
    observeReadings(instruments, group.instruments, () => shown?.readings);
    await prepare();
    if (stopping === undefined) await pace.start();
  };

  const stop = async (deadline: Deadline): Promise<void> => {
    const ended = Promise.all([starting, pace.stop()]);
    // The other half is for the group.
    await within(deadlineIn(deadline.remainingMs() / 2), ended);
    wait.abandon();
    await ended;
    try {
      await group.close?.(deadline);
    } catch (error) {
      logger.error('observable not closed', { 'metergate.observable': group.name, error: errorText(error) });
    }
  };

  return {
    name: group.name,
    start: () => (starting ??= stopping ?? begin()),
    shutdown: (deadline) => (stopping ??= stop(deadline)),
    stats: () => ({
      durationSeconds,
      ageSeconds: shown && (performance.now() - shown.atMs) / 1000,
      success: health.success(),
    }),
    status: () => health.status(),
  };
}

interface Taken {
  /** Not there if the sample failed as a whole. */
  readonly readings?: Readings;
  readonly agoMs: number;
  readonly errors: readonly SampleError[];
}

/** @returns nothing if it was abandoned. */
async function take(group: ObservableGroup, wait: BoundedWait): Promise<Taken | undefined> {
  const readings = createReadings(group.instruments);
  const errors: SampleError[] = [];
  let agoMs = 0;
  try {
    const sampled = group.sample({
      write: readings.write,
      writeLater: readings.writeLater,
      report: (error) => void errors.push(error),
      takenAgo: (ms) => void (agoMs = ms),
    });
    if (!(await wait.until(sampled, 'no readings'))) return undefined;
    return { readings, agoMs, errors };
  } catch (error) {
    return { agoMs, errors: [...errors, asSampleError(error)] };
  }
}
