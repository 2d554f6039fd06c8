import { readPage } from '../../exposition/read-page.ts';
import type { RunningGateway } from '../../support/gateway.ts';
import { eventually } from '../../support/processes.ts';
import { isSuccess, tally, type Entry } from './ledger.ts';

export type Counts = Readonly<Record<string, number>>;
export type Labels = Readonly<Record<string, string>>;

/** Requests of a load as the gateway counts them; what is 0 is left out. */
export interface GatewayCounts {
  /** `inference.requests`, by model, version and outcome. */
  readonly outcomes: Counts;
  /** `inference.request.duration`, by model, version and status of the failure, or how else it failed. */
  readonly failures: Counts;
  /** `http.server.request.duration`, by method, route and status. */
  readonly answers: Counts;
}

/** Of a page in Prometheus' text format: the samples of a name, summed over what has the same key. What is 0 is left out. */
export function countsOfPage(page: string, name: string, keyOf: (labels: Labels) => string | undefined): Counts {
  const counts: Record<string, number> = {};
  for (const sample of readPage(page).samples) {
    const key = sample.name === name ? keyOf(Object.fromEntries(sample.labels)) : undefined;
    if (key !== undefined && sample.value !== 0) counts[key] = (counts[key] ?? 0) + sample.value;
  }
  return counts;
}

/** What was counted after `before`. */
export function growth(before: Counts, after: Counts): Counts {
  const grown = Object.entries(after).map(([key, count]) => [key, count - (before[key] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count !== 0));
}

/** When no request is in flight any more: a request is counted when its answer has gone out, which its sender may hear of first. */
export async function gatewayCounts(gateway: RunningGateway): Promise<GatewayCounts> {
  const page = await eventually(async () => {
    const text = await (await fetch(`${gateway.urls.metrics}/metrics`)).text();
    const active = countsOfPage(text, 'http_server_active_requests', () => 'all');
    return Object.keys(active).length === 0 ? text : undefined;
  });
  const model = (labels: Labels): string => modelKey(labels.inference_model_name ?? '', labels.inference_model_version);
  return {
    outcomes: countsOfPage(page, 'inference_requests_total', (labels) => {
      return `${model(labels)} ${labels.inference_outcome ?? ''}`;
    }),
    failures: countsOfPage(page, 'inference_request_duration_seconds_count', (labels) => {
      return labels.inference_outcome === 'success' ? undefined : `${model(labels)} ${labels.error_type ?? ''}`;
    }),
    answers: countsOfPage(page, 'http_server_request_duration_seconds_count', (labels) => {
      const { http_request_method: method = '', http_route: route = '', http_response_status_code: status } = labels;
      return `${method} ${route} ${status ?? ''}`;
    }),
  };
}

/** What the gateway has to have counted. */
export function expectedAtGateway(ledger: readonly Entry[]): GatewayCounts {
  const model = ({ kind }: Entry): string | undefined =>
    kind.model && (kind.model.unknown ? '_other' : modelKey(kind.model.name, kind.model.version));
  const asking = ledger.filter(({ kind }) => kind.model !== undefined);
  return {
    outcomes: tally(asking, (entry) => `${model(entry) ?? ''} ${isSuccess(entry) ? 'success' : 'failure'}`),
    failures: tally(asking, (entry) => {
      if (isSuccess(entry)) return undefined;
      return `${model(entry) ?? ''} ${entry.whole ? entry.status : 'upstream_closed'}`;
    }),
    answers: tally(ledger, ({ kind, method, status }) => {
      return kind.unmeasured ? undefined : `${method} ${kind.route ?? '_other'} ${status}`;
    }),
  };
}

export function modelKey(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name}/${version}`;
}
