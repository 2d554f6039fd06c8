import type { AccessLog } from './access-log.ts';
import type { ProxyErrorCode } from './errors.ts';
import type { InFlight, InFlightEntry } from './in-flight.ts';
import type { Measurements } from './measurements.ts';
import type { Route } from './routing.ts';

/** What all exchanges of a proxy share. */
export interface ExchangeContext {
  /** Set when the upstreams are open; before that nothing is listened to. */
  route: Route;
  readonly measurements: Measurements;
  accessLog: AccessLog | undefined;
  /** What looks at requests has failed; they go on. */
  readonly onTapError: (error: unknown) => void;
  readonly requestsInFlightMax: number;
  readonly requestBodyBytesMax: number;
  /** Between two parts of a body whose upstream is not yet known. */
  readonly bodyIdleMs: number;
  readonly inFlight: InFlight<InFlightEntry & { fail(code: ProxyErrorCode): void }>;
  /** While true, every response closes its connection. */
  draining: boolean;
}
