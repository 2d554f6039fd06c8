import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import { repeat, type Repetition } from '../std/repeat.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ObservableGroup } from './observable.ts';

export interface SamplerOptions<R extends object> {
  readonly group: ObservableGroup<R>;
  readonly intervalMs: number;
  /** A sample that takes longer has failed; the next one starts only when it has ended after all. */
  readonly timeoutMs: number;
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
}

/** Samples one group on a timer, never beside itself, and holds its last readings, or none after a failure. */
export interface Sampler {
  readonly name: string;
  /** Registers the instruments and starts the timer; resolves when the first sample is over, well or not. */
  start(): Promise<void>;
  /** Waits for the running sample until the deadline, then leaves it alone. Idempotent. */
  shutdown(deadline: Deadline): Promise<void>;
  /** What the last sample that ended or ran out of time took. */
  durationSeconds(): number | undefined;
  /** Times are ISO 8601. */
  status(): { lastSuccess: string | null; lastError: { at: string; message: string } | null };
}

export function createSampler<R extends object>(options: SamplerOptions<R>): Sampler {
  const { group, intervalMs, timeoutMs, instruments, events, logger } = options;
  const attributes = { 'metergate.observable': group.name };
  let readings: R | undefined;
  let durationSeconds: number | undefined;
  let lastSuccess: Date | undefined;
  let lastError: { at: Date; message: string } | undefined;
  let unsettled = false;
  let running: Promise<void> | undefined;
  let abandon: (() => void) | undefined;
  let repetition: Repetition | undefined;
  let stopped = false;

  const succeed = (value: R): void => {
    if (readings === undefined && lastError !== undefined) logger.info('observable recovered', attributes);
    readings = value;
    lastSuccess = new Date();
  };

  const fail = (message: string): void => {
    readings = undefined;
    lastError = { at: new Date(), message };
    events.emit('sample failed', { attributes, fields: { error: message } });
  };

  const read = (): Promise<R> => {
    unsettled = true;
    return group.sample().finally(() => (unsettled = false));
  };

  const sample = async (): Promise<void> => {
    if (unsettled) {
      fail('the sample before has not ended yet');
      return;
    }
    const startMs = performance.now();
    const abandoned = Promise.withResolvers<undefined>();
    abandon = () => abandoned.resolve(undefined);
    try {
      const result = await within(deadlineIn(timeoutMs), Promise.race([read(), abandoned.promise]));
      if (!result.done) fail(`no readings within ${timeoutMs} ms`);
      else if (result.value !== undefined) succeed(result.value);
    } catch (error) {
      fail(error instanceof Error ? error.message : errorText(error));
    }
    durationSeconds = (performance.now() - startMs) / 1000;
  };

  const run = (): Promise<void> => (running ??= sample().finally(() => (running = undefined)));

  return {
    name: group.name,
    start: () => {
      if (stopped) return Promise.resolve();
      if (repetition === undefined) {
        group.register(instruments, () => readings);
        repetition = repeat({ intervalMs, task: run });
      }
      return run();
    },
    shutdown: async (deadline) => {
      stopped = true;
      const ended = Promise.all([repetition?.stop(), running]);
      await within(deadline, ended);
      abandon?.();
      await ended;
    },
    durationSeconds: () => durationSeconds,
    status: () => ({
      lastSuccess: lastSuccess?.toISOString() ?? null,
      lastError: lastError === undefined ? null : { at: lastError.at.toISOString(), message: lastError.message },
    }),
  };
}
