import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Recognition } from '../protocols/protocol.ts';
import type { ProxyErrorCode } from './errors.ts';
import type { ModelSeries } from './known-models.ts';
import type { Outcome } from './outcome.ts';
import type { Replica } from './replicas.ts';
import type { Upstream } from './upstreams.ts';

/** What an exchange shows to those who measure it; complete when its response has closed. */
export interface Measured {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** When the head of the request had been read, on the clock of `performance.now()`. */
  readonly startMs: number;
  /** When its response had closed. */
  readonly endMs: number;
  /** Undefined if it was refused before one was found. */
  readonly upstream: Upstream | undefined;
  /** Whom of the upstream it was sent to last. */
  readonly replica: Replica | undefined;
  /** Undefined for a path that is none of the protocol's. */
  readonly recognition: Recognition | undefined;
  /** How long it waited for a place at the upstream, if it did. */
  readonly waitMs: number | undefined;
  readonly outcome: Outcome | undefined;
  /** Undefined if the upstream's own answer ended it. */
  readonly errorCode: ProxyErrorCode | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Kept for the measurements: the series in which it waits and is in flight, and, when it is over, where it was counted. */
  waitsIn: ModelSeries | undefined;
  activeIn: ModelSeries | undefined;
  countedIn: ModelSeries | undefined;
}
