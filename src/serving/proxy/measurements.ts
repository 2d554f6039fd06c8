import { errorText } from '../../std/error-text.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { createEndings } from './endings.ts';
import { createHeaderAttributes, NO_VALUES, type HeaderAttribute } from './header-attributes.ts';
import { createHttpSeries } from './http-series.ts';
import { createKnownModels } from './known-models.ts';
import type { Measured } from './measured.ts';
import type { UpstreamOptions } from './upstreams.ts';

/** Records what happens to requests. No call throws: a failure of telemetry is an event, never a failed request. */
export interface Measurements {
  /** The head of a request has been read. */
  received(exchange: Measured): void;
  /** It waits for a place at its upstream. */
  waiting(exchange: Measured): void;
  /** It has its place, or has given up. */
  waited(exchange: Measured): void;
  /** It goes to its upstream. */
  dispatched(exchange: Measured): void;
  /** It went to another replica, since there was no connection to the first one. */
  retried(exchange: Measured): void;
  /** Its response is closed; the outcome is settled. */
  ended(exchange: Measured): void;
  /** A connection asked for something that is not HTTP, so there was no exchange. */
  unreadable(): void;
}

export interface MeasurementsOptions {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly upstreams: readonly UpstreamOptions[];
  readonly knownModelsMax: number;
  readonly attributesFromHeaders: readonly HeaderAttribute[];
}

export function createMeasurements(options: MeasurementsOptions): Measurements {
  const { instruments, events } = options;
  const http = createHttpSeries(instruments, 'http');
  const models = createKnownModels(options);
  const headerAttributes = createHeaderAttributes(options.attributesFromHeaders);

  const guarded = <T extends Measured | undefined>(measure: (exchange: T) => void): ((exchange: T) => void) => {
    return (exchange) => {
      try {
        measure(exchange);
      } catch (error) {
        events.emit('measurement failed', { fields: { error: errorText(error) } });
      }
    };
  };
  const { inference, httpServer } = createEndings({ models, headerAttributes, http, events });
  const countUnreadable = guarded(() => models.unrouted.ended(NO_VALUES).requests.rejected.add(1));
  const endInference = guarded(inference);
  const endHttp = guarded(httpServer);

  return {
    received: guarded(({ request }) => http.active(request.method ?? '').add(1)),

    waiting: guarded((exchange) => {
      if (exchange.recognition?.inference !== true) return;
      exchange.waitsIn = models.of(exchange);
      exchange.waitsIn.queueSize.add(1);
    }),

    waited: guarded(({ waitsIn, waitMs = 0 }) => {
      waitsIn?.queueSize.add(-1);
      waitsIn?.queueDuration.record(waitMs / 1000);
    }),

    dispatched: guarded((exchange) => {
      if (exchange.recognition?.inference !== true) return;
      exchange.activeIn = models.of(exchange);
      exchange.activeIn.active.add(1);
      if (exchange.waitMs === undefined) exchange.activeIn.queueDuration.record(0);
    }),

    retried: guarded(({ upstream }) =>
      events.emit('request retried', { attributes: { 'inference.upstream.name': upstream?.options.name } }),
    ),

    ended: (exchange) => {
      endInference(exchange);
      endHttp(exchange);
    },

    unreadable: () => countUnreadable(undefined),
  };
}
