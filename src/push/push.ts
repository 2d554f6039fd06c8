import type { Part } from '../std/part.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { FlushStatus } from './flush.ts';
import type { DestinationOptions } from './options.ts';

export interface PushOptions {
  readonly destinations: readonly DestinationOptions[];
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

export interface FlushResult {
  /** Whether all that was collected is sent or on disk. */
  readonly ok: boolean;
  /** `batches` = those that wait. */
  readonly destinations: Readonly<Record<string, { readonly status: FlushStatus; readonly batches: number }>>;
}

export interface Push extends Part {
  /** Collects now, and waits until all of it is sent or on disk, at most so long. */
  flush(timeoutMs: number): Promise<FlushResult>;
}
