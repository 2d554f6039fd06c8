import { negotiateCoding, negotiateFormat, type Coding, type Negotiated } from '../exposition/negotiation.ts';
import type { RouteRequest } from '../http/routes.ts';
import { COLLECT_TIMEOUT_MS } from '../telemetry/engine.ts';

/** What one scraper wants. */
export interface Scrape extends Negotiated {
  readonly coding: Coding;
  /** Exact sample names; not there = all. */
  readonly names: ReadonlySet<string> | undefined;
  /** How long a callback or source may take, so that the page is there while somebody still waits for it. */
  readonly timeoutMs: number;
}

/** Of the time that a scraper waits, what callbacks and sources may take; the rest is for the page and its way. */
const COLLECT_SHARE = 0.8;

/** Never throws: what cannot be understood is as if it were not there. */
export function readScrape({ headers, query }: RouteRequest): Scrape {
  const names = new URLSearchParams(query).getAll('name[]');
  const patienceMs = Number(headers['x-prometheus-scrape-timeout-seconds']) * 1e3;
  return {
    ...negotiateFormat(headers.accept),
    coding: negotiateCoding(headers['accept-encoding']),
    names: names.length === 0 ? undefined : new Set(names),
    timeoutMs: patienceMs > 0 ? patienceMs * COLLECT_SHARE : COLLECT_TIMEOUT_MS,
  };
}
