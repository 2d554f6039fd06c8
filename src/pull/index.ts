import { createExposition, type ExpositionOptions } from '../exposition/index.ts';
import type { Dropped } from '../exposition/families.ts';
import { textAnswer, type Answer, type Route, type RouteRequest } from '../http/routes.ts';
import { errorText } from '../std/error-text.ts';
import type { Collection, Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import { createSharedCollections } from './collections.ts';
import { createConstantLabels, type ConstantLabels } from './constant-labels.ts';
import { compress } from './compression.ts';
import { OTEL_JS_TYPE, serializeOtelJs } from './otel-js.ts';
import { readScrape, type Scrape } from './scrape.ts';

export interface PullOptions extends Omit<ExpositionOptions, 'isConstantLabel'> {
  /** Of the page in the default dialect; the others lie below it. */
  readonly path: string;
  /** Not there = none. */
  readonly constantLabels?: ConstantLabels;
  /** Whether there is the page of the official exporter, which is made in one go and keeps the event loop meanwhile; not if not given. */
  readonly otelJs?: boolean;
  /** Scrapes that are answered at one time, until the last byte has left; more are answered 503. */
  readonly scrapesInFlightMax: number;
  readonly reader: Reader;
  readonly events: Events;
}

/** One kind of pages. */
interface Page {
  readonly contentTypeOf: (scrape: Scrape) => string;
  readonly make: (collection: Collection, scrape: Scrape) => Promise<Iterable<Uint8Array>> | Iterable<Uint8Array>;
}

type Streamed = Answer & { readonly body: AsyncIterable<Uint8Array> };

const OVERLOADED = 'Too many scrapes at one time.';
const FAILED = 'The collection failed; see the log of the gateway.';

/** The pages that Prometheus scrapes. A collection that fails is 500, so that Prometheus shows the target as down. */
export function createPullRoutes(options: PullOptions): readonly Route[] {
  const { path, reader, events, scrapesInFlightMax } = options;
  const exposition = createExposition({ ...options, isConstantLabel: createConstantLabels(options.constantLabels) });
  const collect = createSharedCollections(reader);
  let inFlight = 0;

  const drop = ({ name, reason }: Dropped): void =>
    void events.emit('family dropped', { attributes: { 'metergate.reason': reason }, fields: { family: name } });
  const fail = (error: unknown): void => void events.emit('scrape failed', { fields: { error: errorText(error) } });

  const answer = async (request: RouteRequest, { contentTypeOf, make }: Page): Promise<Streamed> => {
    const scrape = readScrape(request);
    const collection = await collect(scrape.timeoutMs);
    const { coding } = scrape;
    const isPlain = coding === 'identity';
    const headers = {
      vary: 'accept, accept-encoding',
      'cache-control': 'no-store',
      ...(!isPlain && { 'content-encoding': coding }),
    };
    const contentType = contentTypeOf(scrape);
    if (request.method === 'HEAD') return { status: 200, contentType, headers, body: noParts() };
    const body = inTurns(await make(collection, scrape));
    return { status: 200, contentType, headers, body: isPlain ? body : compress(body, coding) };
  };

  const handle =
    (page: Page): Route['handle'] =>
    async (request) => {
      if (inFlight >= scrapesInFlightMax) {
        events.emit('scrape rejected');
        return { ...textAnswer(503, OVERLOADED), headers: { 'retry-after': '1' } };
      }
      inFlight++;
      const over = (): void => {
        inFlight--;
      };
      try {
        const given = await answer(request, page);
        return { ...given, body: untilOver(given.body, { over, fail }) };
      } catch (error) {
        over();
        fail(error);
        return textAnswer(500, FAILED);
      }
    };

  const page: Page = {
    contentTypeOf: ({ contentType }) => contentType,
    make: ({ snapshot }, scrape) => exposition.page(snapshot, scrape, drop),
  };
  const otelJsPage: Page = {
    contentTypeOf: () => OTEL_JS_TYPE,
    make: async ({ resourceMetrics }) => [Buffer.from(await serializeOtelJs(resourceMetrics()))],
  };
  return [
    { path, handle: handle(page) },
    ...(options.otelJs ? [{ path: `${path}/otel-js`, handle: handle(otelJsPage) }] : []),
  ];
}

async function* noParts(): AsyncGenerator<Uint8Array> {}

/** A connection takes all that it has room for in one go; with this, others get their turn after the collection and between two parts. */
async function* inTurns(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await new Promise(setImmediate);
  for (const part of parts) {
    yield part;
    await new Promise(setImmediate);
  }
}

/** A body that is always begun, says when it is over, and with what it failed. */
async function* untilOver(
  parts: AsyncIterable<Uint8Array>,
  { over, fail }: { over: () => void; fail: (error: unknown) => void },
): AsyncGenerator<Uint8Array> {
  try {
    yield* parts;
  } catch (error) {
    fail(error);
    throw error;
  } finally {
    over();
  }
}
