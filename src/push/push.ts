import type { Deadline } from '../std/deadline.ts';
import type { Part } from '../std/part.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { FeedOptions } from './feeds.ts';
import type { Observed } from './observe.ts';

export interface PushOptions {
  readonly feeds: readonly FeedOptions[];
  /** With `sdk` the official exporter goes on as it is: without queue and retries. */
  readonly engine: 'native' | 'sdk';
  /** By the name of the feed. */
  readonly readers: ReadonlyMap<string, Reader>;
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** Of metergate. */
  readonly version: string;
}

/** What a flush has made of one destination, which is named first. */
export type Flushed = readonly [string, FlushState];

export interface FlushState {
  /** `pending` = not sent in time, and in memory only; `failed` = some of it is lost. */
  readonly status: 'sent' | 'on_disk' | 'pending' | 'failed';
  /** Those that wait. */
  readonly batches: number;
}

export interface FlushResult {
  /** Whether all that was collected is sent or on disk. */
  readonly ok: boolean;
  readonly destinations: Readonly<Record<string, FlushState>>;
}

/** What the engines have in common. All but `flush` are called once, `stop` maybe while `start` goes on. */
export interface PushEngine {
  readonly destinations: readonly (Observed & Pick<Part, 'status'>)[];
  start(): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
  flush(deadline: Deadline): Promise<readonly Flushed[]>;
}

export interface Push extends Part {
  /** Collects now, and waits until all of it is sent or on disk, at most so long. */
  flush(timeoutMs: number): Promise<FlushResult>;
}
