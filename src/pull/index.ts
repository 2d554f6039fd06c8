import { encodeText, TEXT_0_0_4 } from '../exposition/text.ts';
import { toFamilies } from '../exposition/families.ts';
import { textAnswer, type Answer, type Route } from '../http/routes.ts';
import { errorText } from '../std/error-text.ts';
import type { Collection, Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import { serializeOtelJs } from './otel-js.ts';

export interface PullOptions {
  /** Of the page in the default dialect; the others lie below it. */
  readonly path: string;
  readonly reader: Reader;
  readonly events: Events;
}

/** The pages that Prometheus scrapes. A collection that fails is 500, so that Prometheus shows the target as down. */
export function createPullRoutes({ path, reader, events }: PullOptions): readonly Route[] {
  const page = (encode: (collection: Collection) => Promise<Answer> | Answer): Route['handle'] => {
    return async () => {
      try {
        return await encode(await reader.collect());
      } catch (error) {
        events.emit('scrape failed', { fields: { error: errorText(error) } });
        return textAnswer(500, 'The collection failed; see the log of the gateway.');
      }
    };
  };

  return [
    { path, handle: page((collection) => encodePage(collection, events)) },
    { path: `${path}/otel-js`, handle: page(({ resourceMetrics }) => serializeOtelJs(resourceMetrics())) },
  ];
}

function encodePage({ snapshot }: Collection, events: Events): Answer {
  const { families, dropped } = toFamilies(snapshot);
  for (const { name, reason } of dropped) {
    events.emit('family dropped', { attributes: { 'metergate.reason': reason }, fields: { family: name } });
  }
  return { status: 200, contentType: TEXT_0_0_4, body: encodeText(families) };
}
