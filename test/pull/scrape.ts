import type { TestContext } from 'node:test';
import { createListener } from '../../src/http/listener.ts';
import { createPullRoutes } from '../../src/pull/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import type { Events } from '../../src/telemetry/events.ts';

export interface Scraped {
  readonly status: number;
  readonly contentType: string | null;
  readonly allow: string | null;
  readonly body: string;
}

export type Scrape = (path?: string, method?: string) => Promise<Scraped>;

/** The pull routes on the listener that the gateway gives them, closed after the test. */
export async function servePull(
  t: TestContext,
  { reader, events }: { reader: Reader; events: Events },
): Promise<Scrape> {
  const listener = createListener({
    name: 'metrics',
    address: { host: '127.0.0.1', port: 0 },
    routes: createPullRoutes({ path: '/metrics', reader, events }),
    connectionsMax: 100,
    events,
  });
  await listener.start();
  t.after(() => listener.shutdown(deadlineIn(1_000)));
  return async (path = '/metrics', method = 'GET') => {
    const response = await fetch(`${listener.url}${path}`, { method });
    return {
      status: response.status,
      contentType: response.headers.get('content-type'),
      allow: response.headers.get('allow'),
      body: await response.text(),
    };
  };
}
