import { createListener } from '../../src/http/listener.ts';
import type { Answer, Route, RouteRequest } from '../../src/http/routes.ts';
import { createPullRoutes, type PullOptions } from '../../src/pull/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import type { Telemetry } from '../../src/telemetry/index.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { expositionDefaults } from '../exposition/page.ts';

/** What a scraper asked for and got. */
export interface ServedScrape {
  readonly accept: string | undefined;
  readonly acceptEncoding: string | undefined;
  readonly status: number;
  readonly contentType: string;
  /** Not there = as it is. */
  readonly contentEncoding: string | undefined;
}

export interface PageOptions extends Partial<Pick<PullOptions, 'strategy' | 'created' | 'scopeInfo' | 'targetInfo'>> {
  readonly telemetry: Telemetry;
  /** Instead of the scraper's own `Accept`, as a proxy between may have it. */
  readonly accept?: string;
}

export interface ServedPages {
  /** `host:port` */
  readonly address: string;
  /** The last scrape of a path by a scraper that says who it is in the parameter `by`; undefined if there was none. */
  last(by: string): ServedScrape | undefined;
  stop(): Promise<void>;
}

/**
 * The pull routes on the listener that the gateway gives them, once for each path. What they say of themselves goes elsewhere, so that every
 * scrape finds the same.
 */
export async function servePages(pages: Readonly<Record<string, PageOptions>>): Promise<ServedPages> {
  const { events } = createTestTelemetry();
  const served = new Map<string, ServedScrape>();
  const routes = Object.entries(pages).map(([path, { telemetry, accept, ...options }]) => {
    const reader = telemetry.pull;
    const created = createPullRoutes({
      ...expositionDefaults,
      created: false,
      scrapesInFlightMax: 1_000,
      ...options,
      path,
      reader,
      events,
    });
    return created.filter((route) => route.path === path).map((route) => noted(route, { accept, served }));
  });
  const listener = createListener({
    name: 'metrics',
    address: { host: '127.0.0.1', port: 0 },
    routes: routes.flat(),
    connectionsMax: 1_000,
    events,
  });
  await listener.start();
  return {
    address: new URL(listener.url).host,
    last: (by) => served.get(by),
    stop: () => listener.shutdown(deadlineIn(1_000)),
  };
}

function noted(
  { path, handle }: Route,
  { accept, served }: { accept: string | undefined; served: Map<string, ServedScrape> },
): Route {
  const note = ({ query, headers }: RouteRequest, answer: Answer): void => {
    served.set(new URLSearchParams(query).get('by') ?? '', {
      accept: headers.accept,
      acceptEncoding: headers['accept-encoding'],
      status: answer.status,
      contentType: answer.contentType,
      contentEncoding: answer.headers?.['content-encoding'],
    });
  };
  return {
    path,
    handle: async (request) => {
      const asked = accept === undefined ? request : { ...request, headers: { ...request.headers, accept } };
      const answer = await handle(asked);
      note(request, answer);
      return answer;
    },
  };
}
