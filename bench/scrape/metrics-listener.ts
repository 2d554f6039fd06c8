import { createListener, type Listener } from '../../src/http/listener.ts';
import { createPullRoutes } from '../../src/pull/index.ts';
import type { Telemetry } from '../../src/telemetry/index.ts';

export const PATH = '/metrics';

/** The gateway's listener for metrics, set as it is by default. */
export function createMetricsListener({
  events,
  pull: reader,
}: {
  readonly events: Telemetry['events'];
  readonly pull: Pick<Telemetry['pull'], 'collect'>;
}): Listener {
  const routes = createPullRoutes({
    path: PATH,
    reader,
    events,
    strategy: 'underscore_escaping_with_suffixes',
    scopeInfo: true,
    targetInfo: true,
    created: false,
    scrapesInFlightMax: 100,
  });
  const address = { host: '127.0.0.1', port: 0 };
  return createListener({ name: 'metrics', address, routes, connectionsMax: 100, events });
}
