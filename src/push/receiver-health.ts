import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { timeText } from './time-text.ts';
import type { Failure } from './transports/transport.ts';

/** Whether a receiver takes what it is sent: each failure is counted, and logged when it is another one than before, as is the end of all. */
export interface ReceiverHealth {
  /** Unix ms; undefined = it has taken nothing yet. */
  readonly lastSentMs: number | undefined;
  sent(): void;
  /** Of an attempt, or of a collection for one. @param points that are not dropped for that. */
  failed(points: number, failure: Failure): void;
  /** For `/status` only: what comes of it has a line of its own. */
  erred(message: string): void;
  status(): ReceiverStatus;
}

/** Times are ISO 8601. */
export interface ReceiverStatus {
  readonly endpoint: string;
  readonly lastSent: string | null;
  readonly lastError: { readonly at: string | null; readonly message: string } | null;
  /** When it failed first since it took something last; null = it did not fail since. */
  readonly failingSince: string | null;
}

export interface ReceiverHealthOptions {
  /** Of the destination. */
  readonly name: string;
  readonly endpoint: string;
  readonly events: Events;
  readonly logger: Logger;
}

export function createReceiverHealth({ name, endpoint, events, logger }: ReceiverHealthOptions): ReceiverHealth {
  const destination = { 'metergate.destination': name };
  let lastSentMs: number | undefined;
  let lastError: ReceiverStatus['lastError'] = null;
  let failingSinceMs: number | undefined;
  /** What the log has of the failures since then. */
  const logged = new Set<string>();

  const erred = (message: string): void => {
    const nowMs = Date.now();
    failingSinceMs ??= nowMs;
    lastError = { at: timeText(nowMs), message };
  };
  return {
    get lastSentMs() {
      return lastSentMs;
    },
    sent: () => {
      lastSentMs = Date.now();
      if (logged.size > 0)
        logger.info('export recovered', { ...destination, endpoint, since: timeText(failingSinceMs) });
      logged.clear();
      failingSinceMs = undefined;
    },
    failed: (points, { code, message }) => {
      erred(`${code}: ${message}`);
      const attributes = { ...destination, 'error.type': code };
      const fields = { endpoint, points, error: message };
      if (events.emit('export failed', { attributes, amount: points, fields, silent: logged.has(code) }))
        logged.add(code);
    },
    erred,
    status: () => ({ endpoint, lastSent: timeText(lastSentMs), lastError, failingSince: timeText(failingSinceMs) }),
  };
}
