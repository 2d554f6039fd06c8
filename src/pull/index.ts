import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { encodeText, TEXT_0_0_4 } from '../exposition/text.ts';
import { toFamilies } from '../exposition/families.ts';
import { textAnswer, type Answer, type Route } from '../http/routes.ts';
import { fromSdk } from '../metric/from-sdk.ts';
import type { Snapshot } from '../metric/model.ts';
import { collect } from '../telemetry/collect.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import { SCOPE } from '../telemetry/sdk-engine.ts';
import { serializeOtelJs } from './otel-js.ts';

export interface PullOptions {
  /** Of the page in the default dialect; the others lie below it. */
  readonly path: string;
  readonly reader: Reader;
  readonly events: Events;
}

/** The pages that Prometheus scrapes. A collection that fails is 500, so that Prometheus shows the target as down. */
export function createPullRoutes({ path, reader, events }: PullOptions): readonly Route[] {
  const page = (encode: (resourceMetrics: ResourceMetrics) => Promise<Answer> | Answer): Route['handle'] => {
    return async () => {
      try {
        return await encode(await collect(reader, 'pull', events));
      } catch (error) {
        events.emit('scrape failed', { fields: { error: String(error) } });
        return textAnswer(500, 'The collection failed; see the log of the gateway.');
      }
    };
  };

  return [
    { path, handle: page((resourceMetrics) => encodePage(resourceMetrics, events)) },
    { path: `${path}/otel-js`, handle: page(serializeOtelJs) },
  ];
}

function encodePage(resourceMetrics: ResourceMetrics, events: Events): Answer {
  const { snapshot, unsupported } = fromSdk(resourceMetrics);
  const { families, dropped } = toFamilies(withOurScopeFirst(snapshot));
  const left = unsupported.map((name) => ({ name, reason: 'unsupported_kind' }));
  for (const { name, reason } of [...left, ...dropped]) {
    events.emit('family dropped', { attributes: { 'metergate.reason': reason }, fields: { family: name } });
  }
  return { status: 200, contentType: TEXT_0_0_4, body: encodeText(families) };
}

/** Where two instruments want one name, the first scope wins, and the SDK hands scopes over in no order of its own. */
function withOurScopeFirst(snapshot: Snapshot): Snapshot {
  const ours = snapshot.scopes.filter(({ scope }) => scope.name === SCOPE);
  return { ...snapshot, scopes: [...ours, ...snapshot.scopes.filter(({ scope }) => scope.name !== SCOPE)] };
}
