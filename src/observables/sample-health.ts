import { errorText } from '../std/error-text.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { SampleError, type SampleReason } from './observable.ts';

/** How the samples of one group end: counted each time, logged when it changes. */
export interface SampleHealth {
  /** @param errors of one sample; none if all went well. */
  ended(errors: readonly SampleError[]): void;
  /** Of the last sample; undefined before the first one, and where this machine does not have what is read. */
  success(): boolean | undefined;
  /** Whether the last sample found that this machine does not have what is read. */
  isUnsupported(): boolean;
  status(): SampleStatus;
}

/** Times are ISO 8601. */
export interface SampleStatus {
  readonly lastSuccess: string | null;
  readonly lastError: { readonly at: string; readonly reason: SampleReason; readonly message: string } | null;
}

export interface SampleHealthOptions {
  /** Of the group. */
  readonly name: string;
  readonly events: Events;
  readonly logger: Logger;
  /** Of a failure that goes on and whose words change, a line at most so often: some have a new number each second. */
  readonly changedQuietMs?: number;
}

/** Of one sample, in one line. */
const MESSAGES_MAX = 5;

export function createSampleHealth(options: SampleHealthOptions): SampleHealth {
  const { name, events, logger, changedQuietMs = 60_000 } = options;
  const observable = { 'metergate.observable': name };
  let success: boolean | undefined;
  let lastSuccess: Date | undefined;
  let lastError: { at: Date; reason: SampleReason; message: string } | undefined;
  /** What the log says of the reasons that samples fail for since the last that did not. */
  const failures = new Map<SampleReason, { message: string; atMs: number }>();
  /** Why this machine does not have what is read. */
  let unsupported: string | undefined;

  const fail = (reason: SampleReason, message: string): void => {
    const attributes = { ...observable, 'error.type': reason };
    const nowMs = performance.now();
    const last = failures.get(reason);
    const silent = last !== undefined && (last.message === message || nowMs - last.atMs < changedQuietMs);
    const written = events.emit('sample failed', { attributes, fields: { error: message }, silent });
    if (written) failures.set(reason, { message, atMs: nowMs });
  };
  const recover = (): void => {
    logger.info('observable recovered', observable);
    failures.clear();
  };

  return {
    ended: (errors) => {
      const failed = errors.filter(({ reason }) => reason !== 'unsupported');
      const missing =
        errors.length > failed.length ? sentence(errors.filter((error) => !failed.includes(error))) : undefined;
      if (failed.length === 0 && (failures.size > 0 || (unsupported !== undefined && missing === undefined))) recover();
      if (missing !== undefined && missing !== unsupported) {
        logger.info('observable not supported', { ...observable, reason: missing });
      }
      unsupported = missing;
      for (const reason of new Set(failed.map((error) => error.reason))) {
        fail(reason, sentence(failed.filter((error) => error.reason === reason)));
      }

      const [last] = errors.slice(-1);
      if (last !== undefined) lastError = { at: new Date(), reason: last.reason, message: last.message };
      if (errors.length === 0) lastSuccess = new Date();
      success = errors.length === 0 || (failed.length > 0 ? false : undefined);
    },
    success: () => success,
    isUnsupported: () => unsupported !== undefined && success === undefined,
    status: () => ({
      lastSuccess: lastSuccess?.toISOString() ?? null,
      lastError: lastError ? { ...lastError, at: lastError.at.toISOString() } : null,
    }),
  };
}

function sentence(errors: readonly SampleError[]): string {
  const messages = errors.slice(0, MESSAGES_MAX).map(({ message }) => message);
  const more = errors.length - messages.length;
  return [...messages, ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

/** Whatever a group threw. */
export function asSampleError(error: unknown): SampleError {
  if (error instanceof SampleError) return error;
  return new SampleError('other', error instanceof Error ? error.message : errorText(error), { cause: error });
}
