import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { createListener } from '../../src/http/listener.ts';
import type { Route } from '../../src/http/routes.ts';
import { createPullRoutes, type PullOptions } from '../../src/pull/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { expositionDefaults } from '../exposition/page.ts';

export interface Scraped {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly contentType: string | undefined;
  /** As they came: nothing is decompressed. */
  readonly bytes: Buffer;
  /** What the bytes are as UTF-8. */
  readonly body: string;
}

/** On a connection of its own, with no headers but those given; rejects where the answer is not complete. */
export type Scrape = (
  path?: string,
  options?: { readonly method?: string; readonly headers?: OutgoingHttpHeaders },
) => Promise<Scraped>;

export interface Pull {
  readonly url: string;
  readonly scrape: Scrape;
  /** Requests that have come to the pull routes. */
  readonly handled: () => number;
}

export type PullSetUp = Partial<PullOptions> &
  Pick<PullOptions, 'reader' | 'events'> & {
    /** On the same listener. */
    readonly routes?: readonly Route[];
  };

/** The pull routes on the listener that the gateway gives them, closed after the test. */
export async function startPull(t: TestContext, { routes = [], ...options }: PullSetUp): Promise<Pull> {
  let handled = 0;
  const own = createPullRoutes({
    ...expositionDefaults,
    path: '/metrics',
    otelJs: true,
    scrapesInFlightMax: 100,
    ...options,
  });
  const counted = own.map(({ path, handle }): Route => ({ path, handle: (given) => (handled++, handle(given)) }));
  const listener = createListener({
    name: 'metrics',
    address: { host: '127.0.0.1', port: 0 },
    routes: [...counted, ...routes],
    connectionsMax: 1_000,
    events: options.events,
  });
  await listener.start();
  t.after(() => listener.shutdown(deadlineIn(0)));
  return {
    url: listener.url,
    handled: () => handled,
    scrape: (path = '/metrics', { method = 'GET', headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(`${listener.url}${path}`, { method, headers, agent: false });
        sent.on('error', reject).on('response', (answer) => {
          const { statusCode: status = 0 } = answer;
          const done = (bytes: Buffer): void =>
            resolve({
              status,
              headers: answer.headers,
              contentType: answer.headers['content-type'],
              bytes,
              body: bytes.toString(),
            });
          buffer(answer).then(done, reject);
        });
        sent.end();
      }),
  };
}

export async function servePull(t: TestContext, options: PullSetUp): Promise<Scrape> {
  return (await startPull(t, options)).scrape;
}
